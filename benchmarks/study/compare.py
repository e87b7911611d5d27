"""Methods compared at equal cost, over the same problems, by a paired bootstrap.

A method is a row of points of growing mean cost. Between two of its points accuracy is taken to grow evenly with the
logarithm of the cost; above the last one it stays; below the first there is none. Each draw of the bootstrap takes
problems with replacement and computes every mean anew, costs included.

Arrays: P problems, D + 1 draws of which the first is the problems as they are, K points.
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
    """A method at one budget: of each problem how often it is right and its mean FLOPs [P].

    Attributes:
        name: such as ``"majority@16"``.
        right, flops: over the problems.
        expected: the cost that the profile had foretold, for the selector.
        endings: how its plays ended, and how often.
        seeds: how many it is the mean of.
    """

    name: str
    right: Floats
    flops: Floats
    expected: float = 0.0
    endings: dict[str, float] = field(default_factory=dict)
    seeds: int = 1


@dataclass(frozen=True, slots=True)
class Drawn:
    """A method's accuracy and cost in every draw [D + 1, K], its points from cheap to dear."""

    right: Floats
    flops: Floats

    def at(self, flops: Floats) -> Floats:
        """Accuracy at a cost, one for each draw [D + 1]; NaN where that is less than its cheapest point."""
        found = np.full(len(flops), np.nan)
        for draw, cost in enumerate(flops):
            own = np.maximum.accumulate(self.flops[draw])
            if cost >= own[0] * (1 - 1e-9):
                found[draw] = np.interp(np.log(cost), np.log(own), self.right[draw])
        return found

    def reaches(self, right: Floats) -> Floats:
        """The least cost at which it is as often right [D + 1]; NaN where it never is."""
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
        """The points in the order of their mean cost."""
        ordered = sorted(points, key=lambda point: float(point.flops.mean()))
        right, flops = (np.stack([getattr(point, name) for point in ordered], axis=1) for name in ("right", "flops"))
        return Drawn(self.weights @ right, self.weights @ flops)

    def mean(self, values: Floats) -> Interval:
        """The mean over problems with its interval."""
        found = percentile(self.weights @ values)
        assert found is not None
        return found
