"""k nearest neighbours: an arm is predicted to do as it did on the most similar training queries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np

from tts.errors import BadInput
from tts.routing.embedding import normalized
from tts.routing.outcomes import ArmOutcomes
from tts.routing.router import Means, Prediction, State, one_arm, proportion_error
from tts.routing.spread import spread_of

_CELLS = ("quality", "cost", "latency")
_SQUARES = ("cost_square", "latency_square")
_CHUNK = 128  # queries whose neighbours are searched at once


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
    _made: list[_Part] = field(default_factory=list, init=False, repr=False)

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
        index = self._index()
        parts = [self._predict(vectors[k : k + _CHUNK], index) for k in range(0, max(len(vectors), 1), _CHUNK)]
        return Prediction.joined(parts)

    def _index(self) -> list[_Part]:
        """Return what every prediction needs, computed once for a fitted router."""
        if not self._made:
            self._made.extend(_parts(self.state))
        return self._made

    def _predict(self, vectors: np.ndarray, index: Sequence[_Part]) -> Prediction:
        unit = normalized(np.asarray(vectors, dtype=np.float32))
        shape = len(unit), self.state["quality"].shape[1]
        found = {name: np.full(shape, np.nan) for name in (*_CELLS, *_SQUARES)}
        count = np.zeros(shape)
        for part in index:
            k = min(self.k, len(part.vectors))
            near = _largest(unit @ part.vectors.T, k)
            means = (part.cells[near].sum(1) + self.strength * part.prior) / (k + self.strength)
            for (name, arm), column in zip(part.columns, means.T, strict=True):
                found[name][:, arm] = column
                if name == "quality":
                    count[:, arm] = k
        error = proportion_error(found["quality"], count + self.strength)
        spreads = (spread_of(found[name], found[square]) for name, square in zip(_CELLS[1:], _SQUARES, strict=True))
        return Prediction.of(found["quality"], error, found["cost"], found["latency"], *spreads)

    def settings(self) -> Mapping[str, Any]:
        return {"k": self.k, "strength": self.strength}


@dataclass(frozen=True, slots=True)
class _Part:
    """Columns that are known on the same rows, so that their neighbours are found once.

    Attributes:
        vectors: unit vectors of these rows [r, d], contiguous.
        cells: the columns [r, c], contiguous; ``columns`` are their names and arms.
        prior: what each is shrunk towards [c].
    """

    vectors: np.ndarray
    cells: np.ndarray
    prior: np.ndarray
    columns: tuple[tuple[str, int], ...]


def _parts(state: State) -> list[_Part]:
    together: dict[bytes, list[tuple[str, int]]] = {}
    for name in _CELLS:
        known = ~np.isnan(state[name])
        for arm in np.flatnonzero(known.any(0)):
            together.setdefault(known[:, arm].tobytes(), []).append((name, int(arm)))
    return [_part(state, columns) for columns in together.values()]


def _part(state: State, columns: Sequence[tuple[str, int]]) -> _Part:
    name, arm = columns[0]
    rows = np.flatnonzero(~np.isnan(state[name][:, arm]))
    cells = [state[name][rows, arm].astype(np.float64) for name, arm in columns]
    prior = [float(state[f"mean_{name}"][arm]) for name, arm in columns]
    names = list(columns)
    for (name, arm), column, mean in zip(columns, tuple(cells), tuple(prior), strict=True):
        if name != "quality":
            names.append((f"{name}_square", arm))
            cells.append(column**2)
            own = float(column.mean())
            prior.append(float((column**2).mean()) * (mean / own) ** 2 if own else 0.0)
    return _Part(
        np.ascontiguousarray(state["vectors"][rows], dtype=np.float32), np.stack(cells, axis=1), np.array(prior),
        tuple(names),
    )  # fmt: skip


def _largest(values: np.ndarray, k: int) -> np.ndarray:
    """Return the indices of the k largest values in each row [q, k], unordered."""
    found: np.ndarray = np.argpartition(values, values.shape[1] - k, axis=1)[:, values.shape[1] - k :]
    return found
