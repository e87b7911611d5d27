"""The figure of the report: tasks solved over the dollars that a task may cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from benchmarks.orchestra.figures import Outcome, right, within
from benchmarks.report.drawing import Dot, Series
from benchmarks.report.plot import Groups
from benchmarks.report.svg import svg


def over_cost(found: Mapping[str, Sequence[Outcome]], allowed: Sequence[float]) -> str:
    """Draw as SVG, for each system, the share of tasks solved within each number of dollars a task."""
    series = []
    for colour, (name, outcomes) in enumerate(found.items()):
        dots = []
        for place, dollars in enumerate(allowed):
            share = right(within(outcomes, dollars))
            dots.append(Dot(place, share.value, share.low, share.high))
        series.append(Series(name, tuple(dots), colour))
    number = len(next(iter(found.values())))
    caption = f"Tasks solved within so many dollars a task, of {number}, with 95 % intervals."
    return svg(Groups(series, [f"{dollars:g}" for dollars in allowed], "dollars allowed a task"), caption, alone=True)
