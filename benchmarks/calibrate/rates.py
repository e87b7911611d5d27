"""Rates by bin: how often a move was right in each bin of a belief, smoothed.

The selector takes the best of many moves, and the best of many noisy rates is the luckiest one. So in each bin the raw
rate is shrunk towards a smooth curve over belief and width, fitted to all bins and widths of the strategy, with the
weight of :data:`PRIOR` problems. Then rates that fall while the belief rises are pooled. Rates are not forced to rise
with N: if a wrong answer is the most common one, more samples make it win more often. The curve has a term for this.

Intervals count problems, not samples or orders. The orders of one problem are one observation. The number of problems
in a bin is Kish's effective sample size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from benchmarks.stats.intervals import wilson
from benchmarks.stats.regression import Floats, logistic, logit, rising, sigmoid
from tts.selection.profile import Curve

PRIOR = 40.0
"""Weight of the smooth curve in each bin, in problems."""


DIGITS = 6
"""Digits of a belief that tell two apart: the rest depends on the order in which an engine added numbers."""


@dataclass(frozen=True, slots=True)
class Bins:
    """Assignment of problems and orders to the K bins of a stage.

    Attributes:
        edges: the K - 1 borders.
        belief: mean belief of each bin [K].
        place: bin of each problem and order [P, S].
        weight: weight of each problem and order [P, S].
    """

    edges: tuple[float, ...]
    belief: Floats
    place: NDArray[np.int64]
    weight: Floats

    @classmethod
    def of(cls, belief: Floats, count: int, weight: Floats | None = None) -> Bins:
        """Build bins of equal mass; fewer if the same belief would be on both sides of a border.

        Half of the mass is weight and half is number, so that problems of little weight get several bins too. Borders
        are half
        way between two beliefs: few samples give few distinct beliefs, and one on a border would change its bin with
            the last digit of an estimator's weight.
        """
        belief = np.round(belief, DIGITS)
        known, where = np.unique(belief, return_inverse=True)
        number = np.bincount(where.ravel(), minlength=len(known)) / belief.size
        mass = number if weight is None else number + np.bincount(where.ravel(), weight.ravel()) / weight.sum()
        below = np.cumsum([0.0, *mass]) / mass.sum()  # below[i] is the mass under a border below known[i]
        above = np.unique([np.abs(below - wanted).argmin() for wanted in np.linspace(0, 1, count + 1)[1:-1]])
        above = above[(above > 0) & (above < len(known))].astype(int)
        return cls.at(tuple(((known[above - 1] + known[above]) / 2).tolist()), belief, weight)

    @classmethod
    def at(cls, edges: tuple[float, ...], belief: Floats, weight: Floats | None = None) -> Bins:
        """Build bins with these borders."""
        place = np.searchsorted(edges, belief, side="right").astype(np.int64)
        found = cls(edges, np.zeros(0), place, np.ones(belief.shape) if weight is None else weight)
        return replace(found, belief=found.mean(belief))

    def __len__(self) -> int:
        return len(self.edges) + 1

    @property
    def share(self) -> Floats:
        """Return the share of all problems in each bin, unweighted [K]."""
        found: Floats = np.bincount(self.place.ravel(), minlength=len(self)) / self.place.size
        return found

    @property
    def problems(self) -> Floats:
        """Return the effective number of problems in each bin [K]."""
        member = np.stack([((self.place == k) * self.weight).sum(axis=1) for k in range(len(self))], axis=1)
        return _ratio(member.sum(axis=0) ** 2, (member**2).sum(axis=0), 0.0)

    def mean(self, values: Floats) -> Floats:
        """Compute the mean of values [P, S] in each bin [K]; an empty bin gets the overall mean."""
        sums, counts = (
            np.bincount(self.place.ravel(), (self.weight * each).ravel(), len(self)).astype(float)
            for each in (values, np.ones_like(values))
        )
        return _ratio(sums, counts, float(values.mean()))


def curves(raw: Floats, widths: Sequence[int], bins: Bins, prior: float = PRIOR) -> list[Curve]:
    """Smooth the raw rates [W, K] of one strategy at several widths.

    Args:
        raw: rates at each width in each bin.
        widths: ascending.
        bins: bins of the stage.
        prior: see :data:`PRIOR`.
    """
    weights = bins.problems
    smooth = _smooth(raw, widths, bins.belief, weights)
    mixed = (raw * weights + smooth * prior) / (weights + prior)
    return [_curve(rising(row, weights + prior), weights + prior) for row in mixed]


def _smooth(raw: Floats, widths: Sequence[int], belief: Floats, weights: Floats) -> Floats:
    """Fit a logistic curve over the log odds of the belief and the log of the width to the rates.

    It is quadratic in the belief, and with four widths or more in the width too, since votes level off.
    """
    z = np.broadcast_to(logit(belief), raw.shape)
    n = np.broadcast_to(np.log2(np.array(widths, dtype=float))[:, None], raw.shape)
    columns = [z, z**2, *([n, z * n] if len(widths) > 1 else []), *([n**2] if len(widths) > 3 else [])]
    x = np.stack([column.ravel() for column in columns], axis=1)
    counts = np.broadcast_to(weights, raw.shape).ravel() / len(widths)  # the widths share their problems
    bias, slopes = logistic(x, raw.ravel(), counts, ridge=0.5)
    return sigmoid(bias + x @ slopes).reshape(raw.shape)


def _ratio(above: Floats, below: Floats, spare: float) -> Floats:
    found: Floats = np.divide(above, below, out=np.full(len(above), spare), where=below > 0)
    return found


def _curve(mean: Floats, problems: Floats) -> Curve:
    ends = [wilson(rate * trials, max(1.0, trials)) for rate, trials in zip(mean, problems, strict=True)]
    return Curve(
        tuple(mean.tolist()),
        tuple(min(end.low, rate) for end, rate in zip(ends, mean.tolist(), strict=True)),
        tuple(max(end.high, rate) for end, rate in zip(ends, mean.tolist(), strict=True)),
    )
