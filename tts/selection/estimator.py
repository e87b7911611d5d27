"""Logistic regressions over named features, as profiles and scopes hold them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Estimator:
    """A logistic regression over named features of the samples (:mod:`tts.selection.features`).

    The estimate is ``1 / (1 + exp(-(bias + sum of weight * feature)))``.
    """

    bias: float
    weights: Mapping[str, float]

    def __call__(self, features: Mapping[str, float]) -> float:
        """Compute the estimate, in 0..1. Raises KeyError for a missing feature."""
        total = self.bias + sum(weight * features[name] for name, weight in self.weights.items())
        return 1 / (1 + math.exp(-max(-50.0, min(50.0, total))))
