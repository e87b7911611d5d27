"""Logistic regression with a ridge penalty, and isotonic regression."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

STEPS = 100
"""Limit of Newton steps; a handful is enough."""

NEAR = 1e-10
"""Convergence: a step that changes no coefficient by more than this is the last."""


def logistic(x: Floats, y: Floats, weights: Floats, ridge: float) -> tuple[float, Floats]:
    """Fit bias and coefficients [F] of ``1 / (1 + exp(-(bias + x @ coefficients)))`` by maximum likelihood.

    Newton's method (iteratively reweighted least squares); each step is halved until the loss falls. The penalty is
    ``ridge / 2`` times the squared coefficients of the standardised features. The bias has a hundredth of it, so that
    data that are all right or all wrong have a finite optimum. A constant feature gets 0.

    Args:
        x: features [N, F].
        y: right (1) or wrong (0), or a share [N].
        weights: weight of each row [N].
        ridge: penalty, in rows' worth of evidence.
    """
    total = weights.sum()
    centre = weights @ x / total
    scale = np.sqrt(weights @ (x - centre) ** 2 / total)
    varied = scale > 1e-9 * np.maximum(1.0, np.abs(centre))
    scale = np.where(varied, scale, 1.0)
    columns = np.concatenate([np.ones((len(x), 1)), np.where(varied, (x - centre) / scale, 0.0)], axis=1)
    penalty = ridge * np.array([0.01, *np.ones(x.shape[1])])

    def loss(beta: Floats) -> float:
        z = columns @ beta
        return float(weights @ (np.logaddexp(0, z) - y * z) + penalty @ beta**2 / 2)

    beta = np.zeros(columns.shape[1])
    now = loss(beta)
    for _ in range(STEPS):
        p = sigmoid(columns @ beta)
        slope = columns.T @ (weights * (p - y)) + penalty * beta
        curvature = (columns * (weights * p * (1 - p))[:, None]).T @ columns + np.diag(penalty + 1e-12)
        step = np.linalg.solve(curvature, slope)
        while (after := loss(beta - step)) > now + 1e-12 * abs(now) and np.abs(step).max() > NEAR:
            step = step / 2
        beta, now = beta - step, after
        if np.abs(step).max() < NEAR:
            break
    coefficients: Floats = np.where(varied, beta[1:] / scale, 0.0)
    return float(beta[0] - coefficients @ centre), coefficients


def rising(values: Floats, weights: Floats) -> Floats:
    """Return the non-decreasing sequence closest to ``values`` [K] in weighted squares (isotonic regression, PAVA)."""
    blocks: list[tuple[float, float, int]] = []
    for value, weight in zip(values.tolist(), weights.tolist(), strict=True):
        mean, mass, count = value, weight, 1
        while blocks and blocks[-1][0] >= mean:
            before, more, members = blocks.pop()
            together = mass + more
            mean = (mean * mass + before * more) / together if together else (mean + before) / 2
            mass, count = together, count + members
        blocks.append((mean, mass, count))
    return np.repeat([mean for mean, _, _ in blocks], [count for _, _, count in blocks])


def sigmoid(z: Floats) -> Floats:
    found: Floats = 1 / (1 + np.exp(-np.clip(z, -50.0, 50.0)))
    return found


def logit(p: Floats, most: float = 6.0) -> Floats:
    """Compute the log odds of probabilities, clipped to ``most`` in absolute value."""
    safe = np.clip(p, 1e-9, 1 - 1e-9)
    found: Floats = np.clip(np.log(safe / (1 - safe)), -most, most)
    return found
