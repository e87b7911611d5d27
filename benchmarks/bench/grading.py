"""Grading: turns a solution and its gold answer into a row of outcomes."""

from __future__ import annotations

from typing import Any

from benchmarks.datasets.items import Item
from tts.answers import equivalence
from tts.answers.normalize import parsable
from tts.answers.votes import classes
from tts.records.outcomes import row_of
from tts.types import Solution


def graded(solution: Solution, item: Item, dataset: str, job: str) -> dict[str, Any]:
    """Return the graded row of a solution; ``job`` names the plan within its run."""
    candidates = solution.candidates
    answers = [c.answer if c.finished and c.answer is not None and parsable(c.answer) else None for c in candidates]
    known = [answer for answer in answers if answer is not None]
    right = {answer: equivalence.grade(item.gold, answer) for answer in dict.fromkeys(known)}
    row = row_of(
        solution,
        gold=item.gold,
        correct=right.get(solution.answer, False) if solution.answer is not None else False,
        right=tuple(right.get(answer, False) if answer is not None else False for answer in answers),
        classes=tuple(classes(answers)),
        dataset=dataset,
        level=item.level,
        subject=item.subject,
    )
    return {"job": job} | row
