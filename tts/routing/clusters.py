"""The Avengers' router (arXiv 2505.19797) and its cost-aware successor: cluster, score, weight the nearest clusters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, ClassVar

import numpy as np

from tts.errors import BadInput, UnknownName
from tts.routing.clustering import METHODS, centres, distances
from tts.routing.embedding import normalized
from tts.routing.outcomes import ArmOutcomes
from tts.routing.router import Prediction, State, one_arm, with_column
from tts.routing.scoring import Scores, ranks, scored
from tts.routing.spread import spread_of, square_of

FUSIONS = ("mean", "rank")
_RANK_OFFSET = 0.1  # as in the paper
_TABLES = ("quality", "error", "cost", "latency", "cost_spread", "latency_spread")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ClusterRouter:
    """Scores arms per cluster; a query gets the scores of its nearest clusters, weighted by distance.

    The paper's router is ``k=64, nearest=11, beta=6, fusion="rank", strength=0, balance=False``.

    Attributes:
        clustering: how clusters are found, see :mod:`tts.routing.clustering`.
        k: number of clusters.
        nearest: clusters that a query looks at.
        beta: their weights are softmax(-beta x distance).
        fusion: ``mean`` adds mean qualities; ``rank`` adds 1 / (rank + 0.1), as the paper does.
        strength: queries that an arm's overall mean counts for in each cluster.
        balance: every data set counts the same when clusters are scored.
        seed: of the clustering.
        repeats: clusterings, of seeds that follow each other, whose predictions are averaged.
    """

    clustering: str = "kmeans"
    k: int = 16
    nearest: int = 3
    beta: float = 6.0
    fusion: str = "mean"
    strength: float = 10.0
    balance: bool = True
    seed: int = 42
    repeats: int = 1
    state: State = field(default_factory=dict)

    kind: ClassVar[str] = "clusters"

    def __post_init__(self) -> None:
        if self.fusion not in FUSIONS:
            raise UnknownName("fusion", self.fusion, FUSIONS)
        if self.clustering not in METHODS:
            raise UnknownName("clustering", self.clustering, METHODS)
        for name in ("k", "nearest", "repeats"):
            if getattr(self, name) < 1:
                raise BadInput(f"{name} is a whole number, 1 or more, not {getattr(self, name)}.")

    def fit(self, vectors: np.ndarray, outcomes: ArmOutcomes) -> ClusterRouter:
        unit, seeds = normalized(vectors), range(self.seed, self.seed + self.repeats)
        points = np.concatenate([centres(self.clustering, unit, outcomes.groups, self.k, seed) for seed in seeds])
        return replace(self, state={"centres": points, **self._scores(vectors, outcomes, points)})

    def add(self, vectors: np.ndarray, outcomes: ArmOutcomes) -> ClusterRouter:
        one_arm(outcomes)
        more = self._scores(vectors, outcomes, self.state["centres"])
        return replace(self, state=with_column(self.state, more, *_TABLES))

    def predict(self, vectors: np.ndarray) -> Prediction:
        state, weights = self.state, self._weights(vectors)
        quality, cost, latency = (weights @ state[name] for name in ("quality", "cost", "latency"))
        error = self._error(weights)
        spreads = (self._spread(weights, name, mean) for name, mean in (("cost", cost), ("latency", latency)))
        found = Prediction.of(quality, error, cost, latency, *spreads)
        if self.fusion == "rank":
            return found.ranked_by(weights @ (1 / (ranks(state["quality"]) + _RANK_OFFSET)))
        return found

    def settings(self) -> Mapping[str, Any]:
        return {f.name: getattr(self, f.name) for f in fields(self) if f.name != "state"}

    def _scores(self, vectors: np.ndarray, outcomes: ArmOutcomes, points: np.ndarray) -> State:
        away = self._by_clustering(distances(normalized(vectors), points))
        members = np.eye(away.shape[2])[away.argmin(2)].reshape(len(vectors), -1)
        weights = outcomes.balanced() if self.balance else np.ones(len(outcomes))
        found: Scores = scored(outcomes, members, weights, self.strength)
        return {name: _filled(getattr(found, name), name) for name in _TABLES}

    def _spread(self, weights: np.ndarray, name: str, mean: np.ndarray) -> np.ndarray | None:
        """Compute the spread over a mixture of clusters; None for a pool of an earlier version, which has none."""
        if (spread := self.state.get(f"{name}_spread")) is None:
            return None
        return spread_of(mean, weights @ square_of(self.state[name], spread))

    def _error(self, weights: np.ndarray) -> np.ndarray:
        """Compute the standard error; that of an average of clusterings is the mean of theirs: all saw one table."""
        squares = self.state["error"].reshape(self.repeats, -1, self.state["error"].shape[1]) ** 2
        parts = np.einsum("qrk,rka->qra", (self._by_clustering(weights) * self.repeats) ** 2, squares)
        found: np.ndarray = np.sqrt(parts).mean(1)
        return found

    def _weights(self, vectors: np.ndarray) -> np.ndarray:
        """Compute the weight of each cluster for each query [q, k]; rows sum to 1."""
        away = self._by_clustering(distances(normalized(vectors), self.state["centres"]))
        kth = min(self.nearest, away.shape[2]) - 1
        near = away <= np.partition(away, kth, axis=2)[:, :, kth : kth + 1]
        logits = np.where(near, -self.beta * away, -np.inf)
        weights = np.exp(logits - logits.max(2, keepdims=True))
        found: np.ndarray = weights / weights.sum(2, keepdims=True) / self.repeats
        return found.reshape(len(vectors), -1)

    def _by_clustering(self, cells: np.ndarray) -> np.ndarray:
        """Divide the clusters of a table [q, r x k] by clustering: [q, r, k]."""
        return cells.reshape(len(cells), self.repeats, -1)


def _filled(cells: np.ndarray, name: str) -> np.ndarray:
    """Fill clusters without outcomes with zeros, as the paper does without shrinkage."""
    return np.nan_to_num(cells, nan=0.0) if name == "quality" else cells
