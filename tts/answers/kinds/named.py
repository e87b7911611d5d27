"""From the name of a kind to the kind of a problem: by the user's wish, the row, or a guess from the problem."""

from __future__ import annotations

import re

from tts.answers.kinds.choice import options_of
from tts.answers.kinds.kind import Extraction, Kind
from tts.errors import BadInput, UnknownName
from tts.registry import names, resolve
from tts.types import Problem

AUTO, MATH = "auto", "math"


def type_of(name: str) -> type[Kind]:
    """Return the class of a kind: ``tool:id,time`` is ``tool`` with fields to leave out. Raises UnknownName."""
    base, colon, fields = name.partition(":")
    if base == AUTO:
        raise UnknownName("kind of answer", name, names("answer kind"))
    found: type[Kind] = resolve("answer kind", base)
    if colon and found.name != "tool":
        raise BadInput(f"only the kind tool has fields to leave out, not {base}: write --kind {base}.")
    if colon and not all(part.strip() for part in fields.split(",")):
        raise BadInput(f"{name!r} names no fields: write --kind tool:FIELD,FIELD.")
    return found


def kind_of(name: str, problem: Problem, extract: Extraction) -> Kind:
    """Return the kind of that name, for one problem."""
    fields = name.partition(":")[2]
    return type_of(name)(problem, extract, tuple(part.strip() for part in fields.split(",") if part.strip()))


_STUB = re.compile(r"^(?:async )?def \w+\(.*\).*:\s*$", re.MULTILINE)
_ASKED = re.compile(
    r"\b(?:write|implement|complete|create|define)\b[^.?!\n]{0,60}\b(?:python|function|program|code|script)\b",
    re.IGNORECASE,
)


def guess(problem: Problem) -> str:
    """Guess the kind from the problem: three options make a choice, a function to write makes code; else math."""
    if len(options_of(problem.text)) >= 3:
        return "choice"
    if _STUB.search(problem.text) or (
        _ASKED.search(problem.text) and re.search(r"\bpython\b|\bdef \w|\bassert \w|```", problem.text, re.IGNORECASE)
    ):
        return "code"
    return MATH
