"""Recorded candidates of one problem without their text, so that 500 problems by 256 candidates fit into memory."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from tts.answers.aggregate import aggregate
from tts.answers.normalize import parsable
from tts.errors import BadInput
from tts.types import Candidate

EXCERPTS = 4
"""Candidates per problem whose text is kept, for :mod:`benchmarks.recordings.mixup`."""


@dataclass(frozen=True, slots=True)
class Record:
    """One problem and its recorded candidates.

    Attributes:
        id, problem, gold, level, subject: the problem; ``gold`` is None if the file has none.
        candidates: in the recorded order, without steps.
        right: whether each candidate is right; None before grading.
        classes: equivalence class of each candidate's answer, None for one that cannot vote; None before grading.
        plan: the plan in words; empty if the file has none.
        excerpts: texts of the first few candidates.
        independent: true for independent samples, of which a subset is a valid run at a smaller N; false for a search.
    """

    id: str
    problem: str
    gold: str | None
    candidates: tuple[Candidate, ...]
    level: int = 0
    subject: str = ""
    right: tuple[bool, ...] | None = None
    classes: tuple[int | None, ...] | None = None
    plan: str = ""
    excerpts: tuple[str, ...] = ()
    independent: bool = True

    @property
    def graded(self) -> bool:
        return self.right is not None and self.classes is not None

    def scores(self, how: str | None) -> list[float | None]:
        """Aggregate the step scores of each candidate by ``how``; None without scores, or if ``how`` is None."""
        return [aggregate(c.scores, how) if how is not None and c.scores else None for c in self.candidates]

    def scored_by(self, how: str | None) -> tuple[Candidate, ...]:
        """Return the candidates with these scores."""
        return tuple(replace(c, score=s) for c, s in zip(self.candidates, self.scores(how), strict=True))


def voter(candidate: Candidate) -> bool:
    """Return whether a candidate votes: it is finished and has an answer that can be compared."""
    return candidate.finished and candidate.answer is not None and parsable(candidate.answer)


def sizes(records: Sequence[Record], asked: Sequence[int] | None) -> list[int]:
    """Return the values of N to compute: those asked for, or the powers of two and the recorded number.

    For a search the default is its recorded number only. Raises BadInput if ``asked`` exceeds the candidates of every
    problem.
    """
    most = max((len(record.candidates) for record in records), default=0)
    if most == 0:
        raise BadInput("no problem of the file has candidates: name another file.")
    if asked is None and not all(record.independent for record in records):
        return [most]
    if asked is None:
        powers = [2**k for k in range(math.floor(math.log2(most)) + 1)]
        return [*powers, most] if powers[-1] < most else powers
    for n in asked:
        if n < 1:
            raise BadInput(f"a budget is a whole number, 1 or more, not {n}.")
        if n > most:
            raise BadInput(f"a budget of {n} is more than the {most} candidates recorded for a problem: ask for less.")
    return sorted(set(asked))
