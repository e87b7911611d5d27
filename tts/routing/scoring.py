"""Scoring, the third step of the Avengers: the quality of each arm in each cluster, as a shrunk mean with its error."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tts.routing.outcomes import ArmOutcomes
from tts.routing.router import Means, proportion_error, shrunken


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """Mean quality, its standard error, mean cost and latency per cluster and arm, all [k, a]."""

    quality: np.ndarray
    error: np.ndarray
    cost: np.ndarray
    latency: np.ndarray


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
    cost, _ = shrunken(outcomes.cost, share, means.cost, max(strength, 1.0))
    latency, _ = shrunken(outcomes.latency, share, means.latency, max(strength, 1.0))
    return Scores(quality, proportion_error(quality, count + strength), cost, latency)


def ranks(quality: np.ndarray) -> np.ndarray:
    """Rank the arms in each cluster [k, a]: 1 is the best, equal ones share the better rank."""
    found: np.ndarray = (quality[:, None, :] > quality[:, :, None]).sum(2) + 1.0
    return found
