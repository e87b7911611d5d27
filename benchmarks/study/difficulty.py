"""Accuracy of the difficulty estimates: the predicted pass@1 at a stage compared with the true one.

The true pass@1 is the share of right answers among the samples that the estimate did not see.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchmarks.simulate.features import Floats
from benchmarks.simulate.simulator import estimate
from benchmarks.stats.intervals import Interval, percentile
from benchmarks.study.compare import Draws
from benchmarks.study.measure import SeedSimulators
from tts.selection.profile import Stage

BINS = 8
"""Number of points of the calibration curve."""


@dataclass(frozen=True, slots=True)
class DifficultyEstimate:
    """Difficulty as predicted at one stage.

    Attributes:
        n, scored: the stage.
        correlation: Spearman's rank correlation with the true pass@1.
        error: mean absolute error.
        predicted, true: calibration curve: group means of the problems sorted by the estimate, in groups of equal size.
    """

    n: int
    scored: bool
    correlation: Interval
    error: Interval
    predicted: tuple[float, ...]
    true: tuple[Interval, ...]


def estimate_difficulty(simulators: SeedSimulators, stage: Stage, draws: Draws) -> DifficultyEstimate:
    """Compare estimate and truth over problems, seeds and orders; intervals are over problems."""
    assert stage.difficulty is not None
    each = [estimate(stage.difficulty, simulator.features(stage)) for simulator in simulators.simulators]
    predicted = np.concatenate(each, axis=1)
    true = np.concatenate([_unseen(simulators, seed, stage.n) for seed in range(len(simulators.simulators))], axis=1)
    correlation = percentile(_rank_correlations(predicted[:, 0], true[:, 0], draws.weights))
    assert correlation is not None
    place = np.searchsorted(np.quantile(predicted, np.linspace(0, 1, BINS + 1)[1:-1]), predicted, side="right")
    curve = [_part(place == k, predicted, true, draws) for k in range(BINS) if (place == k).any()]
    error = draws.mean(np.abs(predicted - true).mean(axis=1))
    return DifficultyEstimate(
        stage.n, stage.scored, correlation, error, tuple(p for p, _ in curve), tuple(t for _, t in curve)
    )


def _unseen(simulators: SeedSimulators, seed: int, n: int) -> Floats:
    """Return the share of right answers among the samples after the first n of each order [P, S]."""
    found = []
    for problem, entry in zip(simulators.simulators[seed].problems, simulators.pools[seed].entries, strict=True):
        right = entry.samples.candidates.right[problem.with_greedy.orders]
        rest = right[:, n:] if n < right.shape[1] else right
        found.append(rest.mean(axis=1))
    return np.stack(found)


def _part(mine: np.ndarray, predicted: Floats, true: Floats, draws: Draws) -> tuple[float, Interval]:
    """Return the mean prediction and the true mean of a group of problems and orders; empty draws are left out."""
    sums, counts = draws.weights @ np.where(mine, true, 0.0).sum(axis=1), draws.weights @ mine.sum(axis=1)
    interval = percentile(np.divide(sums, counts, out=np.full(len(sums), np.nan), where=counts > 0))
    assert interval is not None
    return float(predicted[mine].mean()), interval


def _rank_correlations(a: Floats, b: Floats, weights: Floats) -> Floats:
    """Compute Spearman's correlation for each row of weights [D + 1], with the ranks of all problems."""
    x, y = ranks(a), ranks(b)
    mean_x, mean_y = weights @ x, weights @ y
    both = weights @ (x * y) - mean_x * mean_y
    spread = (weights @ x**2 - mean_x**2) * (weights @ y**2 - mean_y**2)
    found: Floats = both / np.sqrt(spread)
    return found


def ranks(values: Floats) -> Floats:
    """Rank values from 0; equal values share the mean of their ranks."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    found: Floats = (ends - (counts + 1) / 2)[inverse]
    return found
