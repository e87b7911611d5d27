"""What a user chose as the kind of answers: a name, a guess from each problem, a class, or a function."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from tts import sandbox
from tts.answers.kinds.function import FunctionKind, check_function
from tts.answers.kinds.kind import Extraction, Kind
from tts.answers.kinds.named import AUTO, MATH, guess, kind_of, listed, type_of
from tts.errors import BadInput
from tts.files.user_code import names_code, user_code
from tts.registry import names
from tts.types import Problem

Given = str | type[Kind] | Callable[[str, str], Any]


@dataclass(frozen=True, slots=True)
class Chosen:
    """A user's choice.

    Attributes:
        name: a registered name, ``auto``, ``module:function``, or the name of the class or function.
        own: the class or function; None for a registered name.
    """

    name: str
    own: type[Kind] | Callable[[str, str], Any] | None = None

    @classmethod
    def of(cls, given: Given, allow_code: bool = False) -> Chosen:
        """Check a choice before anything is loaded.

        Args:
            given: the choice.
            allow_code: whether ``module:function`` may be imported.

        Raises:
            BadInput, UnknownName: for what is no kind.
            MissingSandbox: for code, where no sandbox works.
        """
        if isinstance(given, str):
            name = given.strip()
            if names_code(name) and name.partition(":")[0] not in names("answer kind"):
                return replace(cls.of(user_code(name, "--kind", allow_code)), name=name)
            if name != AUTO:
                type_of(name)
            if name == "code":
                sandbox.check()
            return cls(name)
        if inspect.isclass(given) and issubclass(given, Kind):
            return cls(given.name, given)
        if callable(given):
            return cls(check_function(given), given)
        raise BadInput(f"{given!r} is no kind of answer: give a name, a Kind, or a function (a, b) -> bool.")

    @property
    def sendable(self) -> bool:
        """Return whether the name alone makes an equal choice in another process."""
        return self.own is None or names_code(self.name)

    @property
    def fixed(self) -> str:
        """Return the kind of every problem that does not name its own."""
        return MATH if self.name == AUTO else self.name

    def framed(self, problem: Problem) -> tuple[Problem, str, str]:
        """Return the problem with its kind's instruction, its kind, and a sentence if the kind was guessed."""
        name, note = problem.kind or self.name, ""
        if name == AUTO:
            name = "code" if problem.tests else guess(problem)
            if name != MATH and not problem.tests:
                note = f"The answer is taken for one of the kind {name}, by the look of the problem: --kind sets it."
        own = self.own if not problem.kind else None
        kind = own if inspect.isclass(own) else None if own else type_of(name)
        instruction = kind.asks(listed(name)) if kind and issubclass(kind, Kind) else ""
        if instruction and not problem.instruction and not problem.turns:
            problem = replace(problem, instruction=instruction)
        return problem, name, note

    def make(self, name: str, problem: Problem, extract: Extraction) -> Kind:
        """Return the kind of a problem. A kind that the problem's row names comes before the user's own."""
        if self.own is None or problem.kind:
            return kind_of(name, problem, extract)
        if inspect.isclass(self.own) and issubclass(self.own, Kind):
            return self.own(problem, extract)
        return FunctionKind(problem, extract, self.own)
