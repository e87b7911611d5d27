"""Intervals and estimators of the benchmarks.

Several observations may belong to one problem: the steps of a solution, the solutions of a problem. Resampling them
one by one makes an interval too narrow, so :func:`cluster_weights` resamples whole problems.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np

Z = 1.959963984540054  # the 97.5 % point of the normal distribution


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate and the ends of its 95 % interval."""

    value: float
    low: float
    high: float

    def percent(self) -> str:
        return f"{100 * self.value:.1f} % [{100 * self.low:.1f}, {100 * self.high:.1f}]"

    def points(self) -> str:
        """Format as a difference in percentage points."""
        return f"{100 * self.value:+.1f} points [{100 * self.low:+.1f}, {100 * self.high:+.1f}]"


def wilson(successes: float, trials: float) -> Interval:
    """Return a proportion with Wilson's score interval (1927). Raises ValueError without trials.

    ``successes`` may be a sum of shares, one per trial, and ``trials`` an effective number.
    """
    if trials < 1 or not 0 <= successes <= trials:
        raise ValueError(f"{successes} successes in {trials} trials make no proportion")
    p, z2 = successes / trials, Z * Z
    centre = (p + z2 / (2 * trials)) / (1 + z2 / trials)
    half = Z * math.sqrt(p * (1 - p) / trials + z2 / (4 * trials * trials)) / (1 + z2 / trials)
    return Interval(p, max(0.0, centre - half), min(1.0, centre + half))


def pass_at_k(samples: int, correct: int, k: int) -> float:
    """Estimate pass@k without bias from ``correct`` of ``samples``: 1 - C(n-c, k) / C(n, k) (arXiv 2107.03374).

    Raises ValueError if k is not in 1 to ``samples``.
    """
    if not 1 <= k <= samples:
        raise ValueError(f"pass@{k} needs at least {k} samples, there are {samples}")
    return 1.0 - math.comb(samples - correct, k) / math.comb(samples, k)


DIFFICULTIES = {"easy": 0.5, "medium": 0.1, "hard": 0.0}
"""Smallest pass@1 of each bin (arXiv 2502.06703: 50 to 100 %, 10 to 50 %, 0 to 10 %)."""


def difficulty(pass_at_1: float) -> str:
    """Return the bin of a problem by its pass@1 (0 to 1): easy, medium or hard."""
    return next(name for name, least in DIFFICULTIES.items() if pass_at_1 >= least)


def by_group(values: Sequence[float], groups: Sequence[Hashable]) -> dict[Hashable, tuple[Interval, int]]:
    """Return the mean of each group with its interval, and the size of the group; in order of appearance.

    The interval is that of :func:`accuracy`.
    """
    parts: dict[Hashable, list[float]] = {}
    for value, group in zip(values, groups, strict=True):
        parts.setdefault(group, []).append(value)
    return {group: (accuracy(part), len(part)) for group, part in parts.items()}


def accuracy(values: Sequence[float]) -> Interval:
    """Return the mean with Wilson's interval if all values are 0 or 1, else with a bootstrap interval."""
    if values and all(value in (0.0, 1.0) for value in values):
        return wilson(round(sum(values)), len(values))
    return mean(values)


def mean(values: Sequence[float], draws: int = 10_000, seed: int = 0) -> Interval:
    """Return the mean over problems with its percentile bootstrap interval."""
    return _bootstrap(np.asarray(values, dtype=float), draws, seed)


def difference(ours: Sequence[float], theirs: Sequence[float], draws: int = 10_000, seed: int = 0) -> Interval:
    """Return the mean difference over the same problems with its paired percentile bootstrap interval.

    Raises ValueError if the numbers of problems differ.
    """
    if len(ours) != len(theirs):
        raise ValueError(f"{len(ours)} and {len(theirs)} problems cannot be paired")
    return _bootstrap(np.asarray(ours, dtype=float) - np.asarray(theirs, dtype=float), draws, seed)


def harmonic_mean(a: float, b: float) -> float:
    """Compute 2ab / (a + b), and 0 if both are 0."""
    return 2 * a * b / (a + b) if a + b else 0.0


def auc(scores: Sequence[float], labels: Sequence[bool]) -> float:
    """Compute the area under the ROC curve: how often a true one scores above a false one. Ties count half.

    Raises ValueError if all labels are equal.
    """
    if all(labels) or not any(labels):
        raise ValueError("an AUC needs true and false labels")
    return float(auc_draws(np.asarray(scores, dtype=float), np.asarray(labels), np.ones((1, len(scores))))[0])


def auc_draws(scores: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Compute the AUC of ``scores`` [n] against ``labels`` [n] for each row of ``weights`` [draws, n]: [draws].

    NaN for a draw without true or without false labels.
    """
    order = np.argsort(scores, kind="stable")
    starts = np.flatnonzero(np.diff(scores[order], prepend=-np.inf))  # one group for each distinct score
    true = np.add.reduceat(weights[:, order] * labels[order], starts, axis=1)
    false = np.add.reduceat(weights[:, order] * ~labels[order], starts, axis=1)
    below = np.cumsum(false, axis=1) - false
    pairs = true.sum(axis=1) * false.sum(axis=1)
    found: np.ndarray = np.divide(
        (true * (below + false / 2)).sum(axis=1), pairs, out=np.full(len(weights), np.nan), where=pairs > 0
    )
    return found


def cluster_weights(clusters: Sequence[Hashable], draws: int, seed: int) -> np.ndarray:
    """Draw a bootstrap over clusters: the weight of each observation in each draw [1 + draws, n].

    Row 0 is all ones, so that one computation gives the estimate and its draws.
    """
    names = {name: k for k, name in enumerate(dict.fromkeys(clusters))}
    member = np.array([names[name] for name in clusters])
    drawn = np.random.default_rng(seed).multinomial(len(names), np.full(len(names), 1 / len(names)), size=draws)
    return np.concatenate([np.ones((1, len(member))), drawn[:, member].astype(float)])


def percentile(estimates: np.ndarray) -> Interval | None:
    """Return the first of ``estimates`` [1 + draws] with the percentile interval of the others.

    Draws that are NaN are left out. Returns None if the estimate itself is NaN.
    """
    if np.isnan(estimates[0]):
        return None
    drawn = estimates[1:][~np.isnan(estimates[1:])]
    low, high = np.quantile(drawn, [0.025, 0.975]) if len(drawn) else (estimates[0], estimates[0])
    return Interval(float(estimates[0]), float(low), float(high))


def _bootstrap(values: np.ndarray, draws: int, seed: int) -> Interval:
    if not len(values):
        raise ValueError("a mean needs at least one value")
    picks = np.random.default_rng(seed).integers(0, len(values), (draws, len(values)))
    low, high = np.quantile(values[picks].mean(axis=1), [0.025, 0.975])
    return Interval(float(values.mean()), float(low), float(high))
