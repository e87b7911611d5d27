"""Scoring, the third step of the Avengers: the quality of each arm in each cluster, as a shrunk mean with its error."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tts.routing.outcomes import ArmOutcomes
from tts.routing.router import Means, proportion_error, shrunken, weighted_mean
from tts.routing.spread import spread_of


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """Mean quality, its standard error, mean cost and latency, and their spread, per cluster and arm, all [k, a]."""

    quality: np.ndarray
    error: np.ndarray
    cost: np.ndarray
    latency: np.ndarray
    cost_spread: np.ndarray
    latency_spread: np.ndarray


def scored(outcomes: ArmOutcomes, members: np.ndarray, weights: np.ndarray, strength: float) -> Scores:
    """Score every arm in every cluster.

    Args:
        outcomes: outcomes on the clustered queries, or on others.
        members: membership of each query in each cluster [q, k].
        weights: weight of each query [q]; smaller for large data sets that should not dominate.
        strength: weight of the arm's overall mean in a cluster, in queries.
    """
    means, share = Means.of(outcomes, weights), members * weights[:, None]
    quality, count = shrunken(outcomes.quality, share, means.quality, strength)
    cost, cost_spread = _cost(outcomes.cost, share, weights, max(strength, 1.0))
    latency, latency_spread = _cost(outcomes.latency, share, weights, max(strength, 1.0))
    return Scores(quality, proportion_error(quality, count + strength), cost, latency, cost_spread, latency_spread)


def _cost(cells: np.ndarray, share: np.ndarray, weights: np.ndarray, strength: float) -> tuple[np.ndarray, np.ndarray]:
    """Compute the shrunken mean and the spread of a cost in every cluster [k, a]."""
    mean, _ = shrunken(cells, share, weighted_mean(cells, weights), strength)
    square, _ = shrunken(cells**2, share, weighted_mean(cells**2, weights), strength)
    return mean, spread_of(mean, square)


def ranks(quality: np.ndarray) -> np.ndarray:
    """Rank the arms in each cluster [k, a]: 1 is the best, equal ones share the better rank."""
    found: np.ndarray = (quality[:, None, :] > quality[:, :, None]).sum(2) + 1.0
    return found
