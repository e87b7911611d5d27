"""What fewer samples would have given: the larger N contains the smaller ones.

Best-of-N and majority draw their samples independently, so any n of the m samples of a problem are as good a run at n
as any other, and the mean over all of them is the unbiased estimate of accuracy at n with the least variance (for
"any is right" this is pass@k of arXiv 2107.03374). For pass@n and the vote of the best score the mean has a closed
form. For majority and weighted votes it is taken over all subsets where these are few, else over a fixed number of
them, drawn by a fixed seed.

Arrays: m candidates of one problem, S subsets of n of them, K classes of equal answers.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from benchmarks.stats.costs import sharing_of
from benchmarks.stats.intervals import pass_at_k
from tts.errors import UnknownName
from tts.search.strategy import strategy_type

SUBSETS = 400
"""Subsets a vote is averaged over where all of them are too many. The mean over 500 problems then moves by about 0.1
points with the seed."""

VOTES = ("majority", "best", "weighted")


@dataclass(frozen=True, slots=True)
class Sampled:
    """The independent samples of one problem.

    Attributes:
        classes: of each sample's answer, equal answers share one; -1 without a voice.
        scores: of each sample; NaN without one.
        right: whether each sample's answer is right.
        sharing: how the samples share their steps, see :func:`benchmarks.stats.costs.sharing_of`; empty where not
        known.
    """

    classes: NDArray[np.int64]
    scores: NDArray[np.float64]
    right: NDArray[np.bool_]
    sharing: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))

    @classmethod
    def of(
        cls,
        classes: Sequence[int | None],
        scores: Sequence[float | None],
        right: Sequence[bool],
        solutions: Sequence[Sequence[str]] = (),
    ) -> Sampled:
        labels = [-1 if label is None else label for label in classes]
        values = [math.nan if score is None else score for score in scores]
        return cls(
            np.array(labels, dtype=np.int64),
            np.array(values, dtype=float),
            np.array(right, dtype=bool),
            sharing_of(solutions),
        )

    def __len__(self) -> int:
        return len(self.classes)

    def without_scores(self) -> Sampled:
        """The same as one has them without a reward model: ties go to the answer seen first."""
        return Sampled(self.classes, np.full(len(self), math.nan), self.right)

    def first(self, n: int) -> Sampled:
        """The first ``n`` of them, or all where there are fewer."""
        return Sampled(self.classes[:n], self.scores[:n], self.right[:n])


def independent(strategy: str) -> bool:
    """Whether a strategy's candidates are independent samples; one that is not known here is taken for a search."""
    try:
        return strategy_type(strategy).independent
    except UnknownName:
        return False


def pass_at(samples: Sampled, n: int) -> float:
    """How often at least one of ``n`` samples is right. Exact."""
    return pass_at_k(len(samples), int(samples.right.sum()), n)


def accuracy_at(samples: Sampled, n: int, vote: str, seed: int = 0) -> float:
    """How often the vote of ``n`` of the samples, drawn without replacement, is right.

    Raises UnknownName for a vote that is not one of ours: of another nobody knows whether the estimate holds.
    """
    if not 1 <= n <= len(samples):
        raise ValueError(f"{len(samples)} samples hold no subset of {n}")
    if vote == "best":
        return _best(samples, n)
    if vote not in VOTES:
        raise UnknownName("vote with an estimate for fewer samples", vote, VOTES)
    subsets = _subsets(len(samples), n, seed)
    winner = elected(samples.classes[subsets], samples.scores[subsets], vote)
    chosen = np.take_along_axis(subsets, np.maximum(winner, 0)[:, None], axis=1)[:, 0]
    return float((samples.right[chosen] & (winner >= 0)).mean())


