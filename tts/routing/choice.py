"""Routing, the fourth step of the Avengers: from what is expected of each arm to an order of arms, by an objective."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np

from tts.errors import BadInput, UnknownName
from tts.routing.router import Prediction

Z = 1.96  # standard errors on each side of a 95 % interval


@dataclass(frozen=True, slots=True)
class Objective:
    """What a choice is worth: ``quality x expected quality - cost x relative cost - latency x relative latency``.

    Cost and latency are relative to the dearest and the slowest arm's mean over the fitted problems, so that
    ``{"quality": 1, "cost": 0.3}`` gives up at most 30 points of accuracy to go from the dearest arm to a free one.
    """

    quality: float = 1.0
    cost: float = 0.0
    latency: float = 0.0

    def __post_init__(self) -> None:
        values = (self.quality, self.cost, self.latency)
        if not all(math.isfinite(value) and value >= 0 for value in values) or not any(values):
            raise BadInput("the weights of an objective are numbers, 0 or more, and one of them is above 0.")

    @classmethod
    def of(cls, weights: Objective | Mapping[str, float] | None) -> Objective:
        """Read ``{"quality": 1, "cost": 0.3}``; a weight left out is 0, but for quality's, which is 1."""
        if isinstance(weights, Objective):
            return weights
        for name in weights or {}:
            if name not in ("quality", "cost", "latency"):
                raise UnknownName("part of an objective", name, ("quality", "cost", "latency"))
        return cls(**(weights or {}))

    @classmethod
    def parse(cls, text: str | None) -> Objective:
        """Read ``quality=1,cost=0.3``. Raises BadInput."""
        try:
            pairs = [part.split("=") for part in (text or "").split(",") if part.strip()]
            weights = {name.strip(): float(value) for name, value in pairs}
        except ValueError as error:
            raise BadInput(f"the objective {text!r} is not written as quality=1,cost=0.3.") from error
        return cls.of(weights)


@dataclass(frozen=True, slots=True)
class Expected:
    """What is expected of one arm on one query.

    Attributes:
        arm: its name.
        quality: chance of a right answer, ``low`` and ``high`` its 95 % interval.
        cost, latency: None where unknown.
        worth: by the objective.
    """

    arm: str
    quality: float
    low: float
    high: float
    cost: float | None
    latency: float | None
    worth: float

    def row(self) -> dict[str, float | str | None]:
        return asdict(self)


def worth(found: Prediction, objective: Objective, scale: Mapping[str, float]) -> np.ndarray:
    """What each arm is worth on each query [q, a].

    Args:
        found: the predictions.
        objective: the weights.
        scale: the dearest arm's mean ``cost`` and the slowest one's mean ``latency``.

    Raises:
        BadInput: the objective weighs a cost or a latency that no outcome told of some arm.
    """
    if not (objective.cost or objective.latency):
        return found.score
    total = objective.quality * found.quality
    for name, weight, cells in (("cost", objective.cost, found.cost), ("latency", objective.latency, found.latency)):
        if weight and np.isnan(cells).any():
            what = "prices (--price ARM=INPUT,OUTPUT) or costs" if name == "cost" else "seconds"
            raise BadInput(
                f"the objective weighs {name}, and the pool does not know it of every arm: fit it with {what}."
            )
        if weight:
            total = total - weight * cells / (scale.get(name) or 1.0)
    return total


def ordered(arms: tuple[str, ...], found: Prediction, value: np.ndarray, query: int = 0) -> list[Expected]:
    """The arms for one query, the best first; of equal ones the cheaper, then the one that the pool names first."""
    cost = np.nan_to_num(found.cost[query], nan=np.inf)
    order = sorted(range(len(arms)), key=lambda a: (-value[query, a], cost[a], a))
    return [_expected(arms[a], found, value, query, a) for a in order]


def _expected(name: str, found: Prediction, value: np.ndarray, query: int, a: int) -> Expected:
    quality, half = float(found.quality[query, a]), Z * float(found.error[query, a])
    cost, latency = (float(cells[query, a]) for cells in (found.cost, found.latency))
    return Expected(
        name, quality, max(0.0, quality - half), min(1.0, quality + half),
        None if math.isnan(cost) else cost, None if math.isnan(latency) else latency, float(value[query, a]),
    )  # fmt: skip
