"""k nearest neighbours: an arm is predicted to do as it did on the most similar training queries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np

from tts.errors import BadInput
from tts.routing.embedding import normalized
from tts.routing.outcomes import ArmOutcomes
from tts.routing.router import Means, Prediction, State, one_arm, proportion_error

_CELLS = ("quality", "cost", "latency")
_CHUNK = 512  # queries whose neighbours are searched at once


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NeighbourRouter:
    """Means over the k nearest training queries by cosine, shrunk towards each arm's overall mean.

    Attributes:
        k: neighbours, at most as many as there are queries.
        strength: queries that the overall mean counts for.
    """

    k: int = 100
    strength: float = 5.0
    state: State = field(default_factory=dict)

    kind: ClassVar[str] = "knn"

    def __post_init__(self) -> None:
        if self.k < 1:
            raise BadInput(f"k is a whole number, 1 or more, not {self.k}.")

    def fit(self, vectors: np.ndarray, outcomes: ArmOutcomes) -> NeighbourRouter:
        means = Means.of(outcomes, outcomes.balanced())
        state = {
            "vectors": normalized(vectors).astype(np.float32),
            "quality": outcomes.quality, "cost": outcomes.cost, "latency": outcomes.latency,
            "mean_quality": means.quality, "mean_cost": means.cost, "mean_latency": means.latency,
        }  # fmt: skip
        return replace(self, state=state)

    def add(self, vectors: np.ndarray, outcomes: ArmOutcomes) -> NeighbourRouter:
        """Add the new arm's queries as rows of their own, without data of the other arms."""
        one_arm(outcomes)
        state, means = self.state, Means.of(outcomes, outcomes.balanced())
        grown: State = {"vectors": np.concatenate([state["vectors"], normalized(vectors).astype(np.float32)])}
        for name, cells in zip(_CELLS, (outcomes.quality, outcomes.cost, outcomes.latency), strict=True):
            old = np.pad(state[name], ((0, len(outcomes)), (0, 1)), constant_values=np.nan)
            old[len(state[name]) :, -1] = cells[:, 0]
            grown[name] = old
            grown[f"mean_{name}"] = np.append(state[f"mean_{name}"], getattr(means, name))
        return replace(self, state=grown)

    def predict(self, vectors: np.ndarray) -> Prediction:
        parts = [self._predict(vectors[k : k + _CHUNK]) for k in range(0, max(len(vectors), 1), _CHUNK)]
        return Prediction.joined(parts)

    def _predict(self, vectors: np.ndarray) -> Prediction:
        state = self.state
        likeness = normalized(vectors).astype(np.float32) @ state["vectors"].T
        found = {name: self._nearest(likeness, state[name], state[f"mean_{name}"]) for name in _CELLS}
        quality, count = found["quality"]
        error = proportion_error(quality, count + self.strength)
        return Prediction.of(quality, error, found["cost"][0], found["latency"][0])

    def _nearest(self, likeness: np.ndarray, cells: np.ndarray, prior: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Compute shrunk means [q, a] over the k nearest rows with an entry of each arm, and their number."""
        means = np.full((len(likeness), cells.shape[1]), np.nan)
        count = np.zeros_like(means)
        for rows, arms in _alike(~np.isnan(cells)):
            near = _largest(likeness[:, rows], min(self.k, len(rows)))
            sums = cells[rows[near][:, :, None], arms].sum(1)
            means[:, arms] = (sums + self.strength * prior[arms]) / (near.shape[1] + self.strength)
            count[:, arms] = near.shape[1]
        return means, count

    def settings(self) -> Mapping[str, Any]:
        return {"k": self.k, "strength": self.strength}


def _alike(known: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Group arms with entries on the same rows, so that their neighbours are found once: (rows, arms)."""
    if known.all():
        return [(np.arange(len(known)), np.arange(known.shape[1]))]
    together: dict[bytes, list[int]] = {}
    for arm in range(known.shape[1]):
        together.setdefault(known[:, arm].tobytes(), []).append(arm)
    pairs = ((np.flatnonzero(known[:, arms[0]]), np.array(arms)) for arms in together.values())
    return [(rows, arms) for rows, arms in pairs if len(rows)]


def _largest(values: np.ndarray, k: int) -> np.ndarray:
    """Return the indices of the k largest values in each row [q, k], unordered."""
    found: np.ndarray = np.argpartition(-values, k - 1, axis=1)[:, :k]
    return found
