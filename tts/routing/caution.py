"""Caution: leave the arm that is best over all problems only for a gain that is larger than its uncertainty.

With few outcomes to fit on, the arm with the best prediction is often one whose prediction is too good by chance. The
arm that is best over all problems was measured on all of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tts.errors import BadInput
from tts.routing.choice import Objective
from tts.routing.outcomes import ArmOutcomes
from tts.routing.router import Prediction, State

_LEAST, _MOST = 0.02, 0.98  # qualities between which an error tells how many queries are behind it


@dataclass(frozen=True, slots=True, eq=False)
class Baseline:
    """Means of the arms over the fitted problems, and how far their results lie apart on one problem.

    Attributes:
        quality, cost, latency: means [a]; NaN if unknown.
        apart: standard deviation of the difference in quality between two arms on a problem [a, a]. It is small for
            arms that solve the same problems. NaN for arms that have no problem in common.
    """

    quality: np.ndarray
    cost: np.ndarray
    latency: np.ndarray
    apart: np.ndarray

    @classmethod
    def of(cls, outcomes: ArmOutcomes) -> Baseline:
        quality, cost, latency = map(_means, outcomes.cells)
        return cls(quality, cost, latency, _apart(outcomes.quality))

    @classmethod
    def restored(cls, state: State) -> Baseline:
        """Return the baseline that :attr:`state` kept. Raises BadInput for a pool that has none."""
        if not state:
            raise BadInput("this pool keeps no means of its models, which caution needs: fit it again.")
        return cls(state["quality"], state["cost"], state["latency"], state["apart"])

    @property
    def state(self) -> State:
        return {"quality": self.quality, "cost": self.cost, "latency": self.latency, "apart": self.apart}

    def with_arm(self, outcomes: ArmOutcomes) -> Baseline:
        """Return a baseline with one more arm, whose problems were not compared with the others'."""
        new = Baseline.of(outcomes)
        return Baseline(
            np.append(self.quality, new.quality), np.append(self.cost, new.cost), np.append(self.latency, new.latency),
            np.pad(self.apart, ((0, 1), (0, 1)), constant_values=np.nan),
        )  # fmt: skip

    def best(self, objective: Objective, scale: Mapping[str, float], allowed: np.ndarray) -> int:
        """Return the arm that is best over all problems, among those that are allowed [a]."""
        overall = objective.total(self.quality, self.cost, self.latency, scale)
        return int(np.where(allowed & ~np.isnan(overall), overall, -np.inf).argmax())

    def careful(self, value: np.ndarray, found: Prediction, objective: Objective, best: int) -> np.ndarray:
        """Lower the value of each arm by the uncertainty of its gain over the arm ``best``, which keeps its value.

        Args:
            value: of each arm on each query by the objective [q, a].
            found: the predictions.
            objective: its ``caution`` is the number of standard errors.
            best: the arm that is best over all problems.
        """
        return value - objective.caution * objective.quality * self._errors(found, best)

    def _errors(self, found: Prediction, best: int) -> np.ndarray:
        """Compute the standard error of the difference in quality between each arm and ``best`` [q, a]."""
        quality, error = np.clip(found.quality, _LEAST, _MOST), np.maximum(found.error, 1e-9)
        queries = np.maximum(quality * (1 - quality) / error**2, 1.0)
        paired = self.apart[:, best] / np.sqrt(np.minimum(queries, queries[:, [best]]))
        unpaired = np.sqrt(error**2 + error[:, [best]] ** 2)
        errors: np.ndarray = np.where(np.isnan(paired), unpaired, paired)
        errors[:, best] = 0.0
        return errors


def _means(cells: np.ndarray) -> np.ndarray:
    """Average each column over the rows where it is known [a]; NaN if there are none."""
    known = ~np.isnan(cells)
    sums = np.where(known, cells, 0.0).sum(0)
    found: np.ndarray = np.divide(sums, known.sum(0), out=np.full(cells.shape[1], np.nan), where=known.any(0))
    return found


def _apart(quality: np.ndarray) -> np.ndarray:
    """Compute how far arms lie apart, as if they differed by 1 on one more problem: it is never zero."""
    known = ~np.isnan(quality)
    filled = np.where(known, quality, 0.0)
    count = (known.T.astype(float)) @ known
    squares, shared = (filled**2).T @ known, filled.T @ filled
    differences = filled.T @ known
    mean = np.divide(differences - differences.T, count, out=np.zeros_like(count), where=count > 0)
    total = squares + squares.T - 2 * shared - count * mean**2
    found: np.ndarray = np.sqrt((np.maximum(total, 0.0) + 1.0) / (count + 1.0))
    return np.where(count > 0, found, np.nan)
