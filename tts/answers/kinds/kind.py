"""The seam: a kind of answer is bound to one problem; it finds answers, and says which are the same."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import ClassVar

from tts.answers.finding import Found
from tts.types import Problem

Extraction = Callable[[str], Found | str | None]
"""Finds the answer in a finished solution."""


class Kind(ABC):
    """Base class of kinds. Inherit it, and define :meth:`find` and :meth:`same`.

    Attributes:
        name: what users type.
        wants: what is looked for in a solution, for whoever reads that none was found.
        instruction: what a policy is asked to write; it replaces the policy's own system message. Empty: the policy's.
        lists: what users list after the kind's name and a colon, in one word; empty for kinds without a list.
        least: how many they must list.
        problem: whose answers these are.
        extract: the rule of the plan, for kinds that use it.
        listed: what the user listed.
    """

    name: ClassVar[str]
    wants: ClassVar[str] = "an answer"
    instruction: ClassVar[str] = ""
    lists: ClassVar[str] = ""
    least: ClassVar[int] = 0

    def __init__(self, problem: Problem, extract: Extraction, listed: tuple[str, ...] = ()) -> None:
        self.problem, self.extract, self.listed = problem, extract, listed

    @classmethod
    def asks(cls, listed: tuple[str, ...]) -> str:
        """Return the instruction, for what the user listed."""
        return cls.instruction

    @abstractmethod
    def find(self, text: str) -> Found | str | None:
        """Return the answer in a finished solution; None without one."""

    @abstractmethod
    def same(self, a: str, b: str) -> bool:
        """Return whether two answers are the same. It must not raise."""

    def right(self, gold: str, answer: str) -> bool:
        """Return whether an answer is right by what the data set writes."""
        return self.same(gold, answer)

    def classes(self, answers: Sequence[str | None]) -> list[int]:
        """Return the class of each answer, in order of first appearance; -1 for one that cannot vote. May block."""
        founders: list[str] = []
        known: dict[str, int] = {}
        for answer in answers:
            if answer is None or answer in known:
                continue
            known[answer] = next((k for k, founder in enumerate(founders) if self.same(founder, answer)), len(founders))
            if known[answer] == len(founders):
                founders.append(answer)
        return [-1 if answer is None else known[answer] for answer in answers]

    def quick(self, answers: Sequence[str | None]) -> bool:
        """Return whether :meth:`classes` of these answers is so fast that it need not leave the event loop."""
        return len({answer for answer in answers if answer is not None}) <= 1
