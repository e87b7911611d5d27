"""How good the estimates of a profile are, measured on problems that they were not fitted to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from benchmarks.calibrate.deck import estimate, right_of
from benchmarks.calibrate.fit import Fit, Settings
from benchmarks.calibrate.play import play
from benchmarks.calibrate.regression import Floats
from benchmarks.calibrate.table import Table
from tts.profile import Profile
from tts.selector import Limits, expected

FOLDS = 5

LOOKED_AT = (4, 8)
"""Samples at which the estimates are judged."""


@dataclass(frozen=True, slots=True)
class Quality:
    """The estimates after ``n`` samples, out of fold.

    Attributes:
        brier, log_loss: of the belief that the vote is right.
        ground: the Brier score of giving every problem the mean.
        error: the root mean square error of the difficulty against the pass@1 of all samples.
        rank: its rank correlation with that (Spearman).
    """

    n: int
    scored: bool
    brier: float
    ground: float
    log_loss: float
    error: float
    rank: float


@dataclass(frozen=True, slots=True)
class Foretold:
    """What profiles of the other folds expected at a price, and what came of it."""

    price: float
    right: float
    flops: float
    expected_right: float
    expected_flops: float


def folds(count: int, parts: int = FOLDS, seed: int = 0) -> list[NDArray[np.int64]]:
    """Problems dealt into parts that differ by one in size at most."""
    order = np.random.default_rng(seed).permutation(count)
    return [np.sort(order[part::parts]) for part in range(parts)]


def quality(
    table: Table, scored: bool, settings: Settings | None = None, sizes: Sequence[int] = LOOKED_AT
) -> list[Quality]:
    """The quality of the estimates after each of these numbers of samples, with scores and without."""
    parts = folds(len(table.entries))
    kinds = (False, True) if scored else (False,)
    return [_quality(table, parts, n, kind, scored, settings) for n in sizes if n <= table.pool.width for kind in kinds]


def _quality(
    table: Table, parts: list[NDArray[np.int64]], n: int, kind: bool, scored: bool, settings: Settings | None
) -> Quality:
    shape = len(table.entries), table.deck.orders
    belief, difficulty, right, ground = (np.zeros(shape) for _ in range(4))
    for part in parts:
        rest = np.setdiff1d(np.arange(shape[0]), part)
        fit = Fit(table, rest, scored, replace(settings or Settings(), searches=()))
        stage = fit.seen(n, kind)
        assert stage.belief is not None
        assert stage.difficulty is not None
        features = {name: values[part] for name, values in table.features(stage).items()}
        belief[part] = estimate(stage.belief, features)
        difficulty[part] = estimate(stage.difficulty, features)
        right[part] = table.right(stage)[part]
        ground[part] = table.right(stage)[rest].mean()
    truth = np.array([entry.pass_at_1 for entry in table.entries])[:, None]
    safe = np.clip(belief, 1e-6, 1 - 1e-6)
    return Quality(
        n, kind, float(((belief - right) ** 2).mean()), float(((ground - right) ** 2).mean()),
        float(-(right * np.log(safe) + (1 - right) * np.log(1 - safe)).mean()),
        float(np.sqrt(((difficulty - truth) ** 2).mean())),
        float(np.mean([_rank(column, truth[:, 0]) for column in difficulty.T])),
    )  # fmt: skip


def foretold(
    table: Table, prices: Sequence[float], scored: bool, settings: Settings | None = None, limits: Limits | None = None
) -> list[Foretold]:
    """What the selector reaches at each price with profiles of the other folds, beside what these expected."""
    within = limits or Limits()
    parts = folds(len(table.entries))
    sums = np.zeros((len(prices), 4))
    for part in parts:
        rest = np.setdiff1d(np.arange(len(table.entries)), part)
        profile = Profile("", "", 0, 0, 1.0, 1.0, Fit(table, rest, scored, settings).stages())
        for row, price in enumerate(prices):
            played = play(table.deck, profile, price, within)
            right = right_of(table.pool, played.answers)
            said = expected(profile, price, within)
            weight = len(part) / len(table.entries)
            sums[row] += weight * np.array([right[part].mean(), played.flops[part].mean(), said.right, said.flops])
    return [Foretold(price, *row) for price, row in zip(prices, sums.tolist(), strict=True)]


def _rank(a: Floats, b: Floats) -> float:
    """Spearman's rank correlation; ties get their mean rank."""
    first, second = _ranks(a), _ranks(b)
    return float(np.corrcoef(first, second)[0, 1]) if first.std() and second.std() else 0.0


def _ranks(values: Floats) -> Floats:
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks: Floats = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    return ranks
