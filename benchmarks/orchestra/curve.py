"""The figure of the report: tasks solved over the dollars that a task may cost."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from benchmarks.orchestra.figures import Outcome, right, within
from benchmarks.report.drawing import Dot, Series
from benchmarks.report.plot import Groups
from benchmarks.report.svg import svg
from benchmarks.stats.intervals import Interval

ALLOWED = (0.0003, 0.0005, 0.001, 0.002, 0.0025, 0.003, 0.005)
"""Dollars that a task may cost, the policy's own tokens included."""

OWN = 0.00029
"""Dollars of these that are kept for the policy's own tokens; the rest is the ceiling of its calls."""

CEILINGS = tuple(round(dollars - OWN, 9) for dollars in ALLOWED)


def curve(limited: Callable[[float], Sequence[Outcome]]) -> list[Interval]:
    """Return the shares of tasks solved within each of ``ALLOWED``.

    `limited` is what a system does under a ceiling of dollars (``--max-cost``) for its calls. What cost more than is
    allowed in all is not solved.
    """
    return [right(within(limited(most), dollars)) for most, dollars in zip(CEILINGS, ALLOWED, strict=True)]


def drawn(curves: Mapping[str, Sequence[Interval]], number: int) -> str:
    """Draw the curves of several systems as SVG."""
    series = [
        Series(name, tuple(Dot(place, s.value, s.low, s.high) for place, s in enumerate(shares)), colour)
        for colour, (name, shares) in enumerate(curves.items())
    ]
    caption = f"Tasks solved within so many dollars a task, of {number}, with 95 % intervals."
    return svg(Groups(series, [f"{dollars:g}" for dollars in ALLOWED], "dollars allowed a task"), caption, alone=True)