def _best(samples: Sampled, n: int) -> float:
    """The sample of rank r, from 0, wins where it is drawn and none above it is: C(m-1-r, n-1) of C(m, n) subsets."""
    m = len(samples)
    voters = np.flatnonzero(samples.classes >= 0)
    scores = np.where(np.isnan(samples.scores), -np.inf, samples.scores)
    ranked = voters[np.argsort(-scores[voters], kind="stable")]
    wins = sum(math.comb(m - 1 - rank, n - 1) for rank, index in enumerate(ranked) if samples.right[index])
    return wins / math.comb(m, n)


@lru_cache(maxsize=32)
def _subsets(m: int, n: int, seed: int) -> NDArray[np.int64]:
    """Subsets of n of m indices [S, n], each ascending: all of them, or ``SUBSETS`` at random."""
    if math.comb(m, n) <= SUBSETS:
        return np.array(list(itertools.combinations(range(m), n)), dtype=np.int64)
    draws = np.random.default_rng((seed, m, n)).random((SUBSETS, m))
    return np.sort(np.argpartition(draws, n - 1, axis=1)[:, :n], axis=1)


def elected(classes: NDArray[np.int64], scores: NDArray[np.float64], vote: str) -> NDArray[np.int64]:
    """The member each row's vote answers as [S]: a column, or -1 where nobody votes. See :mod:`tts.answers.votes`.

    Args:
        classes, scores: of each member of each row [S, n]; a score is NaN where there is none.
        vote: one of VOTES.
    """
    voice = classes >= 0
    scores = np.where(np.isnan(scores), -np.inf, scores)
    if vote == "best":
        mine = voice
    else:
        weights = np.nan_to_num(scores, neginf=0.0) if vote == "weighted" else None
        mine = voice & (classes == _leading(classes, scores, voice, weights)[:, None])
    # it answers as its best member wrote it, the first of equals
    member = np.where(mine, scores, -np.inf)
    leader: NDArray[np.int64] = (mine & (member == member.max(axis=1, keepdims=True))).argmax(axis=1)
    return np.where(voice.any(axis=1), leader, -1)


def _leading(
    classes: NDArray[np.int64],
    scores: NDArray[np.float64],
    voice: NDArray[np.bool_],
    weights: NDArray[np.float64] | None,
) -> NDArray[np.int64]:
    """The class of the greatest weight in each row [S]."""
    count = int(classes.max(initial=-1)) + 1
    if count == 0:
        return np.full(len(classes), -1)
    totals = _totals(classes, voice, weights, count)
    winners = totals == totals.max(axis=1, keepdims=True)
    winner: NDArray[np.int64] = winners.argmax(axis=1)
    for row in np.flatnonzero(winners.sum(axis=1) > 1):
        winner[row] = _tie(classes[row], scores[row], winners[row])
    return winner


def _totals(
    classes: NDArray[np.int64], voice: NDArray[np.bool_], weights: NDArray[np.float64] | None, count: int
) -> NDArray[np.float64]:
    """The weight of each class in each subset [S, K]; minus infinity for a class that is not in it."""
    shape = len(classes), count
    cells = (np.arange(len(classes))[:, None] * count + classes)[voice]
    votes = np.bincount(cells, minlength=shape[0] * count).reshape(shape).astype(float)
    totals = votes
    if weights is not None:
        sums = np.bincount(cells, weights[voice], shape[0] * count).reshape(shape)
        weighty = (voice & (weights != 0)).any(axis=1, keepdims=True)
        totals = np.where(weighty, sums, votes)  # where no voter has a weight they are counted
    return np.where(votes > 0, totals, -np.inf)


def _tie(classes: NDArray[np.int64], scores: NDArray[np.float64], winners: NDArray[np.bool_]) -> int:
    """Of classes with the same total the one with the highest single score; of those the one seen first."""
    tied = np.flatnonzero((classes >= 0) & winners[classes])
    if not len(tied):
        return 0
    leading = set(classes[tied[scores[tied] == scores[tied].max()]].tolist())
    return next(int(classes[k]) for k in tied if int(classes[k]) in leading)
