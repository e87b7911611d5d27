"""Spread of a query's cost or latency: the standard deviation of its logarithm, from the first two moments.

Costs are positive and vary by factors, so an interval is ``cost * exp(+-Z * spread)``. The spread is that of a
log-normal distribution with these moments; it is about one query, not about a mean of many.
"""

from __future__ import annotations

import numpy as np


def spread_of(mean: np.ndarray, square: np.ndarray) -> np.ndarray:
    """Compute the spread of a quantity from its mean and the mean of its square; NaN where either is unknown."""
    ratio = np.divide(square, mean**2, out=np.full(np.shape(mean), np.nan), where=np.asarray(mean) > 0)
    found: np.ndarray = np.sqrt(np.log(np.maximum(ratio, 1.0)))
    return np.where((np.asarray(mean) == 0) & (np.asarray(square) == 0), 0.0, found)


def square_of(mean: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """Compute the mean of the square from the mean and the spread."""
    found: np.ndarray = mean**2 * np.exp(spread**2)
    return found


def interval(value: float | None, spread: float, z: float) -> tuple[float | None, float | None]:
    """Return the bounds of a cost: ``z`` standard deviations of its logarithm away; None if unknown."""
    if value is None or np.isnan(spread):
        return None, None
    return float(value * np.exp(-z * spread)), float(value * np.exp(z * spread))
