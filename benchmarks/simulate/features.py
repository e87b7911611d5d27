"""The features of :mod:`tts.selection.features` for many orders of the samples at once; a test compares the two.

Arrays: S orders, n samples, K classes of equal answers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class EvidenceBatch:
    """The first n samples of a problem in each of S orders.

    Attributes:
        classes: class of each sample's answer [S, n]; equal answers share a number, -1 casts no vote.
        scores: score of each sample [S, n]; NaN for one that could not be scored, which counts as 0; None without a
            reward model.
        tokens: sampled tokens of each [S, n].
        prompt: tokens of the prompt.
    """

    classes: Ints
    scores: Floats | None
    tokens: Floats
    prompt: int

    def features(self) -> dict[str, Floats]:
        """Compute the features of :meth:`tts.selection.features.Evidence.features` by name, each [S]."""
        n = self.classes.shape[1]
        votes = self._by_class(None)
        first, second = _two_largest(votes)
        voters = votes.sum(axis=1)
        mean = self.tokens.mean(axis=1)
        found = {
            "agreement": _odds(first, n),
            "rival": _odds(second, n),
            "first": _odds(((self.classes == self.classes[:, :1]) & (self.classes >= 0)).sum(axis=1), n),
            "variety": (votes > 0).sum(axis=1) / np.maximum(1, voters),
            "silent": _odds(n - voters, n),
            "length": np.log(np.maximum(1.0, mean)),
            "uneven": self.tokens.std(axis=1) / np.maximum(1.0, mean),
            "prompt": np.full(len(mean), np.log(max(1, self.prompt))),
        }
        return found if self.scores is None else found | self._of_scores(votes, np.nan_to_num(self.scores))

    def _of_scores(self, votes: Floats, scores: Floats) -> dict[str, Floats]:
        n = scores.shape[1]
        rows = np.arange(len(scores))
        sums, (tops, firsts) = self._by_class(scores), self._tops(scores, votes.shape[1])
        ranks = np.where(votes > 0, sums, -np.inf)
        for finer in (
            tops,
            -firsts,
        ):  # the heaviest class; ties go to the best score, then to the class seen first
            ranks = np.where(ranks == ranks.max(axis=1, keepdims=True), finer, -np.inf)
        winner = ranks.argmax(axis=1)
        some = votes.any(axis=1)
        heaviest = np.where(some, sums[rows, winner], 0.0)
        total = sums.sum(axis=1)
        others = tops.copy()
        others[rows, winner] = 0.0
        return {
            "weight": _odds(n * np.divide(heaviest, total, out=np.zeros(len(total)), where=total != 0), n),
            "mean": scores.mean(axis=1),
            "best": scores.max(axis=1),
            "spread": scores.std(axis=1),
            "winner": heaviest / np.maximum(1, votes[rows, winner]),
            "apart": np.where(some, tops[rows, winner], 0.0) - others.max(axis=1),
        }

    def _by_class(self, weights: Floats | None) -> Floats:
        """Sum the weights of the samples of each class, or count them [S, K]; K is at least 1."""
        voting = self.classes >= 0
        count = max(1, int(self.classes.max()) + 1)
        cells = (np.arange(len(self.classes))[:, None] * count + self.classes)[voting]
        shape = len(self.classes), count
        given = None if weights is None else weights[voting]
        return np.bincount(cells, given, minlength=shape[0] * count).reshape(shape).astype(float)

    def _tops(self, scores: Floats, count: int) -> tuple[Floats, Floats]:
        """Return each class's best score, at least 0, and the position of its first sample [S, K]."""
        tops, firsts = np.zeros((len(scores), count)), np.full((len(scores), count), np.inf)
        rows, columns = np.nonzero(self.classes >= 0)
        cells = rows, self.classes[rows, columns]
        np.maximum.at(tops, cells, scores[rows, columns])
        np.minimum.at(firsts, cells, columns.astype(float))
        return tops, firsts


def _two_largest(votes: Floats) -> tuple[Floats, Floats]:
    padded = np.concatenate([votes, np.zeros((len(votes), 1))], axis=1)
    two = np.partition(padded, padded.shape[1] - 2, axis=1)[:, -2:]
    return two[:, 1], two[:, 0]


def _odds(count: Floats, n: int) -> Floats:
    found: Floats = np.log((count + 0.5) / (n - count + 0.5))
    return found
