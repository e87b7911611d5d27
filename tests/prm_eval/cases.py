"""Short ways to write labelled solutions in tests."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.prm_eval.data import Case, parse

Scored = tuple[Case, tuple[float, ...]]


def case(label: int, steps: int = 3, problem: str = "?", ending: str = "", **fields: object) -> Case:
    """A solution of so many steps whose first wrong one is ``label``."""
    texts = [f"step {k}" for k in range(steps)]
    texts[-1] += ending
    return parse({"problem": problem, "steps": texts, "label": label, **fields})


def scored(label: int, *scores: float, problem: str = "?", ending: str = "") -> Scored:
    return case(label, len(scores), problem, ending), scores


def apart(rows: Sequence[tuple[int, tuple[float, ...]]]) -> list[Scored]:
    """Each of these (label, scores) as the solution of a problem of its own."""
    return [scored(label, *scores, problem=f"problem {k}") for k, (label, scores) in enumerate(rows)]
