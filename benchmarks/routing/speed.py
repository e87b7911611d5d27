"""Claim 6: time of routing per query without the embedding: 100 clusters, 50 arms, 384 dimensions, one thread.

Times are those of this process on its CPU, so that they do not depend on what else the machine does.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from tts.routing.choice import Objective, ordered, worth
from tts.routing.clusters import ClusterRouter
from tts.routing.mean_router import MeanRouter
from tts.routing.neighbours import NeighbourRouter
from tts.routing.outcomes import ArmOutcomes
from tts.routing.regression import LogisticRouter
from tts.routing.router import Router

QUERIES, ARMS, WIDTH = 5000, 50, 384
ROUNDS = 300


@dataclass(frozen=True, slots=True)
class Speed:
    """CPU milliseconds per query, one at a time: median and 95th percentile."""

    router: str
    median: float
    slow: float


def measure() -> list[Speed]:
    """Time prediction, objective and ordering, as in ``Pool.route`` after the embedding."""
    random = np.random.default_rng(0)
    cells = random.random((3, QUERIES, ARMS))
    names = tuple(f"arm {k}" for k in range(ARMS))
    table = ArmOutcomes(
        tuple(map(str, range(QUERIES))), names, ("",) * QUERIES, (cells[0] > 0.5).astype(float), cells[1], cells[2]
    )
    vectors = random.normal(size=(QUERIES, WIDTH)).astype(np.float32)
    routers: tuple[Router, ...] = (ClusterRouter(k=100), NeighbourRouter(), LogisticRouter(), MeanRouter())
    return [_timed(router.fit(vectors, table), names, vectors) for router in routers]


def _timed(router: Router, names: tuple[str, ...], vectors: np.ndarray) -> Speed:
    taken, objective = [], Objective(cost=0.3)
    for k in range(ROUNDS):
        begun = time.process_time()
        found = router.predict(vectors[k : k + 1])
        ordered(names, found, worth(found, objective, {"cost": 1.0}))
        taken.append(1000 * (time.process_time() - begun))
    return Speed(router.kind, float(np.median(taken)), float(np.quantile(taken, 0.95)))
