"""What a scope is worth on answered problems: marks, confidence and calibration, with 95 % intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.lab.scope.collect import Answered
from benchmarks.stats.calibration import BINS, calibration_error, places
from benchmarks.stats.intervals import Interval, wilson
from tts.selection.scope.scope import Scope

SURE = 0.9


@dataclass(frozen=True, slots=True)
class Judged:
    """An answered problem with the verdict of a scope; ``doubtful`` answers are marked."""

    split: str
    known: bool
    right: bool
    outside: bool
    confidence: float
    doubtful: bool = False


def judge(scope: Scope, row: Answered) -> Judged:
    """Judge an answered problem as `tts solve` does."""
    found = scope.look(row.problem) if row.answer is None else scope.judge(row.problem, row.answer, row.likelihood)
    assert found is not None, "the scope has no first stage"
    confidence = found.confidence(row.confidence)
    return Judged(row.split, row.known, row.right, found.outside, confidence, found.doubtful)


@dataclass(frozen=True, slots=True)
class Bin:
    """A bin of a reliability diagram: mean confidence, share of right answers, number of problems."""

    confidence: float
    right: Interval
    count: int


def bins(rows: Sequence[Judged], count: int = BINS) -> list[Bin]:
    """Sort rows into bins of equal width by confidence; empty bins are left out."""
    at = places([row.confidence for row in rows], count)
    found = []
    for k in range(count):
        part = [row for row, place in zip(rows, at, strict=True) if place == k]
        if part:
            right = wilson(sum(row.right for row in part), len(part))
            found.append(Bin(float(np.mean([row.confidence for row in part])), right, len(part)))
    return found


def printed(scope: Scope, splits: Sequence[Sequence[Answered]]) -> str:
    """Format the table of several splits as Markdown, and the calibration error over all of them."""
    judged = [[judge(scope, row) for row in split] for split in splits]
    lines = [
        f"| test split | problems | right | wrong without a mark | wrong, {SURE:.0%} sure | marked "
        "| marked, though right | in scope: right |",
        "|---|---|---|---|---|---|---|---|",
        *(table_line(rows) for rows in judged),
    ]
    together = [row for rows in judged for row in rows]
    error = calibration_error([row.confidence for row in together], [row.right for row in together])
    lines += ["", f"Expected calibration error over all {len(together)}: {error:.3f}."]
    return "\n".join(lines)


def table_line(rows: Sequence[Judged]) -> str:
    """Format the line of a split: counts and shares, the last one of the problems in scope."""
    inside = [row for row in rows if not row.outside]
    cells = [
        rows[0].split,
        str(len(rows)),
        _share([row.right for row in rows]),
        _share([not row.right and not row.doubtful for row in rows]),
        str(sum(not row.right and row.confidence >= SURE for row in rows)),
        _share([row.doubtful for row in rows]),
        _share([row.doubtful and row.right for row in rows]),
        _share([row.right for row in inside]) if inside else "-",
    ]
    return f"| {' | '.join(cells)} |"


def _share(hits: Sequence[bool]) -> str:
    return wilson(sum(hits), len(hits)).percent()
