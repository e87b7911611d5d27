"""Grading of records: which candidates are right, and which answers are equal.

Each distinct spelling is compared once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from benchmarks.recordings.records import Record, voter
from tts.answers import equivalence
from tts.types import Candidate


def grade(records: Sequence[Record], progress: Callable[[], None] = lambda: None) -> list[Record]:
    """Grade the records; ``progress`` is called after each. A candidate without an answer is wrong."""
    graded = []
    for record in records:
        graded.append(_grade(record))
        progress()
    return graded


def _grade(record: Record) -> Record:
    if record.graded:
        return record
    gold = record.gold
    assert gold is not None  # the reader rejects records without one
    if record.classes is None:
        record = replace(record, classes=classes_of(record.candidates))
    if record.right is not None:
        return record
    answers = {candidate.answer or "" for candidate in record.candidates if voter(candidate)}
    verdicts = {answer: equivalence.grade(gold, answer) for answer in answers}
    right = tuple(voter(c) and verdicts[c.answer or ""] for c in record.candidates)
    return replace(record, right=right)


def classes_of(candidates: Sequence[Candidate]) -> tuple[int | None, ...]:
    """Return the class of each candidate's answer; equal answers share one. None for those without a vote."""
    voting = [voter(candidate) for candidate in candidates]
    answers = [candidate.answer or "" for candidate, votes in zip(candidates, voting, strict=True) if votes]
    found = iter(equivalence.group(answers))
    return tuple(next(found) if votes else None for votes in voting)
