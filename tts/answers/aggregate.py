"""Aggregation of step scores into one score of a solution."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from tts.errors import BadInput, UnknownName

AGGREGATES: dict[str, Callable[[Sequence[float]], float]] = {
    "last": lambda scores: scores[-1],
    "min": min,
    "prod": math.prod,
    "mean": lambda scores: math.fsum(scores) / len(scores),
}
"""``last`` is the default of arXiv 2408.03314 and 2502.06703; ``min`` and ``prod`` follow arXiv 2305.20050."""

LOGISTIC = "logistic"
BIAS = "bias"


@dataclass(frozen=True, slots=True)
class Logistic:
    """A fitted aggregation: the probability that a solution is right, by logistic regression on its aggregates.

    A vote weighted by such probabilities is the weighted vote of arXiv 2510.13918, whose weights are calibrated for the
    pair of policy and reward model. Its name holds the coefficients, such as ``logistic:bias=-2.1:last=1.7:prod=2.4``,
    so a plan, a trace or a profile that names it is complete.

    Attributes:
        bias: log odds of a solution all of whose aggregates are 0.
        weights: by name of :data:`AGGREGATES`.
    """

    bias: float
    weights: Mapping[str, float]

    def __call__(self, scores: Sequence[float]) -> float:
        odds = self.log_odds({name: AGGREGATES[name](scores) for name in self.weights})
        return float(1 / (1 + math.exp(-max(-50.0, min(50.0, odds)))))

    def log_odds(self, aggregates: Mapping[str, Any]) -> Any:
        """Return the log odds for aggregates by name; these may be arrays of one shape."""
        return self.bias + sum(weight * aggregates[name] for name, weight in self.weights.items())

    def __str__(self) -> str:
        """Return its name."""
        pairs = {BIAS: self.bias, **self.weights}
        return ":".join([LOGISTIC, *(f"{name}={value:.4g}" for name, value in pairs.items())])


def aggregate(scores: Sequence[float], how: str) -> float:
    """Aggregate the step scores of a solution (each 0..1, in order).

    Raises:
        UnknownName: ``how`` is neither one of :data:`AGGREGATES` nor the name of a :class:`Logistic`.
        BadInput: the list is empty; an unscored solution has score None, not a number.
    """
    reduce = AGGREGATES.get(how) or logistic(how)
    if not scores:
        raise BadInput("no step scores to aggregate: leave the score of an unscored solution at None.")
    return float(reduce(scores))


@lru_cache(maxsize=64)
def logistic(name: str) -> Logistic:
    """Read the name of a fitted aggregation. Raises UnknownName or BadInput."""
    kind, *pairs = name.split(":")
    if kind != LOGISTIC:
        raise UnknownName("aggregation", name, (*AGGREGATES, f"{LOGISTIC}:..."))
    found: dict[str, float] = {}
    for pair in pairs:
        key, _, value = pair.partition("=")
        if key not in (BIAS, *AGGREGATES):
            raise UnknownName("aggregation", key, (BIAS, *AGGREGATES))
        try:
            found[key] = float(value)
        except ValueError:
            raise BadInput(f"{name}: {key} must be a number, not {value!r}.") from None
        if not math.isfinite(found[key]):
            raise BadInput(f"{name}: {key} must be finite, not {value}.")
    if not found.keys() - {BIAS}:
        raise BadInput(f"{name} weighs no aggregate: write such as {LOGISTIC}:{BIAS}=-2.1:last=1.7:prod=2.4.")
    return Logistic(found.pop(BIAS, 0.0), found)


def check_aggregation(name: str) -> None:
    """Raise UnknownName or BadInput if there is no aggregation of that name."""
    if name not in AGGREGATES:
        logistic(name)


def is_aggregation(name: str) -> bool:
    """Return whether there is an aggregation of that name."""
    try:
        check_aggregation(name)
    except BadInput:
        return False
    return True


def short(name: str) -> str:
    """Return the name of an aggregation without coefficients, for tables and figures."""
    return name.partition(":")[0]
