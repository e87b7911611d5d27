"""Right or wrong, and which answers are the same, for records that do not say.

Each distinct spelling is compared once; what the cheap layers of :mod:`tts.answers.equivalence` leave open goes to
worker processes, one problem a thread.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from benchmarks.recordings.records import Record, voter
from tts.answers.equivalence import Equivalence
from tts.types import Candidate


def grade(records: Sequence[Record], progress: Callable[[], None] = lambda: None) -> list[Record]:
    """The records, graded; ``progress`` is called as each is done. A candidate without an answer is wrong.

    Raises EngineError where no process for comparisons can be started.
    """
    workers = max(1, min(8, os.cpu_count() or 1))

    def one(record: Record) -> Record:
        graded = _grade(record, judge)
        progress()
        return graded

    with Equivalence(workers=workers) as judge, ThreadPoolExecutor(workers) as pool:
        return list(pool.map(one, records))


def _grade(record: Record, judge: Equivalence) -> Record:
    if record.graded:
        return record
    gold = record.gold
    assert gold is not None  # the reader refuses records without
    if record.classes is None:
        record = replace(record, classes=classes_of(record.candidates, judge))
    if record.right is not None:
        return record
    answers = {candidate.answer or "" for candidate in record.candidates if voter(candidate)}
    verdicts = {answer: judge.grade(gold, answer) for answer in answers}
    right = tuple(voter(c) and verdicts[c.answer or ""] for c in record.candidates)
    return replace(record, right=right)


def classes_of(candidates: Sequence[Candidate], judge: Equivalence) -> tuple[int | None, ...]:
    """The class of each candidate's answer, equal answers share one; None without a voice."""
    voices = [voter(candidate) for candidate in candidates]
    spoken = [candidate.answer or "" for candidate, voice in zip(candidates, voices, strict=True) if voice]
    found = iter(judge.group(spoken))
    return tuple(next(found) if voice else None for voice in voices)
