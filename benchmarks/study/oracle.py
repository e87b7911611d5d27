"""Oracle difficulty: the selector with the true pass@1 of each problem instead of an estimate.

The gap to the real selector is the cost of estimating, as arXiv 2408.03314 compares oracle and predicted difficulty.
"""

from __future__ import annotations

import numpy as np

from benchmarks.recordings.pool import Pool
from benchmarks.simulate.features import Floats
from benchmarks.simulate.simulator import Simulator
from tts.selection.profile import Stage

MOST = 6.0
"""Limit of the log odds of pass@1: 6 is one right sample of 400."""


class OracleSimulator(Simulator):
    """A simulator whose only feature at every stage is the true pass@1. Its profile is fitted on the same feature."""

    def __init__(self, pool: Pool, orders: int, seed: int = 0) -> None:
        super().__init__(pool, orders, seed)
        chance = np.array([entry.pass_at_1 for entry in pool.entries])
        with np.errstate(divide="ignore"):
            odds = np.clip(np.log(chance) - np.log1p(-chance), -MOST, MOST)
        self._odds: Floats = np.repeat(odds[:, None], orders, axis=1)

    def features(self, stage: Stage) -> dict[str, Floats]:
        return {"pass@1": self._odds}
