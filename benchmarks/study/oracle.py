"""Difficulty known rather than estimated: what the selector would do if it were told each problem's true pass@1.

Nobody has it. The difference to the selector that estimates is the cost of not knowing, as arXiv 2408.03314 puts oracle
difficulty beside predicted difficulty.
"""

from __future__ import annotations

import numpy as np

from benchmarks.recordings.pool import Pool
from benchmarks.simulate.features import Floats
from benchmarks.simulate.simulator import Simulator
from tts.selection.profile import Stage

MOST = 6.0
"""Log odds beyond which pass@1 is not told apart: one of 400 samples."""


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
