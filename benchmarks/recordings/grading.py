"""Grading of recorded outcomes: which candidates are right, and which answers are equal.

Each distinct spelling is compared once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from tts.answers import equivalence, votes
from tts.answers.normalize import parsable
from tts.records.outcomes import Outcome
from tts.types import Candidate


def grade(outcomes: Sequence[Outcome], progress: Callable[[], None] = lambda: None) -> list[Outcome]:
    """Grade the outcomes; ``progress`` is called after each. A candidate without an answer is wrong."""
    graded = []
    for outcome in outcomes:
        graded.append(_grade(outcome))
        progress()
    return graded


def _grade(outcome: Outcome) -> Outcome:
    if outcome.graded:
        return outcome
    candidates = outcome.candidates
    right, classes = outcome.right or _right(candidates, outcome.gold), outcome.classes or classes_of(candidates)
    return replace(outcome, right=right, classes=classes)


def _right(candidates: Sequence[Candidate], gold: str) -> tuple[bool, ...]:
    answers = {candidate.answer or "" for candidate in candidates if voter(candidate)}
    verdicts = {answer: equivalence.grade(gold, answer) for answer in answers}
    return tuple(voter(c) and verdicts[c.answer or ""] for c in candidates)


def classes_of(candidates: Sequence[Candidate]) -> tuple[int, ...]:
    """Return the class of each candidate's answer; equal answers share one. -1 for those without a vote."""
    return tuple(votes.classes([candidate.answer if voter(candidate) else None for candidate in candidates]))


def voter(candidate: Candidate) -> bool:
    """Return whether a candidate votes: it is finished and has an answer that can be compared."""
    return candidate.finished and candidate.answer is not None and parsable(candidate.answer)
