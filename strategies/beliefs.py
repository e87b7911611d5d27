"""Beliefs about scores, for Thompson sampling with random numbers that are the same in a replay."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import NormalDist

Uniform = Callable[[], float]
"""Draws a number from [0, 1)."""


@dataclass(slots=True)
class Belief:
    """A normal-inverse-gamma belief about a score, with m = 0, kappa = 1, nu = 1 and tau^2 = 0.1 before any."""

    scores: list[float] = field(default_factory=list)

    def parameters(self) -> tuple[float, float, float, float]:
        """Return m, kappa, nu and tau^2 after the scores."""
        n, kappa, nu = len(self.scores), 1 + len(self.scores), 1 + len(self.scores)
        mean = math.fsum(self.scores) / n if n else 0.0
        spread = math.fsum((score - mean) ** 2 for score in self.scores)
        return n * mean / kappa, kappa, nu, (0.1 + spread + n * mean**2 / kappa) / nu

    def draw(self, uniform: Uniform) -> float:
        """Draw a mean: a variance from the inverse gamma, then a mean of that variance."""
        m, kappa, nu, tau = self.parameters()
        squares = -2 * math.fsum(math.log(_inside(uniform())) for _ in range(int(nu) // 2))  # chi-square of nu
        squares += _normal(uniform) ** 2 if int(nu) % 2 else 0.0
        return m + math.sqrt(nu * tau / squares / kappa) * _normal(uniform)


def _inside(uniform: float) -> float:
    return min(max(uniform, 1e-12), 1 - 1e-12)


def _normal(uniform: Uniform) -> float:
    return NormalDist().inv_cdf(_inside(uniform()))
