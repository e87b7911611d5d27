"""What every router has in common: it is fitted on outcomes and predicts quality, cost and latency per arm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Protocol, Self

import numpy as np

from tts.errors import BadInput
from tts.routing.outcomes import ArmOutcomes

State = dict[str, np.ndarray]


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """What is expected of each arm on each query, all [q, a].

    Attributes:
        quality: chance of a right answer, 0 to 1.
        error: standard error of ``quality``.
        cost, latency: dollars and seconds; NaN where nothing is known of an arm.
        score: what arms are ranked by where quality alone counts; the quality, or the paper's rank fusion.
    """

    quality: np.ndarray
    error: np.ndarray
    cost: np.ndarray
    latency: np.ndarray
    score: np.ndarray

    @classmethod
    def of(cls, quality: np.ndarray, error: np.ndarray, cost: np.ndarray, latency: np.ndarray) -> Prediction:
        quality = np.clip(quality, 0.0, 1.0)
        return cls(quality, error, cost, latency, quality)

    @classmethod
    def joined(cls, parts: Sequence[Prediction]) -> Prediction:
        """The predictions of several batches of queries, one behind the other."""
        tables = [(part.quality, part.error, part.cost, part.latency, part.score) for part in parts]
        return cls(*(np.concatenate(column) for column in zip(*tables, strict=True)))

    def ranked_by(self, score: np.ndarray) -> Prediction:
        return replace(self, score=score)


class Router(Protocol):
    """Predicts from a query's embedding what each arm makes of it.

    A router is a dataclass of settings; what it learned is in ``state``, as arrays by name.

    Attributes:
        kind: its name in the registry and in a pool file.
    """

    kind: ClassVar[str]

    @property
    def state(self) -> State:
        """What was learned; empty before ``fit``."""
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
        """The settings as JSON types."""
        ...


@dataclass(frozen=True, slots=True)
class Means:
    """Mean quality, cost and latency of each arm [a]: what is expected before a query is looked at."""

    quality: np.ndarray
    cost: np.ndarray
    latency: np.ndarray

    @classmethod
    def of(cls, outcomes: ArmOutcomes, weights: np.ndarray) -> Means:
        return cls(*(weighted_mean(c, weights) for c in (outcomes.quality, outcomes.cost, outcomes.latency)))


def weighted_mean(cells: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Mean over the queries of cells [q, a] with weights [q], missing cells left out: [a], NaN for an empty column."""
    known = ~np.isnan(cells)
    total = (weights[:, None] * known).sum(0)
    sums = (weights[:, None] * np.where(known, cells, 0.0)).sum(0)
    found: np.ndarray = np.divide(sums, total, out=np.full(cells.shape[1], np.nan), where=total > 0)
    return found


def shrunken(
    cells: np.ndarray, groups: np.ndarray, prior: np.ndarray, strength: float
) -> tuple[np.ndarray, np.ndarray]:
    """Mean of each group, drawn towards a prior that counts as ``strength`` queries.

    Args:
        cells: values [q, a], NaN where missing.
        groups: how much each query belongs to each group [q, k].
        prior: what is expected without looking [a].

    Returns:
        The means [k, a], NaN where neither queries nor prior say anything, and how many queries each rests on [k, a].
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
    """Standard error of a proportion, Agresti and Coull's (1998): never zero, however sure the sample looks."""
    n = count + 4
    p = (np.nan_to_num(mean, nan=0.5) * count + 2) / n
    found: np.ndarray = np.sqrt(p * (1 - p) / n)
    return found


def one_arm(outcomes: ArmOutcomes) -> None:
    """Raise BadInput unless the table has exactly one arm with outcomes."""
    if len(outcomes.arms) != 1 or np.isnan(outcomes.quality).all():
        raise BadInput(f"one arm with outcomes is added at a time, not {', '.join(outcomes.arms) or 'none'}.")


def with_column(state: State, more: State, *names: str) -> State:
    """The state with the arm of ``more`` behind those of ``state``, in these arrays [..., a]."""
    return {**state, **{name: np.concatenate([state[name], more[name]], axis=-1) for name in names}}
