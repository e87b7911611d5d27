"""Voting, the last step of the Avengers: how many of N samples each chosen arm draws. The vote is self-consistency."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from tts.routing.choice import Expected, Z

_POINTS = np.linspace(-4, 4, 161)  # of a standard normal variable, for the integral
_DENSITY = np.exp(-(_POINTS**2) / 2) / np.exp(-(_POINTS**2) / 2).sum()


def split(n: int, arms: Sequence[Expected], top: int = 1) -> list[tuple[Expected, int]]:
    """Deal N samples to the best arms, in proportion to the chance that each is the best one for this query.

    Args:
        n: samples, at least 1.
        arms: the best first.
        top: most arms that sample; 1 gives all to the first, which is the paper's setting.

    Returns:
        The arms that sample, each with its share, which add up to N.
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
    """The chance of each arm to be the best: qualities taken as independent and normal, by numerical integration."""
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
