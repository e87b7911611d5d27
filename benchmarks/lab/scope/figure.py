"""Reliability diagram of a scope (arXiv 1706.04599): stated confidence beside the share of right answers."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.lab.scope.table import Judged, bins
from benchmarks.report.drawing import Dot, Series
from benchmarks.report.plot import Groups
from benchmarks.report.svg import svg
from benchmarks.stats.calibration import BINS


def reliability(rows: Sequence[Judged]) -> str:
    """Draw the diagram as SVG: in each bin of confidence the mean confidence, and the answers that are right.

    Problems in scope and out of scope have rows of their own, with 95 % intervals.
    """
    inside = [row for row in rows if not row.outside]
    outside = [row for row in rows if row.outside]
    series = [
        Series("confidence", _dots(rows, stated=True), 0, bound=True),
        Series("right, in scope", _dots(inside), 1),
        Series("right, out of scope", _dots(outside), 2),
    ]
    names = [f"{100 * k // BINS}-{100 * (k + 1) // BINS}" for k in range(BINS)]
    caption = f"Confidence and right answers of {len(rows)} problems, in scope and out of it, with 95 % intervals."
    return svg(Groups([row for row in series if row.dots], names, "confidence, %"), caption, alone=True)


def _dots(rows: Sequence[Judged], stated: bool = False) -> tuple[Dot, ...]:
    """Return a dot for each bin that has problems: its confidence if ``stated``, else its right answers."""
    dots = []
    for each in bins(rows):
        at = min(BINS - 1, int(each.confidence * BINS))
        if stated:
            dots.append(Dot(at, each.confidence, each.confidence, each.confidence))
        else:
            dots.append(Dot(at, each.right.value, each.right.low, each.right.high))
    return tuple(dots)
