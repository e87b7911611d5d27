"""Voting, the last step of the Avengers: divides N samples between the chosen arms; the vote is self-consistency."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from tts.routing.choice import Expected, Z

_POINTS = np.linspace(-4, 4, 161)  # grid of a standard normal variable, for the integral
_DENSITY = np.exp(-(_POINTS**2) / 2) / np.exp(-(_POINTS**2) / 2).sum()


def split(n: int, arms: Sequence[Expected], top: int = 1) -> list[tuple[Expected, int]]:
    """Divide N samples between the best arms, in proportion to the probability that each is the best for this query.

    Args:
        n: number of samples, at least 1.
        arms: best first.
        top: limit of arms that sample; 1 gives all to the first, the paper's setting.

    Returns:
        The arms that sample and their shares, which sum to N.
    """
    chosen = list(arms[: max(1, min(top, n))])
    chance = chances(chosen)
    exact = [n * share for share in chance]
    shares = [math.floor(share) for share in exact]
    rest = sorted(range(len(chosen)), key=lambda k: (shares[k] - exact[k], k))
    for k in rest[: n - sum(shares)]:
        shares[k] += 1
    return [(arm, share) for arm, share in zip(chosen, shares, strict=True) if share]


def chances(arms: Sequence[Expected]) -> list[float]:
    """Compute the probability of each arm to be the best, for independent normal qualities, by integration."""
    means = np.array([arm.quality for arm in arms])
    errors = np.array([max((arm.high - arm.low) / (2 * Z), 1e-6) for arm in arms])
    found = []
    for k in range(len(arms)):
        at = means[k] + errors[k] * _POINTS
        below = np.ones_like(at)
        for other in range(len(arms)):
            if other != k:
                below *= _normal((at - means[other]) / errors[other])
        found.append(float((_DENSITY * below).sum()))
    total = sum(found)
    return [chance / total for chance in found]


def _normal(x: np.ndarray) -> np.ndarray:
    return np.array([0.5 * (1 + math.erf(value / math.sqrt(2))) for value in x])
