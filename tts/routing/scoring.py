"""Scoring, the third step of the Avengers: how good each arm is in each cluster, as a shrunken mean with its error."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tts.routing.outcomes import ArmOutcomes
from tts.routing.router import Means, proportion_error, shrunken


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """Per cluster and arm, all [k, a]: mean quality, its standard error, mean cost and latency."""

    quality: np.ndarray
    error: np.ndarray
    cost: np.ndarray
    latency: np.ndarray


def scored(outcomes: ArmOutcomes, members: np.ndarray, weights: np.ndarray, strength: float) -> Scores:
    """Score every arm in every cluster.

    Args:
        outcomes: of the queries that the clusters were found on, or of others.
        members: how much each query belongs to each cluster [q, k].
        weights: of each query [q]; those of a data set that is not to dominate are smaller.
        strength: how many queries the arm's overall mean counts for in a cluster.
    """
    means, share = Means.of(outcomes, weights), members * weights[:, None]
    quality, count = shrunken(outcomes.quality, share, means.quality, strength)
    cost, _ = shrunken(outcomes.cost, share, means.cost, max(strength, 1.0))
    latency, _ = shrunken(outcomes.latency, share, means.latency, max(strength, 1.0))
    return Scores(quality, proportion_error(quality, count + strength), cost, latency)


def ranks(quality: np.ndarray) -> np.ndarray:
    """The rank of each arm in each cluster [k, a], the best is 1, equal ones share the better rank."""
    found: np.ndarray = (quality[:, None, :] > quality[:, :, None]).sum(2) + 1.0
    return found
