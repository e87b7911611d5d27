"""Weights of particles, and systematic resampling by them."""

from __future__ import annotations

import math
from collections.abc import Sequence


def logit(score: float) -> float:
    """Return the logarithm of a score's odds, bounded so that no particle is certain."""
    bounded = min(max(score, 1e-6), 1 - 1e-6)
    return math.log(bounded / (1 - bounded))


def softmax(logits: Sequence[float]) -> list[float]:
    """Return weights that add up to 1."""
    top = max(logits)
    weights = [math.exp(value - top) for value in logits]
    return [weight / math.fsum(weights) for weight in weights]


def annealed(logits: Sequence[float], time: float) -> list[float]:
    """Flatten the logits in the first half of a search, ``time`` 0 to 1, if few particles hold most of the weight."""
    share = effective_size(softmax(logits)) / len(logits)
    if share >= 0.5 or time >= 0.5:
        return list(logits)
    return [value / max(1.0, (1 - time) / share) for value in logits]


def effective_size(weights: Sequence[float]) -> float:
    """Return the effective sample size, 1 / sum of squared weights."""
    return 1 / math.fsum(weight * weight for weight in weights)


def systematic(weights: Sequence[float], count: int, uniform: float) -> list[int]:
    """Pick ``count`` indices by weight with one uniform number: picks are 1/count apart."""
    picks, index, reached = list[int](), 0, weights[0]
    for k in range(count):
        while (k + uniform) / count >= reached and index < len(weights) - 1:
            index += 1
            reached += weights[index]
        picks.append(index)
    return picks
