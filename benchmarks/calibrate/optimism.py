"""Correction of optimistic rates in a profile.

The selector chooses the moves with the highest rates, and the highest rates are partly luck. So a profile promises more
than it keeps, and rates after the first stage are lowered. Rates of the first stage are single figures and not
affected.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from benchmarks.simulate.play import play
from benchmarks.simulate.simulator import GradedSimulator, right_of
from benchmarks.stats.regression import logit, sigmoid
from tts.selection.profile import Curve, Profile, Stage
from tts.selection.selector import Limits, expected

WITHIN = Limits(n=10**6)
"""No limits but the price."""

MOST = 3.0
"""Limit of the shift, in log odds."""


def lowered(profile: Profile, shift: float) -> Profile:
    """Return the profile with the log odds of every rate after the first stage lowered by ``shift``."""

    def curve(found: Curve) -> Curve:
        parts = (
            sigmoid(logit(np.array(part), most=20.0) - shift).tolist() for part in (found.mean, found.low, found.high)
        )
        return Curve(*map(tuple, parts))

    def stage(found: Stage) -> Stage:
        endings = tuple(replace(ending, right=curve(ending.right)) for ending in found.endings)
        return replace(found, right=curve(found.right), endings=endings)

    return replace(profile, stages=(profile.stages[0], *map(stage, profile.stages[1:])))


def shift(graded: GradedSimulator, profiles: Sequence[tuple[Profile, np.ndarray]], prices: Sequence[float]) -> float:
    """Find the shift at which adaptive plans keep on average what they promise; 0 if they keep more.

    Args:
        graded: simulator of all problems.
        profiles: each with the problems that it was not fitted to.
        prices: prices of a FLOP to average over.
    """
    looking = [(_looking(profile), rows) for profile, rows in profiles]
    kept = np.mean([_kept(graded, profile, rows, price) for profile, rows in looking for price in prices])

    def promised(by: float) -> float:
        lower = [lowered(profile, by) for profile, _ in looking]
        return float(np.mean([expected(profile, price, WITHIN).right for profile in lower for price in prices]))

    low, high = 0.0, MOST
    if promised(low) <= kept:
        return 0.0
    while high - low > 1e-3:
        middle = (low + high) / 2
        low, high = (middle, high) if promised(middle) > kept else (low, middle)
    return high


def _looking(profile: Profile) -> Profile:
    """Return the profile without endings at the first stage."""
    return replace(profile, stages=(replace(profile.stages[0], endings=()), *profile.stages[1:]))


def _kept(graded: GradedSimulator, profile: Profile, rows: np.ndarray, price: float) -> float:
    return float(right_of(graded.pool, play(graded.simulator, profile, price, WITHIN).answers)[rows].mean())
