"""Base class of routers: fitted on outcomes, they predict quality, cost and latency per arm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar, Protocol, Self

import numpy as np

from tts.errors import BadInput
from tts.routing.outcomes import ArmOutcomes

State = dict[str, np.ndarray]


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """Predictions for each arm on each query, all [q, a].

    Attributes:
        quality: probability of a right answer, 0 to 1.
        error: standard error of ``quality``.
        cost, latency: dollars (or FLOPs) and seconds; NaN if unknown.
        score: ranking score if quality alone counts: the quality, or the paper's rank fusion.
        cost_spread, latency_spread: standard deviation of the logarithm of one query's cost and latency, see
            :mod:`tts.routing.spread`; NaN if unknown.
    """

    quality: np.ndarray
    error: np.ndarray
    cost: np.ndarray
    latency: np.ndarray
    score: np.ndarray
    cost_spread: np.ndarray
    latency_spread: np.ndarray

    @classmethod
    def of(
        cls,
        quality: np.ndarray,
        error: np.ndarray,
        cost: np.ndarray,
        latency: np.ndarray,
        cost_spread: np.ndarray | None = None,
        latency_spread: np.ndarray | None = None,
    ) -> Prediction:
        """Build a prediction that ranks by quality. An unknown spread may be left out."""
        quality, unknown = np.clip(quality, 0.0, 1.0), np.full(np.shape(quality), np.nan)
        spreads = (unknown if spread is None else spread for spread in (cost_spread, latency_spread))
        return cls(quality, error, cost, latency, quality, *spreads)

    @classmethod
    def joined(cls, parts: Sequence[Prediction]) -> Prediction:
        """Concatenate the predictions of several batches of queries."""
        names = [field.name for field in fields(cls)]
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))

    def ranked_by(self, score: np.ndarray) -> Prediction:
        return replace(self, score=score)


class Router(Protocol):
    """Predicts the result of each arm from a query's embedding.

    A router is a dataclass of settings; the learned arrays are in ``state``, by name.

    Attributes:
        kind: its name in the registry and in a pool file.
    """

    kind: ClassVar[str]

    @property
    def state(self) -> State:
        """Return the learned arrays; empty before ``fit``."""
        ...

    def fit(self, vectors: np.ndarray, outcomes: ArmOutcomes) -> Self:
        """Return a router that learned from queries with these embeddings [q, d]."""
        ...

    def predict(self, vectors: np.ndarray) -> Prediction:
        """Predict for queries with these embeddings [q, d]."""
        ...

    def add(self, vectors: np.ndarray, outcomes: ArmOutcomes) -> Self:
        """Return a router with one more arm, learned from these outcomes; the other arms stay as they are."""
        ...

    def settings(self) -> Mapping[str, Any]:
        """Return the settings as JSON types."""
        ...


@dataclass(frozen=True, slots=True)
class Means:
    """Mean quality, cost and latency of each arm [a]: the prediction without a query."""

    quality: np.ndarray
    cost: np.ndarray
    latency: np.ndarray

    @classmethod
    def of(cls, outcomes: ArmOutcomes, weights: np.ndarray) -> Means:
        return cls(*(weighted_mean(c, weights) for c in (outcomes.quality, outcomes.cost, outcomes.latency)))


def weighted_mean(cells: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Average cells [q, a] over the queries with weights [q], missing cells left out: [a]; NaN if all are missing."""
    known = ~np.isnan(cells)
    total = (weights[:, None] * known).sum(0)
    sums = (weights[:, None] * np.where(known, cells, 0.0)).sum(0)
    found: np.ndarray = np.divide(sums, total, out=np.full(cells.shape[1], np.nan), where=total > 0)
    return found


def shrunken(
    cells: np.ndarray, groups: np.ndarray, prior: np.ndarray, strength: float
) -> tuple[np.ndarray, np.ndarray]:
    """Average each group, shrunk towards a prior that counts as ``strength`` queries.

    Args:
        cells: values [q, a], NaN where missing.
        groups: membership of each query in each group [q, k].
        prior: prediction without the query [a].

    Returns:
        The means [k, a], NaN without queries and prior, and the number of queries behind each [k, a].
    """
    known = ~np.isnan(cells)
    count = groups.T @ known
    sums = groups.T @ np.where(known, cells, 0.0)
    base = np.where(np.isnan(prior), 0.0, prior)
    weight = np.where(np.isnan(prior), 0.0, strength)
    total = count + weight
    means = np.divide(sums + weight * base, total, out=np.full(total.shape, np.nan), where=total > 0)
    return means, count


def proportion_error(mean: np.ndarray, count: np.ndarray) -> np.ndarray:
    """Compute the standard error of a proportion by Agresti and Coull (1998), which is never zero."""
    n = count + 4
    p = (np.nan_to_num(mean, nan=0.5) * count + 2) / n
    found: np.ndarray = np.sqrt(p * (1 - p) / n)
    return found


def one_arm(outcomes: ArmOutcomes) -> None:
    """Raise BadInput unless the table has exactly one arm with outcomes."""
    if len(outcomes.arms) != 1 or np.isnan(outcomes.quality).all():
        raise BadInput(f"one arm with outcomes is added at a time, not {', '.join(outcomes.arms) or 'none'}.")


def with_column(state: State, more: State, *names: str) -> State:
    """Append the arm of ``more`` to these arrays [..., a] of ``state``; one that ``state`` lacks stays out."""
    grown = {name: np.concatenate([state[name], more[name]], axis=-1) for name in names if name in state}
    return {**state, **grown}
