"""Linear regression of costs on embeddings, shared by several routers."""

from __future__ import annotations

import numpy as np

from tts.routing.embedding import normalized
from tts.routing.outcomes import ArmOutcomes
from tts.routing.router import State, weighted_mean

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
    """Fit ridge regressions of the logarithms of cost and latency.

    Returns coefficients [d + 1, a], and as ``cost_spread`` and ``latency_spread`` the standard deviations of the
    residuals [1, a].
    """
    found: State = {}
    for name, cells in (("cost", outcomes.cost), ("latency", outcomes.latency)):
        logs = np.log(np.maximum(cells, _TINY))
        found[name] = np.stack([_ridge(x, column, weights, penalty) for column in logs.T], axis=1)
        residuals = logs - x @ found[name]
        found[f"{name}_spread"] = np.sqrt(weighted_mean(residuals**2, weights))[None, :]
    return found


COSTS = ("cost", "latency", "cost_spread", "latency_spread")
"""The arrays of :func:`cost_regressions`."""


def costs(x: np.ndarray, state: State) -> tuple[np.ndarray, ...]:
    """Predict cost and latency [q, a], and their spreads; NaN for an arm without data."""
    found = tuple(np.exp(x @ state[name]) for name in ("cost", "latency"))
    unknown = np.full((1, found[0].shape[1]), np.nan)  # a pool of an earlier version has no spread
    spreads = (state.get(f"{name}_spread", unknown) for name in ("cost", "latency"))
    return (*found, *(np.broadcast_to(spread, found[0].shape) for spread in spreads))


def _ridge(x: np.ndarray, values: np.ndarray, weights: np.ndarray, penalty: float) -> np.ndarray:
    """Fit the coefficients of one arm; NaN without data. The intercept is not penalised."""
    known = ~np.isnan(values)
    if not known.any():
        return np.full(x.shape[1], np.nan)
    x, y, w = x[known], values[known], weights[known]
    shrink = np.diag([penalty] * (x.shape[1] - 1) + [1e-9])
    found: np.ndarray = np.linalg.solve((x.T * w) @ x + shrink, (x.T * w) @ y)
    return found
