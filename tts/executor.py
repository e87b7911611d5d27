"""Executors: where the problems of a batch are solved. In this process, or on the machines of a Ray cluster."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from tts.solver import Solver
from tts.trace import Listener
from tts.types import Problem, Solution


@dataclass(frozen=True, slots=True)
class Work:
    """The problems that an executor is to solve.

    Attributes:
        solver: plan and models; the executor decides where they are loaded.
        problems: those to solve; the order is the executor's.
        concurrency: most problems in flight in one process.
        spent: FLOPs of the solver's ``total_flops`` that earlier calls took.
        traced: whether the solutions need their traces; without, they may be empty.
        listener: hears the events of the searches in this process, from any thread.
    """

    solver: Solver
    problems: Sequence[str | Problem]
    concurrency: int = 32
    spent: float = 0.0
    traced: bool = False
    listener: Listener | None = None


class Executor(ABC):
    """Base class of executors. Use one in a ``with``; it may serve several solvers, one after the other."""

    @property
    def about(self) -> Mapping[str, Any]:
        """Return facts for the record of a run, as JSON types; empty in this process."""
        return {}

    @property
    def status(self) -> str:
        """Return what a progress bar shows of it, such as ``7 of 8 workers``; empty in this process."""
        return ""

    @abstractmethod
    def stream(self, work: Work) -> AsyncGenerator[tuple[int, Solution], None]:
        """Solve the problems, yielding ``(index, solution)`` as they finish.

        Raises:
            TTSError: what concerns all problems; one that fails is a Solution with its ``error`` set.
        """

    def close(self) -> None:  # noqa: B027 - most hold nothing
        """Release what the executor holds; finished rows are not touched."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Here(Executor):
    """Solves in this process."""

    def stream(self, work: Work) -> AsyncGenerator[tuple[int, Solution], None]:
        return work.solver.stream(work.problems, work.concurrency, spent=work.spent, listener=work.listener)
