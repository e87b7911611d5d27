"""ProcessBench's protocol for first errors, and measures of step scores.

ProcessBench (arXiv 2412.06559, section 4.1): the prediction for a solution is the first step whose score is below a
threshold, or -1 if there is none. On an erroneous solution it is right if it is the labelled first error, on a correct
one if it is -1. F1 is the harmonic mean of the accuracies on the two kinds. The threshold of models with scalar scores
is the one with the highest F1 on the GSM8K subset.

Intervals are 95 % percentile bootstraps over problems: a drawn problem brings all its solutions. The threshold is
chosen again in every draw and used for all subsets of that draw, so its uncertainty is part of every interval.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.prm_eval.data import Case
from benchmarks.stats.intervals import Interval, auc_draws, cluster_weights, percentile

DRAWS = 1000
BINS = 10
HALF = 0.5  # threshold of a classifier with two labels

Scored = tuple[Case, Sequence[float]]  # a labelled solution, and one score in 0..1 for each of its steps


@dataclass(frozen=True, slots=True)
class FirstError:
    """First-error detection on one subset: accuracy on erroneous and on correct solutions, and F1, all in 0..1.

    None without solutions of the kind. ``f1_half`` is F1 at a threshold of 0.5.
    """

    erroneous: int
    correct: int
    error_accuracy: Interval | None
    correct_accuracy: Interval | None
    f1: Interval | None
    f1_half: Interval | None


@dataclass(frozen=True, slots=True)
class Bin:
    """Steps whose scores are in [low, high): their number, mean score, and share of right ones."""

    low: float
    high: float
    steps: int
    score: float
    right: float


@dataclass(frozen=True, slots=True)
class StepScores:
    """How well step scores separate right from wrong steps, and whether they are probabilities.

    ``auc``: how often a right step scores above a wrong one. ``brier``: mean squared difference of score and label;
    ``brier_base`` is that of a constant score, the share of right steps. ``ece``: expected calibration error over ten
    bins of equal width (arXiv 1706.04599); its interval is biased upwards, since resampling adds noise to each bin.
    """

    steps: int
    right: float
    auc: Interval | None
    brier: Interval | None
    brier_base: float
    ece: Interval | None
    bins: tuple[Bin, ...]


def first_error(scores: Sequence[float], threshold: float) -> int:
    """Return the first step whose score is below the threshold, counted from 0; -1 if there is none."""
    return next((k for k, score in enumerate(scores) if score < threshold), -1)


class Subset:
    """The scored solutions of one subset, and their weights in each draw of the bootstrap."""

    def __init__(self, scored: Sequence[Scored], seed: int = 0, draws: int = DRAWS) -> None:
        self.scored = list(scored)
        self.weights = cluster_weights([case.problem for case, _ in self.scored], draws, seed)
        self.wrong = np.array([case.first_error >= 0 for case, _ in self.scored])
        # A prediction is right if low < threshold <= high.
        ends = [_window(case, scores) for case, scores in self.scored]
        self.low, self.high = np.array(ends).T

    def candidates(self) -> np.ndarray:
        """Return one threshold for each distinct behaviour on these solutions, halfway between scores."""
        ends = np.unique(np.concatenate([self.low, self.high]))
        ends = ends[np.isfinite(ends)]
        middle = (ends[:-1] + ends[1:]) / 2
        return np.append(np.where(middle > ends[:-1], middle, ends[1:]), HALF)

    def best_thresholds(self) -> np.ndarray:
        """Return the threshold with the highest F1 in each draw; of several the nearest to 0.5 [1 + draws]."""
        found = self.candidates()
        hit = ((self.low < found[:, None]) & (found[:, None] <= self.high)).astype(float)
        error = _share(self.weights * self.wrong, hit)
        correct = _share(self.weights * ~self.wrong, hit)
        f1 = np.nan_to_num(_f1(error, correct))  # a draw without one of the kinds: all thresholds tie, 0.5 is chosen
        best = f1 >= f1.max(axis=1, keepdims=True) - 1e-12
        chosen: np.ndarray = found[np.where(best, -np.abs(found - HALF), -np.inf).argmax(axis=1)]
        return chosen

    def accuracies(self, thresholds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Compute the accuracies on erroneous and on correct solutions in each draw, at its threshold [1 + draws]."""
        hit = (self.low < thresholds[:, None]) & (thresholds[:, None] <= self.high)
        error, correct = (
            divide((self.weights * kind * hit).sum(axis=1), (self.weights * kind).sum(axis=1))
            for kind in (self.wrong, ~self.wrong)
        )
        return error, correct

    def f1(self, thresholds: np.ndarray) -> np.ndarray:
        """Compute F1 in each draw; NaN if a draw lacks one of the kinds [1 + draws]."""
        return _f1(*self.accuracies(thresholds))

    def first_error(self, thresholds: np.ndarray) -> FirstError:
        """Return all figures with intervals, at each draw's threshold [1 + draws]."""
        error, correct = self.accuracies(thresholds)
        return FirstError(
            int(self.wrong.sum()),
            int((~self.wrong).sum()),
            percentile(error),
            percentile(correct),
            percentile(_f1(error, correct)),
            percentile(self.f1(np.full(len(thresholds), HALF))),
        )


