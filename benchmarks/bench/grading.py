"""Grading: turns a solution and its gold answer into a row of outcomes."""

from __future__ import annotations

from typing import Any

from benchmarks.datasets.items import Item
from tts.answers.kinds.named import kind_of
from tts.records.outcomes import row_of
from tts.registry import resolve
from tts.types import Solution


def graded(solution: Solution, item: Item, dataset: str, job: str) -> dict[str, Any]:
    """Return the graded row of a solution; ``job`` names the plan within its run."""
    candidates = solution.candidates
    kind = kind_of(solution.plan.kind, item.problem, resolve("extraction", solution.plan.extract))
    labels = kind.classes([c.answer if c.finished else None for c in candidates])
    answers = [c.answer if label >= 0 else None for c, label in zip(candidates, labels, strict=True)]
    known = [answer for answer in answers if answer is not None]
    right = {answer: kind.right(item.gold, answer) for answer in dict.fromkeys(known)}
    row = row_of(
        solution,
        gold=item.gold,
        correct=right.get(solution.answer, False) if solution.answer is not None else False,
        right=tuple(right.get(answer, False) if answer is not None else False for answer in answers),
        classes=tuple(labels),
        dataset=dataset,
        level=item.level,
        subject=item.subject,
    )
    return {"job": job} | row
