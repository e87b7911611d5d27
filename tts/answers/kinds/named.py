"""From the name of a kind to the kind of a problem: by the user's wish, the row, or a guess from the problem."""

from __future__ import annotations

import re
from functools import lru_cache

from tts.answers.kinds.choice import options_of
from tts.answers.kinds.kind import Extraction, Kind
from tts.errors import BadInput, UnknownName
from tts.registry import names, resolve
from tts.types import Problem

AUTO, MATH = "auto", "math"


@lru_cache(maxsize=64)  # a file of problems names one a row
def type_of(name: str) -> type[Kind]:
    """Return the class of a kind: ``tool:id,time`` is ``tool`` with fields to leave out, ``one-of:yes,no`` has words.

    Raises UnknownName, or BadInput for a list that the kind does not take or needs.
    """
    base, colon, _ = name.partition(":")
    if base == AUTO:
        raise UnknownName("kind of answer", name, names("answer kind"))
    found: type[Kind] = resolve("answer kind", base)
    if colon and not found.lists:
        raise BadInput(f"only the kinds tool and one-of take a list, not {base}: write --kind {base}.")
    if (colon and not all(listed(name))) or len(listed(name)) < found.least:
        one = found.lists.upper()
        wanted = f"needs {found.least} {found.lists}s or more" if found.least else f"names no {found.lists}s"
        raise BadInput(f"{name!r} {wanted}: write --kind {base}:{one},{one}.")
    return found


def listed(name: str) -> tuple[str, ...]:
    """Return what a kind's name lists after its colon."""
    _, colon, parts = name.partition(":")
    return tuple(part.strip() for part in parts.split(",")) if colon else ()


def kind_of(name: str, problem: Problem, extract: Extraction) -> Kind:
    """Return the kind of that name, for one problem."""
    return type_of(name)(problem, extract, listed(name))


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
