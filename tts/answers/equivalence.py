"""Equivalence of answers: comparing two, grading, grouping many.

An answer is brought to one spelling (:mod:`tts.answers.normalize`), its form is found (:mod:`tts.answers.parse`), and
forms are compared (:mod:`tts.answers.compare`). docs/GRADING.md lists the conventions.

No comparison raises, and all are bounded: what cannot be compared within fixed bounds is different.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar

from tts.aio import aside
from tts.answers.compare import same
from tts.answers.normalize import LONGEST, canonical, parsable, readings
from tts.answers.parse import read

T = TypeVar("T")


def equivalent(a: str, b: str) -> bool:
    """Return whether two answers are the same. Symmetric; not guaranteed to be transitive."""
    return a == b or _same(*sorted((canonical(a), canonical(b))))


def grade(gold: str, answer: str) -> bool:
    """Return whether ``answer`` is right. For an ambiguous answer, such as ``0,5``, one right reading is enough."""
    right = canonical(gold)
    return gold == answer or any(_same(right, reading) for reading in readings(answer))


def group(answers: Sequence[str]) -> list[int]:
    """Return the class of each answer, numbered in order of first appearance.

    An answer joins the first class whose first member it equals, so n answers of k classes take at most n x k
    comparisons. After a passed :func:`deadline` only equal spellings share a class.
    """
    limit = _deadline.get()
    classes: dict[str, int] = {}
    founders: list[str] = []
    for answer in answers:
        spelling = canonical(answer)
        if spelling not in classes:
            found = (index for index, founder in enumerate(founders) if _same_in_time(founder, spelling, limit))
            classes[spelling] = next(found, len(founders))
            if classes[spelling] == len(founders):
                founders.append(spelling)
    return [classes[canonical(answer)] for answer in answers]


async def group_async(answers: Sequence[str]) -> list[int]:
    """Run :func:`group` in a thread, for event loops."""
    return await aside(group, answers)


@dataclass(slots=True)
class Deadline:
    """The end of comparisons, by the monotonic clock, and whether it cut one off."""

    at: float
    passed: bool = False


LATE = "The time was too short to compare all answers: those spelled differently were counted as different."
"""Warning for the user after a passed deadline."""

_deadline: ContextVar[Deadline | None] = ContextVar("deadline", default=None)


@contextmanager
def deadline(seconds: float) -> Iterator[Deadline]:
    """Limit :func:`group` within this context to so many seconds of wall time; then it compares spellings only."""
    limit = Deadline(time.monotonic() + seconds)
    token = _deadline.set(limit)
    try:
        yield limit
    finally:
        _deadline.reset(token)


def within(seconds: float, work: Callable[..., T], *arguments: Any) -> tuple[T, bool]:
    """Run ``work`` with comparisons limited to ``seconds``; return its result and whether the time was too short.

    At least one second is allowed: a search may have used all its time, and most votes take milliseconds.
    """
    with deadline(max(seconds, 1.0)) as limit:
        return work(*arguments), limit.passed


def _same_in_time(a: str, b: str, limit: Deadline | None) -> bool:
    if limit is not None and time.monotonic() > limit.at:
        limit.passed = True
        return False
    return _same(a, b)


@lru_cache(maxsize=1 << 16)
def _same(a: str, b: str) -> bool:
    """Compare two canonical spellings. A failure means different."""
    if a == b:
        return True
    if max(len(a), len(b)) > LONGEST or not (parsable(a) and parsable(b)):
        return False
    try:
        return same(read(a), read(b))
    except (ArithmeticError, ValueError, RecursionError, MemoryError):
        return False
