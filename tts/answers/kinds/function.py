"""Your own kind: a Python function that says whether two answers are the same."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from tts.answers.finding import Found
from tts.answers.kinds.kind import Extraction, Kind
from tts.answers.kinds.words import Words
from tts.errors import BadInput, EngineError
from tts.types import Problem


class FunctionKind(Kind):
    """Answers that a function ``(a, b) -> bool`` compares. They are found by the plan's rule, else as a text is."""

    name = "function"

    def __init__(self, problem: Problem, extract: Extraction, function: Callable[[str, str], Any]) -> None:
        super().__init__(problem, extract)
        self._function, self._words = function, Words(problem, extract)

    def find(self, text: str) -> Found | str | None:
        return self.extract(text) or self._words.find(text)

    def same(self, a: str, b: str) -> bool:
        """Call the function. Raises EngineError if it fails."""
        try:
            return bool(self._function(a, b))
        except Exception as error:
            raise EngineError(f"the function that compares answers failed: {type(error).__name__}: {error}.") from error


def check_function(function: Callable[..., Any]) -> str:
    """Return the name of a function of two answers. Raises BadInput for any other."""
    name = function.__name__ if inspect.isroutine(function) else type(function).__name__
    try:
        inspect.signature(function).bind("a", "b")
    except (TypeError, ValueError) as error:
        raise BadInput(f"{name} cannot compare answers: define it as (a, b) -> bool.") from error
    return name
