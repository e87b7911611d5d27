"""Comparison of methods at equal cost, over the same problems, by a paired bootstrap.

A method is a list of points of increasing mean cost. Between two points accuracy is interpolated linearly in the
logarithm of the cost; above the last it is constant, below the first it is undefined. Each draw of the bootstrap
resamples problems and recomputes every mean, costs included.

Arrays: P problems, D + 1 draws (the first is the problems as they are), K points.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from benchmarks.simulate.features import Floats
from benchmarks.stats.intervals import Interval, cluster_weights, percentile

DRAWS = 2000


@dataclass(frozen=True, slots=True)
class Point:
    """A method at one budget: how often each problem is right and its mean FLOPs [P].

    Attributes:
        name: such as ``"majority@16"``.
        right, flops: mean of each problem [P].
        expected: cost predicted by the profile, for the selector.
        endings: how plays ended, and their shares.
        seeds: number of seeds averaged.
    """

    name: str
    right: Floats
    flops: Floats
    expected: float = 0.0
    endings: dict[str, float] = field(default_factory=dict)
    seeds: int = 1


@dataclass(frozen=True, slots=True)
class Drawn:
    """A method's accuracy and cost in every draw [D + 1, K]; points are sorted by cost."""

    right: Floats
    flops: Floats

    def at(self, flops: Floats) -> Floats:
        """Return the accuracy at a cost for each draw [D + 1]; NaN below the cheapest point."""
        found = np.full(len(flops), np.nan)
        for draw, cost in enumerate(flops):
            own = np.maximum.accumulate(self.flops[draw])
            if cost >= own[0] * (1 - 1e-9):
                found[draw] = np.interp(np.log(cost), np.log(own), self.right[draw])
        return found

    def reaches(self, right: Floats) -> Floats:
        """Return the smallest cost at which the accuracy is reached [D + 1]; NaN if never."""
        found = np.full(len(right), np.nan)
        for draw, wanted in enumerate(right):
            best, costs = np.maximum.accumulate(self.right[draw]), np.log(self.flops[draw])
            k = int(np.searchsorted(best, wanted - 1e-12))
            if k == 0:
                found[draw] = np.exp(costs[0])
            elif k < len(best):
                share = (wanted - best[k - 1]) / (best[k] - best[k - 1])
                found[draw] = np.exp(costs[k - 1] + share * (costs[k] - costs[k - 1]))
        return found


class Draws:
    """A bootstrap over problems. Everything computed with the same one is paired."""

    def __init__(self, problems: int, draws: int = DRAWS, seed: int = 0) -> None:
        self.weights = cluster_weights(range(problems), draws, seed) / problems

    def of(self, points: Sequence[Point]) -> Drawn:
        """Evaluate the points in every draw, sorted by mean cost."""
        ordered = sorted(points, key=lambda point: float(point.flops.mean()))
        right, flops = (np.stack([getattr(point, name) for point in ordered], axis=1) for name in ("right", "flops"))
        return Drawn(self.weights @ right, self.weights @ flops)

    def mean(self, values: Floats) -> Interval:
        """Return the mean over problems with its interval."""
        found = percentile(self.weights @ values)
        assert found is not None
        return found
