"""The unbiased estimate of a vote's accuracy at N from n > N samples: its mean over subsets of N.

All subsets where there are few, else random ones, drawn from a fixed seed: the mean of a random draw is the mean over
all, so the estimate stays unbiased. Within a subset samples keep their order, and the rules are those of
:mod:`tts.votes`, computed for all subsets at once.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

DRAWS = 200
"""Subsets of a problem, at most. Over 500 problems their sampling error is 0.16 points at worst (0.5 / sqrt(200 x
500)), far below that of the problems."""


@dataclass(frozen=True, slots=True)
class Pool:
    """The n samples of one problem: score (-inf where there is none), class of the answer (-1: no voice), right."""

    score: NDArray[np.float64]
    label: NDArray[np.int64]
    right: NDArray[np.bool_]

    @classmethod
    def of(cls, scores: Sequence[float | None], classes: Sequence[int | None], right: Sequence[bool]) -> Pool:
        return cls(
            np.array([-np.inf if s is None else s for s in scores]),
            np.array([-1 if c is None else c for c in classes], dtype=np.int64),
            np.array(right, dtype=bool),
        )


@cache
def subsets(n: int, size: int, seed: int = 0, draws: int = DRAWS) -> NDArray[np.int64]:
    """(subsets, size) positions, ascending in each row: all subsets where there are no more than ``draws``."""
    if math.comb(n, size) <= draws:
        return np.array(list(itertools.combinations(range(n), size)), dtype=np.int64)
    keys = np.random.default_rng([seed, n, size]).random((draws, n))
    return np.sort(np.argpartition(keys, size - 1, axis=1)[:, :size], axis=1)


def share_right(pool: Pool, vote: str, size: int, seed: int = 0, draws: int = DRAWS) -> float:
    """How often ``vote`` (majority, best or weighted) over ``size`` of the pool's samples is right, 0 to 1.

    A pool of fewer samples is taken whole.
    """
    n = len(pool.label)
    if n == 0:
        return 0.0
    if size == 1:  # every vote of one candidate is that candidate
        return float(np.mean(pool.right & (pool.label >= 0)))
    picks = subsets(n, min(size, n), seed, draws)
    score, label, right = pool.score[picks], pool.label[picks], pool.right[picks]
    voiced = label >= 0
    turn = np.broadcast_to(np.arange(label.shape[1]), label.shape)
    if vote != "best":
        totals = _totals(vote, score, label)
        mine = np.where(voiced, np.take_along_axis(totals, np.maximum(label, 0), axis=1), -np.inf)
        voiced = voiced & (mine == mine.max(axis=1, keepdims=True))
        turn = _seen(label)
    score = np.where(voiced, score, -np.inf)
    top = voiced & (score == score.max(axis=1, keepdims=True))
    first = np.where(top, turn, np.iinfo(np.int64).max).argmin(axis=1)[:, None]
    chosen = np.take_along_axis(right, first, axis=1)[:, 0] & top.any(axis=1)
    return float(chosen.mean())


def _totals(vote: str, score: NDArray[np.float64], label: NDArray[np.int64]) -> NDArray[np.float64]:
    """(subsets, classes) sums of the voters' weights; their numbers for majority, and where all weights are 0."""
    voiced = label >= 0
    weight = voiced.astype(float)
    if vote == "weighted":
        known = np.where(voiced & ~np.isneginf(score), score, 0.0)
        weight = np.where(known.any(axis=1, keepdims=True), known, weight)
    totals = np.zeros((len(label), max(int(label.max()) + 1, 1)))
    row = np.repeat(np.arange(len(label)), label.shape[1])
    np.add.at(totals, (row, np.maximum(label, 0).ravel()), weight.ravel())
    return totals


def _seen(label: NDArray[np.int64]) -> NDArray[np.int64]:
    """For each sample where in its row its class was seen first: the class seen first wins a tie."""
    count, width = label.shape
    first = np.full((count, max(int(label.max()) + 1, 1)), width, dtype=np.int64)
    place = np.broadcast_to(np.arange(width), label.shape)
    np.minimum.at(first, (np.repeat(np.arange(count), width), np.maximum(label, 0).ravel()),
                  np.where(label >= 0, place, width).ravel())  # fmt: skip
    return np.take_along_axis(first, np.maximum(label, 0), axis=1)
