"""Rates by bin: how often something was right in each bin of a belief, made steady enough to choose by.

The selector takes the best of many ways, and the best of many noisy figures is the luckiest one. So a raw rate is not
taken as it is. In each bin it is drawn towards a smooth curve over belief and width, fitted to all bins and widths of
the strategy at once, as if that curve had been seen on :data:`PRIOR` problems more; then rates that fall where the
belief rises are pooled. A strategy's rates are not made to rise with N: where a wrong answer is the commonest, more
samples make its victory surer, and the smooth curve has a term for it.

Intervals count problems, not samples or orders: the orders of one problem are one observation, and each bin holds as
many as its shares of the problems are worth (Kish's effective number).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from benchmarks.calibrate.regression import Floats, logistic, logit, rising, sigmoid
from benchmarks.stats.intervals import wilson
from tts.selection.profile import Curve

PRIOR = 40.0
"""Problems that the smooth curve counts for in each bin."""


@dataclass(frozen=True, slots=True)
class Bins:
    """Where problems and orders fall among the K bins of a stage.

    Attributes:
        edges: the K - 1 borders.
        belief: the mean belief in each bin [K].
        place: the bin of each problem and order [P, S].
        weight: how much each of these counts [P, S].
    """

    edges: tuple[float, ...]
    belief: Floats
    place: NDArray[np.int64]
    weight: Floats

    @classmethod
    def of(cls, belief: Floats, count: int, weight: Floats | None = None) -> Bins:
        """Bins of equal mass, fewer where the same belief would be on both sides of a border.

        Half of the mass is weight and half number, so that those who count for little are not thrown together either.
        Borders lie half way between two beliefs: few samples give few beliefs, and one that lay on a border would
        change its bin with the last digit of an estimator's weight.
        """
        known, where = np.unique(belief, return_inverse=True)
        number = np.bincount(where.ravel(), minlength=len(known)) / belief.size
        mass = number if weight is None else number + np.bincount(where.ravel(), weight.ravel()) / weight.sum()
        below = np.cumsum([0.0, *mass]) / mass.sum()  # below[i] of the mass lies under a border below known[i]
        above = np.unique([np.abs(below - wanted).argmin() for wanted in np.linspace(0, 1, count + 1)[1:-1]])
        above = above[(above > 0) & (above < len(known))].astype(int)
        return cls.at(tuple(((known[above - 1] + known[above]) / 2).tolist()), belief, weight)

    @classmethod
    def at(cls, edges: tuple[float, ...], belief: Floats, weight: Floats | None = None) -> Bins:
        """Bins with these borders."""
        place = np.searchsorted(edges, belief, side="right").astype(np.int64)
        found = cls(edges, np.zeros(0), place, np.ones(belief.shape) if weight is None else weight)
        return replace(found, belief=found.mean(belief))

    def __len__(self) -> int:
        return len(self.edges) + 1

    @property
    def share(self) -> Floats:
        """Of all problems, in each bin, whatever their weight [K]."""
        found: Floats = np.bincount(self.place.ravel(), minlength=len(self)) / self.place.size
        return found

    @property
    def problems(self) -> Floats:
        """The effective number of problems in each bin [K]."""
        member = np.stack([((self.place == k) * self.weight).sum(axis=1) for k in range(len(self))], axis=1)
        return _ratio(member.sum(axis=0) ** 2, (member**2).sum(axis=0), 0.0)

    def mean(self, values: Floats) -> Floats:
        """The mean of values [P, S] in each bin [K]; where a bin is empty that of all."""
        sums, counts = (
            np.bincount(self.place.ravel(), (self.weight * each).ravel(), len(self)).astype(float)
            for each in (values, np.ones_like(values))
        )
        return _ratio(sums, counts, float(values.mean()))


def curves(raw: Floats, widths: Sequence[int], bins: Bins, prior: float = PRIOR) -> list[Curve]:
    """The rates of one strategy at several widths, from the raw ones [W, K].

    Args:
        raw: how often it was right at each width in each bin.
        widths: ascending.
        bins: of the stage.
        prior: see :data:`PRIOR`.
    """
    weights = bins.problems
    smooth = _smooth(raw, widths, bins.belief, weights)
    mixed = (raw * weights + smooth * prior) / (weights + prior)
    return [_curve(rising(row, weights + prior), weights + prior) for row in mixed]


def _smooth(raw: Floats, widths: Sequence[int], belief: Floats, weights: Floats) -> Floats:
    """The logistic curve over the log odds of the belief and the log of the width that is nearest to the rates.

    It bends in the belief, and over four widths or more in the width as well, since votes level off.
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
