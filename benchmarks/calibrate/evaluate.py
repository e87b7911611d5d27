"""Cross-validation of profiles: quality of estimates, accuracy of the selector, choice of the shape."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.calibrate.fit import Fit, Shape, prices, shapes
from benchmarks.calibrate.optimism import WITHIN, lowered, shift
from benchmarks.simulate.play import play
from benchmarks.simulate.simulator import GradedSimulator, estimate, right_of
from benchmarks.stats.regression import Floats
from benchmarks.stats.vote_rules import SURE
from tts.selection.profile import Profile
from tts.selection.selector import expected

FOLDS = 5

LOOKED_AT = (4, 8)
"""Numbers of samples at which the estimates are evaluated."""


@dataclass(frozen=True, slots=True)
class Quality:
    """Quality of the estimates after ``n`` samples, out of fold.

    Attributes:
        brier, log_loss: scores of the belief that the vote is right.
        ground: Brier score of predicting the mean for every problem.
        error: root mean square error of the difficulty against the pass@1 of all samples.
        rank: Spearman's rank correlation of the same two.
    """

    n: int
    scored: bool
    brier: float
    ground: float
    log_loss: float
    error: float
    rank: float


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Results of the selector on problems that its profile was not fitted to: J prices, P problems.

    Attributes:
        prices: prices of a FLOP [J].
        right, flops: mean of each problem over the orders of its samples [J, P].
        expected_right, expected_flops: what the profiles predicted [J].
    """

    prices: list[float]
    right: Floats
    flops: Floats
    expected_right: Floats
    expected_flops: Floats

    @property
    def worth(self) -> Floats:
        """Return the worth of each problem, summed over prices: right answers minus the price of their cost [P]."""
        found: Floats = (self.right - np.array(self.prices)[:, None] * self.flops).sum(axis=0)
        return found


def folds(count: int, parts: int = FOLDS, seed: int = 0) -> list[NDArray[np.int64]]:
    """Split problems randomly into parts whose sizes differ by at most one."""
    order = np.random.default_rng(seed).permutation(count)
    return [np.sort(order[part::parts]) for part in range(parts)]


def choose(graded: GradedSimulator, scored: bool) -> tuple[Shape, float, HeldOut]:
    """Choose the shape of profile with the greatest worth on held-out problems; return it with its shift and results.

    A larger shape is chosen only if it is significantly better than the simplest one (one-sided, 5 %, paired by
    problem). The shift is that of :mod:`benchmarks.calibrate.optimism`.
    """
    row = prices(_profile(Fit(graded, scored=scored)))
    found = [(shape, *_fair(graded, row, scored, shape)) for shape in shapes(graded.pool, scored)]
    simplest = found[0][2].worth

    def gain(each: tuple[Shape, float, HeldOut]) -> float:
        more = each[2].worth - simplest
        return float(more.mean() - SURE * more.std() / np.sqrt(len(more)))

    return max(found, key=gain)


def _fair(graded: GradedSimulator, row: list[float], scored: bool, shape: Shape) -> tuple[float, HeldOut]:
    """Return the shift of profiles of a shape, and their results after the shift."""
    parts = folds(len(graded.entries))
    profiles = [(_profile(Fit(graded, _rest(graded, part), scored, shape)), part) for part in parts]
    by = shift(graded, profiles, row)
    return by, held_out(graded, [(lowered(profile, by), part) for profile, part in profiles], row)


def held_out(
    graded: GradedSimulator, profiles: Sequence[tuple[Profile, NDArray[np.int64]]], row: list[float]
) -> HeldOut:
    """Play every problem at each price with the profile that was not fitted to it."""
    count = len(graded.entries)
    right, flops = np.zeros((len(row), count)), np.zeros((len(row), count))
    predicted = np.zeros((2, len(row)))
    for profile, part in profiles:
        for k, price in enumerate(row):
            played = play(graded.simulator, profile, price, WITHIN)
            right[k, part] = right_of(graded.pool, played.answers)[part].mean(axis=1)
            flops[k, part] = played.flops[part].mean(axis=1)
            before = expected(profile, price, WITHIN)
            predicted[:, k] += len(part) / count * np.array([before.right, before.flops])
    return HeldOut(row, right, flops, predicted[0], predicted[1])


def _profile(fit: Fit) -> Profile:
    return Profile("", "", 0, 0, 1.0, 1.0, fit.stages())


def _rest(graded: GradedSimulator, part: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.setdiff1d(np.arange(len(graded.entries)), part)


def quality(graded: GradedSimulator, scored: bool, sizes: Sequence[int] = LOOKED_AT) -> list[Quality]:
    """Measure the estimates after each number of samples, with and without scores."""
    kinds = (False, True) if scored else (False,)
    return [_quality(graded, n, kind, scored) for n in sizes if n <= graded.pool.width for kind in kinds]


def _quality(graded: GradedSimulator, n: int, kind: bool, scored: bool) -> Quality:
    shape = len(graded.entries), graded.simulator.orders
    belief, difficulty, right, ground = (np.zeros(shape) for _ in range(4))
    for part in folds(shape[0]):
        rest = _rest(graded, part)
        stage = Fit(graded, rest, scored).seen(n, kind)
        assert stage.belief is not None
        assert stage.difficulty is not None
        features = {name: values[part] for name, values in graded.features(stage).items()}
        belief[part] = estimate(stage.belief, features)
        difficulty[part] = estimate(stage.difficulty, features)
        right[part] = graded.right(stage)[part]
        ground[part] = graded.right(stage)[rest].mean()
    truth = np.array([entry.pass_at_1 for entry in graded.entries])[:, None]
    safe = np.clip(belief, 1e-6, 1 - 1e-6)
    return Quality(
        n, kind, float(((belief - right) ** 2).mean()), float(((ground - right) ** 2).mean()),
        float(-(right * np.log(safe) + (1 - right) * np.log(1 - safe)).mean()),
        float(np.sqrt(((difficulty - truth) ** 2).mean())),
        float(np.mean([_rank(column, truth[:, 0]) for column in difficulty.T])),
    )  # fmt: skip


def _rank(a: Floats, b: Floats) -> float:
    """Compute Spearman's rank correlation; ties get their mean rank."""
    first, second = _ranks(a), _ranks(b)
    return float(np.corrcoef(first, second)[0, 1]) if first.std() and second.std() else 0.0


def _ranks(values: Floats) -> Floats:
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks: Floats = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    return ranks
