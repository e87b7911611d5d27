"""Estimates at smaller n from m recorded samples.

Best-of-N and majority draw samples independently, so every subset of n of the m samples is a valid run at n. The mean
over all subsets is the unbiased estimate of accuracy at n with the least variance; for "any sample is right" it is
pass@k of arXiv 2107.03374. pass@n and the vote "best" have closed forms. Majority and weighted votes are averaged
over all subsets if these are few, else over a fixed number drawn with a fixed seed.

Arrays: m candidates of one problem, S subsets of n of them, K classes of equal answers.
"""

from __future__ import annotations

import itertools
import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from benchmarks.stats.candidates import Candidates
from benchmarks.stats.intervals import pass_at_k
from tts.errors import UnknownName
from tts.search.strategy import strategy_type
from tts.search.variant import base

SUBSETS = 400
"""Number of subsets a vote is averaged over if all are too many. The mean over 500 problems then varies by about 0.1
points with the seed."""

VOTES = ("majority", "best", "weighted", "lineage")


def independent(strategy: str) -> bool:
    """Return whether a strategy's candidates are independent samples; False for an unknown strategy."""
    try:
        return strategy_type(base(strategy)).independent
    except UnknownName:
        return False


def pass_at(samples: Candidates, n: int) -> float:
    """Compute the probability that at least one of ``n`` samples is right. Exact."""
    return pass_at_k(len(samples), int(samples.right.sum()), n)


def accuracy_at(samples: Candidates, n: int, vote: str, aggregate: str | None = None, seed: int = 0) -> float:
    """Estimate how often the vote of ``n`` samples, drawn without replacement, is right.

    ``aggregate`` names the scores that the vote uses; without them, ties go to the answer seen first.

    Raises UnknownName for a vote that is not one of VOTES: the estimate may not hold for others.
    """
    if not 1 <= n <= len(samples):
        raise ValueError(f"{len(samples)} samples have no subset of size {n}")
    scores = samples.scored_by(aggregate)
    if vote == "best":
        return _best(samples, scores, n)
    if vote not in VOTES:
        raise UnknownName("vote with an estimate for fewer samples", vote, VOTES)
    subsets = _subsets(len(samples), n, seed)
    winner = elected(samples.classes[subsets], scores[subsets], vote, samples.lineages[subsets])
    chosen = np.take_along_axis(subsets, np.maximum(winner, 0)[:, None], axis=1)[:, 0]
    return float((samples.right[chosen] & (winner >= 0)).mean())


def accuracy_between(samples: Candidates, n: float, vote: str, aggregate: str | None = None) -> float:
    """Return :func:`accuracy_at` for a mean number of samples, interpolated between whole numbers of them."""
    low = max(1, min(math.floor(n), len(samples)))
    ends = [accuracy_at(samples, size, vote, aggregate) for size in (low, min(low + 1, len(samples)))]
    return float(np.interp(n, [low, low + 1], ends))


def _best(samples: Candidates, scores: NDArray[np.float64], n: int) -> float:
    """Count the subsets that a right sample wins: the sample of rank r (from 0) wins C(m-1-r, n-1) of C(m, n)."""
    m = len(samples)
    voters = np.flatnonzero(samples.classes >= 0)
    scores = np.where(np.isnan(scores), -np.inf, scores)
    ranked = voters[np.argsort(-scores[voters], kind="stable")]
    wins = sum(math.comb(m - 1 - rank, n - 1) for rank, index in enumerate(ranked) if samples.right[index])
    return wins / math.comb(m, n)


@lru_cache(maxsize=32)
def _subsets(m: int, n: int, seed: int) -> NDArray[np.int64]:
    """Return subsets of n of m indices [S, n], each ascending: all of them, or ``SUBSETS`` random ones."""
    if math.comb(m, n) <= SUBSETS:
        return np.array(list(itertools.combinations(range(m), n)), dtype=np.int64)
    draws = np.random.default_rng((seed, m, n)).random((SUBSETS, m))
    return np.sort(np.argpartition(draws, n - 1, axis=1)[:, :n], axis=1)


