"""Choice, the fourth step of the Avengers: orders the arms by an objective of predicted quality, cost and latency."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np

from tts.errors import BadInput, UnknownName
from tts.routing.router import Prediction
from tts.routing.spread import interval

_PARTS = ("quality", "cost", "latency", "caution")
Z = 1.96  # standard errors on each side of a 95 % interval


@dataclass(frozen=True, slots=True)
class Objective:
    """Weights: ``quality x expected quality - cost x relative cost - latency x relative latency``.

    Cost and latency are relative to the mean of the most expensive and of the slowest arm over the fitted problems. So
    ``{"quality": 1, "cost": 0.3}`` gives up at most 30 points of accuracy to replace the most expensive arm by a free
    one.

    ``caution`` is no weight: an arm is chosen over the one that is best over all problems only if its expected gain is
    larger than so many of its standard errors, see :mod:`tts.routing.caution`.
    """

    quality: float = 1.0
    cost: float = 0.0
    latency: float = 0.0
    caution: float = 0.0

    def __post_init__(self) -> None:
        values = (self.quality, self.cost, self.latency)
        if not all(math.isfinite(value) and value >= 0 for value in (*values, self.caution)) or not any(values):
            raise BadInput("the parts of an objective are numbers, 0 or more, and one of its weights is above 0.")

    @classmethod
    def of(cls, weights: Objective | Mapping[str, float] | None) -> Objective:
        """Parse ``{"quality": 1, "cost": 0.3}``; missing parts are 0, that of quality 1."""
        if isinstance(weights, Objective):
            return weights
        for name in weights or {}:
            if name not in _PARTS:
                raise UnknownName("part of an objective", name, _PARTS)
        return cls(**(weights or {}))

    @classmethod
    def parse(cls, text: str | None) -> Objective:
        """Parse ``quality=1,cost=0.3``. Raises BadInput."""
        try:
            pairs = [part.split("=") for part in (text or "").split(",") if part.strip()]
            weights = {name.strip(): float(value) for name, value in pairs}
        except ValueError as error:
            raise BadInput(f"the objective {text!r} is not written as quality=1,cost=0.3.") from error
        return cls.of(weights)

    def total(
        self, quality: np.ndarray, cost: np.ndarray, latency: np.ndarray, scale: Mapping[str, float]
    ) -> np.ndarray:
        """Compute the value of these qualities, costs and latencies. ``scale`` is as in :func:`worth`."""
        total = self.quality * quality
        for name, weight, cells in (("cost", self.cost, cost), ("latency", self.latency, latency)):
            if weight:
                total = total - weight * cells / (scale.get(name) or 1.0)
        return total


@dataclass(frozen=True, slots=True)
class Expected:
    """The prediction for one arm on one query.

    Attributes:
        arm: name of the arm.
        quality: probability of a right answer; ``low`` and ``high`` are its 95 % interval.
        cost, latency: None if unknown.
        worth: value of the objective.
        cost_low, cost_high, latency_low, latency_high: 95 % intervals of this query's cost and latency; None if
            unknown.
        within: chance to stay within the budget.
    """

    arm: str
    quality: float
    low: float
    high: float
    cost: float | None
    latency: float | None
    worth: float
    cost_low: float | None = None
    cost_high: float | None = None
    latency_low: float | None = None
    latency_high: float | None = None
    within: float = 1.0

    def row(self) -> dict[str, float | str | None]:
        return asdict(self)


def worth(found: Prediction, objective: Objective, scale: Mapping[str, float]) -> np.ndarray:
    """Compute the objective of each arm on each query [q, a].

    Args:
        found: the predictions.
        objective: the weights.
        scale: mean ``cost`` of the most expensive arm and mean ``latency`` of the slowest.

    Raises:
        BadInput: the objective weighs cost or latency, and it is unknown for some arm.
    """
    if not (objective.cost or objective.latency or objective.caution):
        return found.score
    for name, weight, cells in (("cost", objective.cost, found.cost), ("latency", objective.latency, found.latency)):
        if weight and np.isnan(cells).any():
            what = "prices (--price ARM=INPUT,OUTPUT) or costs" if name == "cost" else "seconds"
            raise BadInput(
                f"the objective weighs {name}, and the pool does not know it of every arm: fit it with {what}."
            )
    return objective.total(found.quality, found.cost, found.latency, scale)


def ordered(arms: tuple[str, ...], found: Prediction, value: np.ndarray, query: int = 0) -> list[Expected]:
    """Sort the arms for one query, best first; ties go to the cheaper one, then to the pool's order."""
    cost = np.nan_to_num(found.cost[query], nan=np.inf)
    order = sorted(range(len(arms)), key=lambda a: (-value[query, a], cost[a], a))
    return [_expected(arms[a], found, value, query, a) for a in order]


def _expected(name: str, found: Prediction, value: np.ndarray, query: int, a: int) -> Expected:
    quality, half = float(found.quality[query, a]), Z * float(found.error[query, a])
    cost, latency = (_known(cells[query, a]) for cells in (found.cost, found.latency))
    return Expected(
        name, quality, max(0.0, quality - half), min(1.0, quality + half), cost, latency, float(value[query, a]),
        *interval(cost, float(found.cost_spread[query, a]), Z),
        *interval(latency, float(found.latency_spread[query, a]), Z),
    )  # fmt: skip


def _known(value: float) -> float | None:
    return None if math.isnan(value) else float(value)
