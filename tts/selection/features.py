"""Features of the samples of a problem, computed without the right answer; difficulty is estimated from them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

FEATURES = ("agreement", "rival", "first", "variety", "silent", "length", "uneven", "prompt")
"""Features of all samples."""

SCORE_FEATURES = ("weight", "mean", "best", "spread", "winner", "apart")
"""Additional features of scored samples."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """The samples of one problem so far, at least one.

    Attributes:
        classes: class of each sample's answer, the greedy one first if there is one; equal answers share a number, -1
            casts no vote.
        scores: score of each sample, 0 for one that could not be scored; None without a reward model.
        tokens: sampled tokens of each.
        prompt: tokens of the prompt.
    """

    classes: Sequence[int]
    scores: Sequence[float] | None
    tokens: Sequence[int]
    prompt: int

    def features(self) -> dict[str, float]:
        """Compute the features by name; score features only with scores.

        Shares are smoothed log odds, ``log((k + 1/2) / (n - k + 1/2))`` for k of n.

        ``agreement``: share of the most common answer among the samples. ``rival``: share of the second. ``first``:
        share of the first sample's answer. ``variety``: distinct answers per voting sample. ``silent``: share of
        samples that cannot vote. ``length``: log of the mean tokens. ``uneven``: standard deviation of the tokens over
        their mean. ``prompt``: log of the prompt's tokens. ``weight``: share of the answer with the largest sum of
        scores in all scores. ``mean``, ``best``, ``spread``: mean, maximum and standard deviation of the scores.
        ``winner``: mean score of that answer's samples. ``apart``: its best score minus the best of any other answer.
        """
        n = len(self.classes)
        votes: dict[int, int] = {}
        for label in self.classes:
            if label >= 0:
                votes[label] = votes.get(label, 0) + 1
        first, second = [*sorted(votes.values(), reverse=True), 0, 0][:2]
        voters = sum(votes.values())
        mean = sum(self.tokens) / n
        found = {
            "agreement": _odds(first, n),
            "rival": _odds(second, n),
            "first": _odds(votes.get(self.classes[0], 0), n),
            "variety": len(votes) / max(1, voters),
            "silent": _odds(n - voters, n),
            "length": math.log(max(1.0, mean)),
            "uneven": _deviation(self.tokens, mean) / max(1.0, mean),
            "prompt": math.log(max(1, self.prompt)),
        }
        if self.scores is not None:
            found |= self._of_scores(votes, self.scores)
        return found

    def _of_scores(self, votes: dict[int, int], scores: Sequence[float]) -> dict[str, float]:
        n = len(scores)
        sums, tops = dict.fromkeys(votes, 0.0), dict.fromkeys(votes, 0.0)
        for label, score in zip(self.classes, scores, strict=True):
            if label >= 0:
                sums[label] += score
                tops[label] = max(tops[label], score)
        mean = sum(scores) / n
        winner = max(sums, key=lambda label: (sums[label], tops[label]), default=None)
        total = sum(sums.values())
        heaviest = sums[winner] if winner is not None else 0.0
        others = max((top for label, top in tops.items() if label != winner), default=0.0)
        return {
            "weight": _odds(n * heaviest / total if total > 0 else 0.0, n),
            "mean": mean,
            "best": max(scores),
            "spread": _deviation(scores, mean),
            "winner": heaviest / votes[winner] if winner is not None else 0.0,
            "apart": (tops[winner] if winner is not None else 0.0) - others,
        }


def _odds(count: float, n: int) -> float:
    count = min(max(count, 0.0), float(n))  # rewards that are no probabilities may have any share
    return math.log((count + 0.5) / (n - count + 0.5))


def _deviation(values: Sequence[float], mean: float) -> float:
    return math.sqrt(sum((value - mean) ** 2 for value in values) / len(values))