def elected(
    classes: NDArray[np.int64], scores: NDArray[np.float64], vote: str, lineages: NDArray[np.int64] | None = None
) -> NDArray[np.int64]:
    """Return the column of each row's elected sample [S], -1 if no sample votes. See :mod:`tts.answers.votes`.

    Args:
        classes, scores: of each sample of each row [S, n]; NaN for a missing score.
        vote: one of VOTES.
        lineages: number of the first step of each [S, n]; None if no samples share it.
    """
    voters = classes >= 0
    scores = np.where(np.isnan(scores), -np.inf, scores)
    if vote == "best":
        mine = voters
    else:
        weights = None if vote == "majority" else np.nan_to_num(scores, neginf=0.0)
        if vote == "lineage" and lineages is not None and weights is not None:
            known = (voters & np.isfinite(scores)).any(axis=1, keepdims=True)
            weights = np.where(known, weights, 1.0) / _sizes(lineages, voters)
        mine = voters & (classes == _leading(classes, scores, voters, weights)[:, None])
    # the elected answer is spelled as its best sample has it; ties go to the first
    member = np.where(mine, scores, -np.inf)
    leader: NDArray[np.int64] = (mine & (member == member.max(axis=1, keepdims=True))).argmax(axis=1)
    return np.where(voters.any(axis=1), leader, -1)


def _leading(
    classes: NDArray[np.int64],
    scores: NDArray[np.float64],
    voters: NDArray[np.bool_],
    weights: NDArray[np.float64] | None,
) -> NDArray[np.int64]:
    """Return the class with the greatest weight in each row [S]."""
    count = int(classes.max(initial=-1)) + 1
    if count == 0:
        return np.full(len(classes), -1)
    totals = _totals(classes, voters, weights, count)
    winners = totals == totals.max(axis=1, keepdims=True)
    winner: NDArray[np.int64] = winners.argmax(axis=1)
    for row in np.flatnonzero(winners.sum(axis=1) > 1):
        winner[row] = _tie(classes[row], scores[row], winners[row])
    return winner


def _sizes(lineages: NDArray[np.int64], voters: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Count the voters of each sample's lineage in its row, at least 1 [S, n]."""
    count = int(lineages.max(initial=0)) + 1
    cells = np.arange(len(lineages))[:, None] * count + lineages
    sizes: NDArray[np.int64] = np.maximum(1, np.bincount(cells[voters], minlength=len(lineages) * count))[cells]
    return sizes


def _totals(
    classes: NDArray[np.int64], voters: NDArray[np.bool_], weights: NDArray[np.float64] | None, count: int
) -> NDArray[np.float64]:
    """Return the weight of each class in each subset [S, K]; minus infinity for an absent class."""
    shape = len(classes), count
    cells = (np.arange(len(classes))[:, None] * count + classes)[voters]
    votes = np.bincount(cells, minlength=shape[0] * count).reshape(shape).astype(float)
    totals = votes
    if weights is not None:
        sums = np.bincount(cells, weights[voters], shape[0] * count).reshape(shape)
        weighty = (voters & (weights != 0)).any(axis=1, keepdims=True)
        totals = np.where(weighty, sums, votes)  # if all weights are zero, count the votes
    return np.where(votes > 0, totals, -np.inf)


def _tie(classes: NDArray[np.int64], scores: NDArray[np.float64], winners: NDArray[np.bool_]) -> int:
    """Break a tie: the class with the highest single score wins; among equals, the one seen first."""
    tied = np.flatnonzero((classes >= 0) & winners[classes])
    if not len(tied):
        return 0
    leading = set(classes[tied[scores[tied] == scores[tied].max()]].tolist())
    return next(int(classes[k]) for k in tied if int(classes[k]) in leading)
