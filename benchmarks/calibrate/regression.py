"""Logistic regression with a ridge, and rates that may only rise: the two fits that a profile is made of."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

STEPS = 100
"""Newton steps at most; a handful is enough."""

NEAR = 1e-10
"""A step that moves no coefficient further than this is the last."""


def logistic(x: Floats, y: Floats, weights: Floats, ridge: float) -> tuple[float, Floats]:
    """The bias and the coefficients [F] that make ``1 / (1 + exp(-(bias + x @ coefficients)))`` most likely.

    Newton's method (iteratively reweighted least squares), each step halved until it leads down. The penalty is
    ``ridge / 2`` times the squares of the coefficients of the standardised features; the bias pays a hundredth of it,
    so that data which are all right or all wrong have an end as well. A feature that is the same everywhere gets 0.

    Args:
        x: features [N, F].
        y: right (1) or wrong (0), or a share [N].
        weights: how much each row counts [N].
        ridge: against coefficients that follow chance; in rows' worth of evidence.
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
    """The rising sequence nearest to ``values`` [K] by weighted squares: neighbours that fall are pooled (PAVA)."""
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
    """The log odds of chances, no further from 0 than ``most``."""
    safe = np.clip(p, 1e-9, 1 - 1e-9)
    found: Floats = np.clip(np.log(safe / (1 - safe)), -most, most)
    return found
