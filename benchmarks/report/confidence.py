"""Confidence and right answers of the methods of a report."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.report.curves import Curve, name_of
from benchmarks.report.runs import Runs
from benchmarks.stats.calibration import brier, calibration_error
from benchmarks.stats.intervals import Interval, wilson

ABOUT = (
    "Stated is the mean confidence of the answers: the probability that an answer is right where a scope or a profile "
    "tells it, else its share of the vote. The calibration error (arXiv 1706.04599) is the mean distance of stated and "
    "right in ten bins of confidence, the Brier score the mean squared difference of an answer's confidence and 1 if "
    "it is right, 0 if not. Problems without an answer are left out."
)


@dataclass(frozen=True, slots=True)
class Confidence:
    """A method at its largest N; all but ``n`` and ``answers`` are shares, 0 to 1."""

    method: str
    n: int
    answers: int
    stated: float
    right: Interval
    error: float
    brier: float


def confidences(runs: Runs, curves: Sequence[Curve]) -> Iterator[Confidence]:
    """Yield a row for each method that was run, in the order of the curves; not for votes on another's samples."""
    arms = list(runs.tables)
    for curve in curves:
        table = runs.tables[curve.arm][curve.top.n] if curve.name == name_of(curve.arm, arms) else {}
        answered = [row for row in table.values() if row.answer is not None]
        if answered:
            stated, right = [row.confidence for row in answered], [row.correct for row in answered]
            error, squared = calibration_error(stated, right), brier(stated, right)
            share = wilson(sum(right), len(right))
            yield Confidence(
                curve.name, curve.top.n, len(answered), float(np.mean(stated)), share, error, squared
            )  # fmt: skip
