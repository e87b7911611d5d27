"""Claims of the study, each with its measurement, its interval, and whether it holds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from benchmarks.simulate.features import Floats
from benchmarks.stats.intervals import Interval, percentile
from benchmarks.study.compare import Drawn, Draws, Point
from benchmarks.study.measure import Measured
from tts.selection.selector import INDIFFERENCE

MARGIN = 0.01
"""Tolerance: the lower end of the interval may be this far below the best fixed strategy."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A line of the summary: the claim, what was measured, whether it holds."""

    what: str
    measured: str
    holds: bool


@dataclass(frozen=True, slots=True)
class Gap:
    """The selector minus a fixed strategy at the selector's cost; ``gain`` is None if no point is that cheap."""

    strategy: str
    gain: Interval | None


@dataclass(frozen=True, slots=True)
class Row:
    """The selector at one budget.

    Attributes:
        budget: requested FLOPs per problem; ``expected`` is the profile's prediction, ``flops`` the actual cost.
        accuracy: accuracy of the selector.
        gaps: differences to every fixed strategy.
        best: difference to the fixed strategy with the highest accuracy at that cost, chosen in hindsight.
        endings: how plays ended, and their shares.
    """

    budget: float
    expected: float
    flops: float
    accuracy: Interval
    gaps: tuple[Gap, ...]
    best: Gap
    endings: dict[str, float]


class Comparison:
    """A policy's selector and fixed strategies, all computed with the same bootstrap draws."""

    def __init__(self, measured: Measured, draws: Draws) -> None:
        self.measured, self.draws = measured, draws
        self.fixed = {name: draws.of(points) for name, points in measured.fixed.items()}
        self.selector = draws.of(measured.selector)

    def rows(self, budgets: list[float]) -> list[Row]:
        """Compare the selector at every budget with every fixed strategy at the same cost."""
        return [self._row(budget, point) for budget, point in zip(budgets, self.measured.selector, strict=True)]

    def gains(self, strategy: str, less: float = 0.0) -> list[tuple[int, float, Interval | None]]:
        """Return for each point of a fixed strategy N, accuracy, and its cost over the selector's at that accuracy.

        The efficiency gain of arXiv 2502.06703 (Table 5) is that of majority at its largest budget. None if the
        selector never reaches that accuracy; a draw in which it does not counts as no gain (0). ``less`` lowers the
        accuracy that the selector must reach.
        """
        theirs, found = self.fixed[strategy], []
        for k, point in enumerate(sorted(self.measured.fixed[strategy], key=lambda p: float(p.flops.mean()))):
            ratio = theirs.flops[:, k] / self.selector.reaches(theirs.right[:, k] - less)
            ratio[1:] = np.nan_to_num(ratio[1:])
            found.append((int(point.name.partition("@")[2]), float(theirs.right[0, k]), percentile(ratio)))
        return found

    def _row(self, budget: float, point: Point) -> Row:
        ours = self.draws.of([point])
        right, flops = ours.right[:, 0], ours.flops[:, 0]
        gaps = [Gap(name, _gain(right, theirs.at(flops))) for name, theirs in self.fixed.items()]
        known = [gap for gap in gaps if gap.gain is not None]
        best = min(known, key=lambda gap: gap.gain.value if gap.gain else 0.0, default=Gap("none", None))
        accuracy = percentile(right)
        assert accuracy is not None
        return Row(budget, point.expected, float(flops[0]), accuracy, tuple(gaps), best, point.endings)


def _gain(ours: Floats, theirs: Floats) -> Interval | None:
    return percentile(ours - theirs)


def never_below(name: str, rows: list[Row]) -> Claim:
    """Claim that the selector is not below the best fixed strategy at the same cost, at any budget."""
    known = [row for row in rows if row.best.gain is not None]
    worst = min(known, key=lambda row: row.best.gain.low if row.best.gain else 0.0)
    gain = worst.best.gain
    assert gain is not None
    within = sum(row.best.gain is not None and row.best.gain.low > -MARGIN for row in known)
    where = f"at {worst.flops:.2g} FLOPs against {worst.best.strategy}"
    text = f"{within} of {len(known)} budgets; lowest {where}: {gain.points()}"
    return Claim(f"{name}: never below the best fixed strategy (interval above -1 point)", text, within == len(known))


def somewhere_above(name: str, rows: list[Row], strategy: str) -> Claim:
    """Claim that the selector is above a strategy at some budget, with an interval above 0."""
    found = [
        (row.flops, gap.gain) for row in rows for gap in row.gaps if gap.strategy == strategy and gap.gain is not None
    ]
    flops, gain = max(found, key=lambda pair: pair[1].low)
    return Claim(f"{name}: above {strategy} at the same cost", f"{gain.points()} at {flops:.2g} FLOPs", gain.low > 0)


def cheaper(name: str, compared: Comparison, strategy: str, least: float, knowing: Drawn) -> Claim:
    """Claim that the selector reaches the accuracy of a strategy's largest N with ``least`` times fewer FLOPs.

    The text also gives the ratio for a selector that knows the true difficulty (``knowing``).
    """
    n, accuracy, ratio = compared.gains(strategy)[-1]
    _, _, near = compared.gains(strategy, INDIFFERENCE)[-1]
    what = f"{name}: {strategy} at N = {n} ({100 * accuracy:.1f} %) reached with {least:.0f} times fewer FLOPs"
    theirs = compared.fixed[strategy]
    oracle = percentile(theirs.flops[:, -1] / knowing.reaches(theirs.right[:, -1]))
    text = f"{_times(ratio)}; within half a point {_times(near)}; knowing the difficulty {_times(oracle)}"
    return Claim(what, text, ratio is not None and ratio.value >= least)


def _times(ratio: Interval | None) -> str:
    return "never reached" if ratio is None else f"{ratio.value:.1f} times [{ratio.low:.1f}, {ratio.high:.1f}]"


def small_beats_large(
    small: Measured, large: str, greedy: Point, sizes: tuple[int, int, int], draws: Draws
) -> Iterator[Claim]:
    """Compare a small policy with its selector to a large policy's greedy answer."""
    theirs = draws.of([greedy])
    cheap = [point for point in small.selector if point.flops.mean() < greedy.flops.mean()]
    for point in cheap[-1:]:
        ours = draws.of([point])
        gain, ratio = _gain(ours.right[:, 0], theirs.right[:, 0]), percentile(theirs.flops[:, 0] / ours.flops[:, 0])
        assert gain is not None
        assert ratio is not None
        text = (
            f"{100 * ours.right[0, 0]:.1f} % against {100 * theirs.right[0, 0]:.1f} %, {gain.points()}, for "
            f"{ratio.value:.2f} times fewer FLOPs; {sizes[1] / sizes[0]:.1f} times smaller, "
            f"{sizes[1] / (sizes[0] + sizes[2]):.1f} times with its reward model"
        )
        yield Claim(f"{small.policy} with the selector above {large} greedy, for less", text, gain.low > 0)
