"""Intervals and estimators that the benchmarks report with."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np

Z = 1.959963984540054  # the 97.5 % point of the normal distribution


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate with the ends of its 95 % interval."""

    value: float
    low: float
    high: float

    def percent(self) -> str:
        return f"{100 * self.value:.1f} % [{100 * self.low:.1f}, {100 * self.high:.1f}]"

    def points(self) -> str:
        """As a difference in percentage points."""
        return f"{100 * self.value:+.1f} points [{100 * self.low:+.1f}, {100 * self.high:+.1f}]"


def wilson(successes: int, trials: int) -> Interval:
    """A proportion with Wilson's score interval (1927). Raises ValueError without trials."""
    if trials < 1 or not 0 <= successes <= trials:
        raise ValueError(f"{successes} successes in {trials} trials make no proportion")
    p, z2 = successes / trials, Z * Z
    centre = (p + z2 / (2 * trials)) / (1 + z2 / trials)
    half = Z * math.sqrt(p * (1 - p) / trials + z2 / (4 * trials * trials)) / (1 + z2 / trials)
    return Interval(p, max(0.0, centre - half), min(1.0, centre + half))


def pass_at_k(samples: int, correct: int, k: int) -> float:
    """The unbiased estimate of pass@k from ``correct`` of ``samples``: 1 - C(n-c, k) / C(n, k) (arXiv 2107.03374)."""
    if not 1 <= k <= samples:
        raise ValueError(f"pass@{k} needs at least {k} samples, there are {samples}")
    return 1.0 - math.comb(samples - correct, k) / math.comb(samples, k)


DIFFICULTIES = {"easy": 0.5, "medium": 0.1, "hard": 0.0}
"""The least pass@1 of each bin (arXiv 2502.06703: 50 to 100 %, 10 to 50 %, 0 to 10 %)."""


def difficulty(pass_at_1: float) -> str:
    """The bin of a problem that a policy solves in this share (0 to 1) of its samples: easy, medium or hard."""
    return next(name for name, least in DIFFICULTIES.items() if pass_at_1 >= least)


def by_group(values: Sequence[float], groups: Sequence[Hashable]) -> dict[Hashable, tuple[Interval, int]]:
    """The mean of each group with its bootstrap interval, and how many it holds; in the order in which groups come.

    Values that are all 0 or 1 are shares, and get Wilson's interval.
    """
    parts: dict[Hashable, list[float]] = {}
    for value, group in zip(values, groups, strict=True):
        parts.setdefault(group, []).append(value)
    return {group: (accuracy(part), len(part)) for group, part in parts.items()}


def accuracy(values: Sequence[float]) -> Interval:
    """The mean of right (1) and wrong (0) with Wilson's interval; of shares between them with a bootstrap's."""
    if values and all(value in (0.0, 1.0) for value in values):
        return wilson(round(sum(values)), len(values))
    return mean(values)


def mean(values: Sequence[float], draws: int = 10_000, seed: int = 0) -> Interval:
    """The mean over problems with its percentile bootstrap interval."""
    return _bootstrap(np.asarray(values, dtype=float), draws, seed)


def difference(ours: Sequence[float], theirs: Sequence[float], draws: int = 10_000, seed: int = 0) -> Interval:
    """The mean difference over the same problems with its paired percentile bootstrap interval.

    Raises ValueError where the two are not over the same number of problems.
    """
    if len(ours) != len(theirs):
        raise ValueError(f"{len(ours)} and {len(theirs)} problems cannot be paired")
    return _bootstrap(np.asarray(ours, dtype=float) - np.asarray(theirs, dtype=float), draws, seed)


def _bootstrap(values: np.ndarray, draws: int, seed: int) -> Interval:
    if not len(values):
        raise ValueError("there is nothing to take the mean of")
    picks = np.random.default_rng(seed).integers(0, len(values), (draws, len(values)))
    low, high = np.quantile(values[picks].mean(axis=1), [0.025, 0.975])
    return Interval(float(values.mean()), float(low), float(high))
