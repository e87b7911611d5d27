"""What a profile promises too much, and its rates lowered by that.

The rates after a look are chosen among: the selector goes where they are highest, and they are highest partly by luck.
The plans of the beginning have one figure each and no such luck.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from benchmarks.calibrate.regression import logit, sigmoid
from benchmarks.simulate.play import play
from benchmarks.simulate.simulator import GradedSimulator, right_of
from tts.selection.profile import Curve, Profile, Stage
from tts.selection.selector import Limits, expected

WITHIN = Limits(n=10**6)
"""No ceiling but the price."""

MOST = 3.0
"""Log odds beyond which no rate is lowered."""


def lowered(profile: Profile, shift: float) -> Profile:
    """The profile with the log odds of every rate after a look lowered by ``shift``."""

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
    """By how much to lower rates so that looking keeps on the mean what it promises; none where it keeps more.

    Args:
        graded: of all problems.
        profiles: each with the problems that it was not fitted to.
        prices: of a FLOP, over which the mean is taken.
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
    """The profile for one who begins with a look."""
    return replace(profile, stages=(replace(profile.stages[0], endings=()), *profile.stages[1:]))


def _kept(graded: GradedSimulator, profile: Profile, rows: np.ndarray, price: float) -> float:
    return float(right_of(graded.pool, play(graded.simulator, profile, price, WITHIN).answers)[rows].mean())
