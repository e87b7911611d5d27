"""JSON that fits a schema as an answer: whoever asked reads it with a program."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

from tts.answers.kinds.kind import Kind
from tts.errors import BadInput
from tts.files.json_text import canonical, dump, parse, within
from tts.files.json_text import read as read_json
from tts.tools.outline import outline
from tts.tools.schema import misfit
from tts.types import Problem

_FENCE = re.compile(r"```(?:json)?[ \t]*\n(.*?)```", re.DOTALL)
_TAIL = 100_000
_MOST = 20  # values of a text that are checked


def read_schema(path: Path) -> str:
    """Read a JSON schema from a file, as the text of :attr:`tts.types.Problem.schema`. Raises BadInput."""
    found = read_json(path, f"the schema {path}")
    if not isinstance(found, dict) or not found:
        raise BadInput(f"{path} is no JSON schema, which is an object with members such as `type`.")
    return dump(found)


def instructed(problem: Problem) -> Problem:
    """Return a problem with a schema and the instruction to keep to it, unless it has one of its own.

    Raises BadInput for a schema that is none.
    """
    if not problem.schema:
        return problem
    schema = parse(problem.schema, "the schema")
    if not isinstance(schema, dict):
        raise BadInput("the schema is no JSON schema, which is an object with members such as `type`.")
    if problem.instruction:
        return problem
    shown = outline(schema)
    return replace(problem, instruction=f"Answer with JSON of this form, and write nothing after it:\n{shown}")


class Structured(Kind):
    """JSON that fits the problem's schema. Values vote, whatever their layout and the order of their members.

    It is the whole solution, or an object or array that stands in a fence, or the last one in the text that fits; a
    policy may think first. What fits nowhere does not vote.
    """

    wants = "JSON that fits the schema"

    def __init__(self, problem: Problem, text: Kind) -> None:
        super().__init__(problem, text.extract)
        self._schema = parse(problem.schema)

    def find(self, text: str) -> str | None:
        found = islice(_values(text.rpartition("</think>")[2]), _MOST)
        return next((dump(value) for value in found if not misfit(value, self._schema)), None)

    def same(self, a: str, b: str) -> bool:
        return _canonical(a) == _canonical(b)


@lru_cache(512)
def _canonical(answer: str) -> str:
    """Write an answer canonically; each of many answers is compared with many others."""
    return canonical(parse(answer))


def _values(text: str) -> Iterator[Any]:
    """Yield the JSON values of a text: the whole, the objects and arrays in fences from the last one on, the others."""
    with suppress(BadInput):
        yield parse(text.strip())
    for part in reversed(_FENCE.findall(text)):
        with suppress(BadInput):
            if isinstance(value := parse(part.strip()), (dict, list)):
                yield value
    yield from reversed(list(within(text[-_TAIL:])))
