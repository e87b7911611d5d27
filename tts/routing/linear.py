"""Linear regression of costs on embeddings, shared by several routers."""

from __future__ import annotations

import numpy as np

from tts.routing.embedding import normalized
from tts.routing.outcomes import ArmOutcomes
from tts.routing.router import State

_TINY = 1e-9  # dollars or seconds: keeps logarithms finite


def frame_of(vectors: np.ndarray) -> State:
    """Compute centre and scale of unit embeddings [q, d]; one scale for all directions preserves cosines."""
    unit = normalized(vectors)
    scale = float(np.sqrt(unit.var(0).mean())) or 1.0
    return {"centre": unit.mean(0), "scale": np.array([scale])}


def features(frame: State, vectors: np.ndarray) -> np.ndarray:
    """Centre and scale unit embeddings and add a column of ones [q, d + 1]."""
    return np.column_stack([(normalized(vectors) - frame["centre"]) / frame["scale"], np.ones(len(vectors))])


def cost_regressions(x: np.ndarray, outcomes: ArmOutcomes, weights: np.ndarray, penalty: float) -> State:
    """Fit ridge regressions of the logarithms of cost and latency: coefficients [d + 1, a]."""
    tables = {"cost": outcomes.cost, "latency": outcomes.latency}
    return {
        name: np.stack([_ridge(x, np.log(np.maximum(column, _TINY)), weights, penalty) for column in cells.T], axis=1)
        for name, cells in tables.items()
    }


def costs(x: np.ndarray, state: State) -> tuple[np.ndarray, np.ndarray]:
    """Predict cost and latency [q, a]; NaN for an arm without data."""
    return np.exp(x @ state["cost"]), np.exp(x @ state["latency"])


def _ridge(x: np.ndarray, values: np.ndarray, weights: np.ndarray, penalty: float) -> np.ndarray:
    """Fit the coefficients of one arm; NaN without data. The intercept is not penalised."""
    known = ~np.isnan(values)
    if not known.any():
        return np.full(x.shape[1], np.nan)
    x, y, w = x[known], values[known], weights[known]
    shrink = np.diag([penalty] * (x.shape[1] - 1) + [1e-9])
    found: np.ndarray = np.linalg.solve((x.T * w) @ x + shrink, (x.T * w) @ y)
    return found
