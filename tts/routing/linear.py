"""Linear regression of costs on embeddings, which several routers share."""

from __future__ import annotations

import numpy as np

from tts.routing.embedding import normalized
from tts.routing.outcomes import ArmOutcomes
from tts.routing.router import State

_TINY = 1e-9  # dollars or seconds: keeps a logarithm finite


def frame_of(vectors: np.ndarray) -> State:
    """Centre and scale of the unit embeddings [q, d]; one scale for all directions keeps the geometry of cosines."""
    unit = normalized(vectors)
    scale = float(np.sqrt(unit.var(0).mean())) or 1.0
    return {"centre": unit.mean(0), "scale": np.array([scale])}


def features(frame: State, vectors: np.ndarray) -> np.ndarray:
    """Centred and scaled unit embeddings with a column of ones [q, d + 1]."""
    return np.column_stack([(normalized(vectors) - frame["centre"]) / frame["scale"], np.ones(len(vectors))])


def cost_regressions(x: np.ndarray, outcomes: ArmOutcomes, weights: np.ndarray, penalty: float) -> State:
    """Ridge regressions of the logarithms of cost and latency: coefficients [d + 1, a]."""
    tables = {"cost": outcomes.cost, "latency": outcomes.latency}
    return {
        name: np.stack([_ridge(x, np.log(np.maximum(column, _TINY)), weights, penalty) for column in cells.T], axis=1)
        for name, cells in tables.items()
    }


def costs(x: np.ndarray, state: State) -> tuple[np.ndarray, np.ndarray]:
    """Cost and latency [q, a] by the regressions; NaN for an arm of which none is known."""
    return np.exp(x @ state["cost"]), np.exp(x @ state["latency"])


def _ridge(x: np.ndarray, values: np.ndarray, weights: np.ndarray, penalty: float) -> np.ndarray:
    """Coefficients of one arm; NaN where no value is known. The intercept is not penalised."""
    known = ~np.isnan(values)
    if not known.any():
        return np.full(x.shape[1], np.nan)
    x, y, w = x[known], values[known], weights[known]
    shrink = np.diag([penalty] * (x.shape[1] - 1) + [1e-9])
    found: np.ndarray = np.linalg.solve((x.T * w) @ x + shrink, (x.T * w) @ y)
    return found
