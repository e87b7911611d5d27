"""Regression on the embedding: logistic for each arm's quality, ridge for its cost and latency."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np

from tts.errors import BadInput
from tts.routing.clustering import missing_sklearn
from tts.routing.linear import cost_regressions, costs, features, frame_of
from tts.routing.outcomes import ArmOutcomes
from tts.routing.router import Prediction, State, one_arm, with_column


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LogisticRouter:
    """Quality by logistic regression, cost and latency by ridge regression of their logarithms.

    An arm's error follows from the Laplace approximation of its regression, with one curvature for all arms.

    Attributes:
        c: inverse strength of the L2 penalty; the penalty on standardised features is 1 / (2 c).
        ridge: penalty of the regressions of cost and latency.
        balance: every data set counts the same.
    """

    c: float = 0.01
    ridge: float = 10.0
    balance: bool = False
    state: State = field(default_factory=dict)

    kind: ClassVar[str] = "logistic"

    def __post_init__(self) -> None:
        if self.c <= 0 or self.ridge <= 0:
            raise BadInput(f"c and ridge are numbers above 0, not {self.c:g} and {self.ridge:g}.")

    def fit(self, vectors: np.ndarray, outcomes: ArmOutcomes) -> LogisticRouter:
        frame = frame_of(vectors)
        x, weights = features(frame, vectors), self._weights(outcomes)
        curvature = 0.25 * (x.T * weights) @ x + np.eye(x.shape[1]) / self.c
        return replace(self, state={**frame, **self._arms(x, outcomes), "covariance": np.linalg.inv(curvature)})

    def add(self, vectors: np.ndarray, outcomes: ArmOutcomes) -> LogisticRouter:
        one_arm(outcomes)
        more = self._arms(features(self.state, vectors), outcomes)
        return replace(self, state=with_column(self.state, more, *more))

    def predict(self, vectors: np.ndarray) -> Prediction:
        x = features(self.state, vectors)
        quality = 1 / (1 + np.exp(-x @ self.state["quality"]))
        spread = np.sqrt(((x @ self.state["covariance"]) * x).sum(1, keepdims=True))
        return Prediction.of(quality, quality * (1 - quality) * spread, *costs(x, self.state))

    def settings(self) -> Mapping[str, Any]:
        return {"c": self.c, "ridge": self.ridge, "balance": self.balance}

    def _weights(self, outcomes: ArmOutcomes) -> np.ndarray:
        return outcomes.balanced() if self.balance else np.ones(len(outcomes))

    def _arms(self, x: np.ndarray, outcomes: ArmOutcomes) -> State:
        """Fit one column of coefficients [d + 1, a] per arm; the last row is the intercept."""
        weights = self._weights(outcomes)
        quality = [logistic(x, column, weights, self.c) for column in outcomes.quality.T]
        return {"quality": np.stack(quality, axis=1), **cost_regressions(x, outcomes, weights, self.ridge)}


def logistic(x: np.ndarray, quality: np.ndarray, weights: np.ndarray, c: float) -> np.ndarray:
    """Fit the coefficients of one arm. A quality between 0 and 1 counts as that share of right answers."""
    known = ~np.isnan(quality)
    x, y, w = x[known], quality[known], weights[known]
    x, y, w = np.concatenate([x, x]), np.repeat([1, 0], len(x)), np.concatenate([w * y, w * (1 - y)])
    x, y, w = x[w > 0], y[w > 0], w[w > 0]
    found = np.zeros(x.shape[1])
    if len(np.unique(y)) < 2:  # always right, or always wrong: an intercept alone
        right = float(w[y == 1].sum())
        found[-1] = np.log((right + 0.5) / (float(w[y == 0].sum()) + 0.5))
        return found
    try:
        from sklearn.linear_model import LogisticRegression
    except ImportError as error:
        raise missing_sklearn() from error
    model = LogisticRegression(C=c, max_iter=200, tol=1e-3).fit(x[:, :-1].astype(np.float32), y, sample_weight=w)
    found[:-1], found[-1] = model.coef_[0], model.intercept_[0]
    return found