def _window(case: Case, scores: Sequence[float]) -> tuple[float, float]:
    if case.first_error < 0:
        return -np.inf, min(scores)
    return scores[case.first_error], min(scores[: case.first_error], default=np.inf)


def _share(weights: np.ndarray, hit: np.ndarray) -> np.ndarray:
    """Compute the weighted share of hits: weights [draws, n] and hits [thresholds, n] to [draws, thresholds]."""
    total = weights.sum(axis=1, keepdims=True)
    return divide(weights @ hit.T, np.broadcast_to(total, (len(weights), len(hit))))


def divide(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Compute a / b, NaN where b is 0."""
    quotient: np.ndarray = np.divide(a, b, out=np.full(a.shape, np.nan), where=b > 0)
    return quotient


def _f1(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Compute the harmonic mean: 0 where both are 0, NaN where either is NaN."""
    mean: np.ndarray = np.divide(2 * a * b, a + b, out=np.where(np.isnan(a + b), np.nan, 0.0), where=a + b > 0)
    return mean


def step_scores(subsets: Sequence[Subset]) -> StepScores:
    """Measure the labelled steps of these subsets together."""
    scores, labels, owners, first = list[float](), list[bool](), list[int](), 0
    for subset in subsets:
        for k, (case, found) in enumerate(subset.scored):
            for score, label in zip(found, case.labels, strict=True):
                if label is not None:
                    scores.append(score)
                    labels.append(label)
                    owners.append(first + k)
        first += len(subset.scored)
    p, y, owner = np.array(scores), np.array(labels, dtype=bool), np.array(owners, dtype=int)
    weights = np.concatenate([subset.weights for subset in subsets], axis=1)
    part = np.clip((p * BINS).astype(int), 0, BINS - 1)
    inside = np.eye(BINS)[part]  # [steps, bins]
    parts = []
    for some in np.array_split(weights, max(1, len(weights) * len(p) // 2_000_000)):  # some draws at a time
        w = some[:, owner]
        total = w.sum(axis=1)
        gap = np.abs((w * (p - y)) @ inside).sum(axis=1)
        parts.append((auc_draws(p, y, w), divide(w @ (p - y) ** 2, total), divide(gap, total)))
    auc, brier, ece = (np.concatenate(column) for column in zip(*parts, strict=True))
    right = float(y.mean())
    bins = tuple(
        Bin(k / BINS, (k + 1) / BINS, int((part == k).sum()), float(p[part == k].mean()), float(y[part == k].mean()))
        for k in range(BINS)
        if (part == k).any()
    )
    return StepScores(
        len(p), right, percentile(auc), percentile(brier), right * (1 - right), percentile(ece), bins
    )  # fmt: skip
