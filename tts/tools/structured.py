"""JSON that fits a schema as an answer: whoever asked reads it with a program."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from typing import Any

from tts.answers.kinds.kind import Kind
from tts.errors import BadInput
from tts.files.json_text import dump, parse, within
from tts.tools.outline import outline
from tts.tools.schema import misfit
from tts.types import Problem

_FENCE = re.compile(r"```(?:json)?[ \t]*\n(.*?)```", re.DOTALL)
_TAIL = 100_000
_MOST = 20  # values of a text that are checked


def instructed(problem: Problem) -> Problem:
    """Return a problem with a form and the instruction to keep to it, unless it has one of its own."""
    if not problem.form or problem.instruction:
        return problem
    form = outline(parse(problem.form))
    return replace(problem, instruction=f"Answer with JSON of this form, and write nothing after it:\n{form}")


class Structured(Kind):
    """JSON that fits the problem's form. Values vote, whatever their layout and the order of their members.

    It is the whole solution, or stands in a fence, or is the last value in the text that fits; a policy may think
    first. What fits nowhere does not vote.
    """

    wants = "JSON that fits the schema"

    def __init__(self, problem: Problem, text: Kind) -> None:
        super().__init__(problem, text.extract)
        self._schema = parse(problem.form)

    def find(self, text: str) -> str | None:
        said = text.rpartition("</think>")[2]
        found = (value for value in islice(_values(said), _MOST) if isinstance(value, (dict, list)))
        fitting = (value for value in found if not self._misfit(value))
        value = next(fitting, None)
        return None if value is None else dump(value)

    def same(self, a: str, b: str) -> bool:
        return canonical(parse(a)) == canonical(parse(b))

    def _misfit(self, value: Any) -> str:
        return misfit(value, self._schema)


def canonical(value: Any) -> str:
    """Write a JSON value so that equal values are equal texts: 1 is 1.0, and the order of members does not count."""
    return dump(_plain(value))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(value[name]) for name in sorted(value)}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _values(text: str) -> Iterator[Any]:
    """Yield the JSON values of a text: the whole, those in fences from the last one on, the others likewise."""
    for part in (text, *reversed(_FENCE.findall(text))):
        try:
            yield parse(part.strip())
        except BadInput:
            continue
    yield from reversed(list(within(text[-_TAIL:])))
