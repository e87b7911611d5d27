"""Claim 2: accuracy over dollars on RouterBench's tables, as a curve and the area under its hull (AIQ)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.routing.recorded import Split
from tts.routing.clusters import ClusterRouter
from tts.routing.neighbours import NeighbourRouter
from tts.routing.regression import LogisticRouter
from tts.routing.router import Router

ROUTERS: dict[str, Router] = {
    "k-means clusters": ClusterRouter(),
    "k nearest neighbours": NeighbourRouter(),
    "logistic regression, ridge cost": LogisticRouter(),
}
"""Routers with default settings: none is chosen on these outcomes."""

PRICES = np.concatenate([[0.0], np.logspace(-1, 5, 61)])  # accuracy per dollar
SHARE = 0.95
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Curve:
    """Accuracy over cost of one method.

    Attributes:
        name: of the router.
        points: dollars per thousand queries and accuracy, of each price of a dollar.
        area: mean accuracy under the hull between the cheapest and the dearest single model's cost.
        low, high: 95 % interval of the area by a bootstrap over queries.
        dollars: per thousand queries, for 95 % of the dearest model's accuracy; infinite where it is not reached.
    """

    name: str
    points: tuple[Point, ...]
    area: float
    low: float
    high: float
    dollars: float


def measure(split: Split, vectors: Sequence[np.ndarray], draws: int = 300) -> list[Curve]:
    """Measure the curves of the single models (random mixing between them), of every router, and of the oracle.

    Test queries on which a model has no outcome are left out.
    """
    complete = ~np.isnan(split.test.quality).any(1)
    table, queries = split.test.rows(complete), vectors[1][complete]
    cost = 1000 * table.cost
    singles = [np.full(len(table), a) for a in range(len(table.arms))]
    chosen = {"single models and mixing": singles}
    for name, router in ROUTERS.items():
        found = router.fit(vectors[0], split.train).predict(queries)
        chosen[name] = [(found.quality - price * found.cost).argmax(1) for price in PRICES]
    chosen["oracle"] = [(table.quality - price * table.cost).argmax(1) for price in (1e-9, *PRICES[1:])]
    return [_curve(name, choices, table.quality, cost, draws) for name, choices in chosen.items()]


def _curve(name: str, choices: Sequence[np.ndarray], quality: np.ndarray, cost: np.ndarray, draws: int) -> Curve:
    rows = np.arange(len(quality))
    dollars = np.stack([cost[rows, c] for c in choices])
    right = np.stack([quality[rows, c] for c in choices])
    random = np.random.default_rng(0)
    areas = [_area(dollars, right, quality, cost, random.integers(0, len(rows), len(rows))) for _ in range(draws)]
    low, high = np.quantile(areas, [0.025, 0.975])
    points = list(zip(dollars.mean(1).tolist(), right.mean(1).tolist(), strict=True))
    dearest = int(cost.mean(0).argmax())
    reached = cost_of(hull(points), SHARE * float(quality[:, dearest].mean()))
    return Curve(name, tuple(points), _area(dollars, right, quality, cost, rows), float(low), float(high), reached)


def _area(dollars: np.ndarray, right: np.ndarray, quality: np.ndarray, cost: np.ndarray, rows: np.ndarray) -> float:
    ends = cost[rows].mean(0)
    points = zip(dollars[:, rows].mean(1).tolist(), right[:, rows].mean(1).tolist(), strict=True)
    return area(hull(list(points)), float(ends.min()), float(ends.max()))


def hull(points: Sequence[Point]) -> list[Point]:
    """Compute the non-decreasing concave hull of (cost, accuracy) points, cheapest first (RouterBench, section 3)."""
    kept: list[Point] = []
    for x, y in sorted(points, key=lambda point: (point[0], -point[1])):
        if kept and y <= kept[-1][1]:
            continue
        while len(kept) > 1 and _slope(kept[-2], kept[-1]) <= _slope(kept[-2], (x, y)):
            kept.pop()
        kept.append((x, y))
    return kept


def area(points: Sequence[Point], low: float, high: float) -> float:
    """Compute the mean height of a hull over costs from ``low`` to ``high``; constant left of its first point."""
    x, y = np.array(points).T
    grid = np.unique(np.concatenate([[low, high], x[(x > low) & (x < high)]]))
    return float(np.trapezoid(np.interp(grid, x, y), grid) / (high - low))


def cost_of(points: Sequence[Point], accuracy: float) -> float:
    """Return the smallest cost at which a hull reaches an accuracy; infinite if never."""
    x, y = np.array(points).T
    return float(np.interp(accuracy, y, x)) if accuracy <= y[-1] else float("inf")


def _slope(one: Point, other: Point) -> float:
    return (other[1] - one[1]) / max(other[0] - one[0], 1e-12)
