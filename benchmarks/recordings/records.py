"""Recorded candidates of one problem, without their text: what a vote needs, and no more, so that a file of 500
problems by 256 candidates fits into memory."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from tts.answers.aggregate import aggregate
from tts.answers.normalize import parsable
from tts.errors import BadInput
from tts.types import Candidate

EXCERPTS = 4
"""Candidates of a problem whose text is kept, to see whether it belongs to the problem at all."""


@dataclass(frozen=True, slots=True)
class Record:
    """One problem and the candidates recorded for it.

    Attributes:
        id, problem, gold, level, subject: of the problem; ``gold`` None where the file does not say.
        candidates: in the order recorded, their steps left out.
        right: whether each candidate is right; None before grading.
        classes: the equivalence class of each candidate's answer, None where it has none to compare; None before
            grading.
        plan: what made them, in words; empty where the file does not say.
        excerpts: the texts of the first few candidates.
        independent: whether fewer of the candidates are what a smaller N would have found; of a search they are not.
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
        """One score a candidate, made of its step scores by ``how``; None where it has none, or ``how`` is None."""
        return [aggregate(c.scores, how) if how is not None and c.scores else None for c in self.candidates]

    def scored_by(self, how: str | None) -> tuple[Candidate, ...]:
        """The candidates with these scores."""
        return tuple(replace(c, score=s) for c, s in zip(self.candidates, self.scores(how), strict=True))


def voter(candidate: Candidate) -> bool:
    """Whether a candidate has a voice: it is finished and holds an answer that can be compared."""
    return candidate.finished and candidate.answer is not None and parsable(candidate.answer)


def sizes(records: Sequence[Record], asked: Sequence[int] | None) -> list[int]:
    """The values of N to compute: those asked for, or the powers of two up to what was recorded, and that.

    Of a search only all of its candidates, where nothing is asked for. Raises BadInput where more is asked for than any
    problem has.
    """
    most = max((len(record.candidates) for record in records), default=0)
    if most == 0:
        raise BadInput("no problem of the file has a candidate: there is nothing to vote on.")
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
