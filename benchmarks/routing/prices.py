"""``auto`` at many prices of a FLOP, against the arm that was best beforehand, at equal FLOPs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.routing.choosing import FOLDS, folds
from benchmarks.routing.live import picked, spent
from benchmarks.stats.intervals import Interval, difference, mean
from tts.routing.caution import Baseline
from tts.routing.choice import Objective, worth
from tts.routing.outcomes import ArmOutcomes
from tts.routing.router import Prediction, Router

PRICES = np.logspace(-4, 1.5, 45)
"""Accuracy that the dearest arm's mean FLOPs must gain."""

FLOOR = -0.01  # no interval of a gain may begin below
GRACE = 1.02  # FLOPs of the fixed arm over those of auto: a few cheap answers must not rule out its rival
_Z = 1.96


@dataclass(frozen=True, slots=True)
class Setting:
    """A router and the caution of the choice, see :mod:`tts.routing.caution`."""

    router: Router
    caution: float


@dataclass(frozen=True, slots=True)
class Curve:
    """Cross-fitted gains of a setting over the best fixed arm.

    Attributes:
        gain: mean of all prices.
        low: the mean lower end of the 95 % intervals of the gain.
        lowest: the lowest one.
        arms: arms that were taken at some price.
    """

    gain: float
    low: float
    lowest: float
    arms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Point:
    """``auto`` at one price of a FLOP against the best fixed arm of about the same FLOPs."""

    flops: float
    auto: Interval
    fixed: str
    fixed_flops: float
    right: float
    gain: Interval


@dataclass(frozen=True, slots=True)
class _Fold:
    """Queries that were left out, with what was learned from the others."""

    mask: np.ndarray
    found: Prediction
    base: Baseline


def taken(found: Prediction, base: Baseline, price: float, caution: float) -> np.ndarray:
    """Return the arm of each query [q] at a price of a FLOP, as a pool with this objective chooses it."""
    objective = Objective(cost=price, caution=caution)
    value = worth(found, objective, {})
    if caution:
        every = np.ones(len(base.quality), dtype=bool)
        value = base.careful(value, found, objective, base.best(objective, {}, every))
    arms: np.ndarray = value.argmax(1)
    return arms


def best_fixed(right: np.ndarray, costs: np.ndarray, most: float, grace: float = GRACE) -> int:
    """Return the arm with the best mean quality among those of a mean cost of at most ``grace`` times ``most``.

    -1 for none.
    """
    allowed = np.flatnonzero(costs <= most * grace * (1 + 1e-9))  # sums in another order round otherwise
    return int(allowed[right[allowed].argmax()]) if len(allowed) else -1


def best_setting(
    routers: Sequence[Router], cautions: Sequence[float], vectors: np.ndarray, table: ArmOutcomes
) -> tuple[Setting, Curve]:
    """Return the setting with the highest mean lower end of its cross-fitted intervals, with none below the floor.

    The lower end counts a gain and its uncertainty. Without such a setting it is the one whose lowest end is highest.
    """
    found = []
    for router in routers:
        parts = _crossed(router, vectors, table)
        found += [(Setting(router, caution), _curve(parts, table, caution)) for caution in cautions]
    return max(found, key=lambda pair: (min(pair[1].lowest, FLOOR), pair[1].low))


def points(
    setting: Setting,
    vectors: Sequence[np.ndarray],
    fit_on: ArmOutcomes,
    played: ArmOutcomes,
    grace: float = GRACE,
) -> list[Point]:
    """Choose an arm of each problem at many prices; compare with the best fixed arm, which was best on ``fit_on``."""
    found, base = setting.router.fit(vectors[0], fit_on).predict(vectors[1]), Baseline.of(fit_on)
    costs = played.cost.mean(0)
    made: dict[float, Point] = {}
    for price in PRICES / base.cost.max():
        chosen = taken(found, base, price, setting.caution)
        flops = spent(played, chosen)
        if (fixed := best_fixed(base.quality, costs, flops, grace)) >= 0:
            mine, theirs = picked(played.quality, chosen).tolist(), played.quality[:, fixed].tolist()
            made[flops] = Point(
                flops, mean(mine), played.arms[fixed], float(costs[fixed]), float(np.mean(theirs)),
                difference(mine, theirs),
            )  # fmt: skip
    return [made[flops] for flops in sorted(made)]


def _crossed(router: Router, vectors: np.ndarray, table: ArmOutcomes) -> list[_Fold]:
    made = []
    for mask in folds(table)[:FOLDS]:
        known = table.rows(~mask)
        made.append(_Fold(mask, router.fit(vectors[~mask], known).predict(vectors[mask]), Baseline.of(known)))
    return made


def _curve(parts: Sequence[_Fold], table: ArmOutcomes, caution: float) -> Curve:
    """Compare left-out queries at every price. Arms that were not run on a query do not count there."""
    means, gains, lows, arms = Baseline.of(table), [], [], set[int]()
    for price in PRICES / means.cost.max():
        chosen, fixed = np.zeros(len(table), dtype=int), np.zeros(len(table), dtype=int)
        for part in parts:
            chosen[part.mask] = taken(part.found, part.base, price, caution)
        flops = float(np.nanmean(picked(table.cost, chosen)))
        for part in parts:
            fixed[part.mask] = best_fixed(part.base.quality, means.cost, flops)
        if (fixed < 0).any():
            continue
        arms |= {*chosen.tolist(), *fixed.tolist(), best_fixed(means.quality, means.cost, flops)}
        gain = picked(table.quality, chosen) - picked(table.quality, fixed)
        gain = gain[~np.isnan(gain)]
        gains.append(float(gain.mean()))
        lows.append(gains[-1] - _Z * float(gain.std()) / len(gain) ** 0.5)
    names = tuple(name for a, name in enumerate(table.arms) if a in arms)
    return Curve(float(np.mean(gains)), float(np.mean(lows)), float(min(lows)), names)
