"""Your own kind: a Python function that says whether two answers are the same, or a right and a given one."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from tts.aio import in_time
from tts.answers.finding import Found
from tts.answers.kinds.kind import Extraction, Kind
from tts.answers.kinds.words import Words
from tts.errors import BadInput, EngineError
from tts.types import Problem

SECONDS = 60.0
"""Time limit of one call."""

_FUNCTION = "the function that compares answers"


class FunctionKind(Kind):
    """Answers that a function ``(a, b) -> bool`` compares. They are found by the plan's rule, else as a text is."""

    name = "function"

    def __init__(self, problem: Problem, extract: Extraction, function: Callable[[str, str], Any]) -> None:
        super().__init__(problem, extract)
        self._function, self._words = function, Words(problem, extract)

    def find(self, text: str) -> Found | str | None:
        return self.extract(text) or self._words.find(text)

    def same(self, a: str, b: str) -> bool:
        """Call the function, unless both are spelled the same. Raises EngineError if it fails, or returns no bool."""
        if a == b:
            return True
        try:
            found = in_time(lambda: self._function(a, b), SECONDS)
        except TimeoutError as error:
            raise EngineError(f"{_FUNCTION} took more than {SECONDS:g} s for two answers: make it faster.") from error
        except Exception as error:
            raise EngineError(f"{_FUNCTION} failed: {type(error).__name__}: {error}.") from error
        if type(found).__name__ not in ("bool", "bool_", "bool8"):  # numpy's too
            raise EngineError(f"{_FUNCTION} returned {found!r:.80}, where True or False were expected.")
        return bool(found)


def check_function(function: Callable[..., Any]) -> str:
    """Return the name of a function of two answers. Raises BadInput for any other."""
    name = function.__name__ if inspect.isroutine(function) else type(function).__name__
    try:
        inspect.signature(function).bind("a", "b")
    except (TypeError, ValueError) as error:
        raise BadInput(f"{name} cannot compare answers: define it as (a, b) -> bool.") from error
    return name
