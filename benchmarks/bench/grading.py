"""Grading: turns a solution and its gold answer into a row of outcomes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from benchmarks.datasets.items import Item
from tts.answers.kinds.kind import Extraction, Kind
from tts.answers.kinds.named import kind_of
from tts.errors import EngineError
from tts.records.outcomes import row_of
from tts.registry import resolve
from tts.types import Problem, Solution

Make = Callable[[str, Problem, Extraction], Kind]
"""Makes a kind of answers from its name, for one problem."""


def graded(solution: Solution, item: Item, dataset: str, job: str, make: Make = kind_of) -> dict[str, Any]:
    """Return the graded row of a solution.

    Args:
        solution: a solution.
        item: its problem with the right answer.
        dataset: name of the data set.
        job: name of the plan within its run.
        make: makes the kind of the answers. If a comparison of the user's own fails, the row has the error.
    """
    candidates = solution.candidates
    kind = make(solution.plan.kind, item.problem, resolve("extraction", solution.plan.extract))
    try:
        labels = kind.classes([c.answer if c.finished else None for c in candidates])
        answers = [c.answer if label >= 0 else None for c, label in zip(candidates, labels, strict=True)]
        known = [answer for answer in answers if answer is not None]
        right = {answer: kind.right(item.gold, answer) for answer in dict.fromkeys(known)}
    except EngineError as error:
        solution = replace(solution, error=solution.error or str(error), candidates=())
        labels, answers, right = [], [], {}
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
