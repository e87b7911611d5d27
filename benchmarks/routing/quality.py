"""Claim 1: quality of every router on RouterDC's split, against the best single model, the paper and the oracle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from benchmarks.routing.choosing import best_of, cross_validated
from benchmarks.routing.recorded import Split
from benchmarks.stats.intervals import Interval
from tts.routing.clusters import ClusterRouter
from tts.routing.contrastive import ContrastiveRouter
from tts.routing.mean_router import MeanRouter
from tts.routing.neighbours import NeighbourRouter
from tts.routing.outcomes import ArmOutcomes
from tts.routing.regression import LogisticRouter
from tts.routing.router import Router

PAPER = {"RouterDC, as published": (58.54, 45.85)}
DRAWS = 1000

GRIDS: dict[str, tuple[Router, ...]] = {
    "k-means clusters": tuple(
        ClusterRouter(k=k, nearest=nearest, strength=20.0, repeats=repeats)
        for k, repeats in ((16, 1), (32, 1), (16, 5), (32, 5), (64, 5))
        for nearest in (1, 4)
    ),
    "recognised data set": tuple(
        ClusterRouter(clustering="groups", nearest=nearest, beta=beta)
        for nearest, beta in ((1, 6.0), (5, 3.0), (5, 10.0), (5, 30.0))
    ),
    "k nearest neighbours": tuple(NeighbourRouter(k=k) for k in (20, 50, 100, 200)),
    "logistic regression": tuple(
        LogisticRouter(c=c, balance=balance) for c in (0.0001, 0.0003, 0.001) for balance in (False, True)
    ),
    "RouterDC's losses, linear": tuple(ContrastiveRouter(sample_weight=weight) for weight in (0.0, 1.0)),
}
"""Settings to choose among on the training outcomes."""

AVERAGED = ("k-means clusters", "k nearest neighbours", "logistic regression")
"""Routers that one more row averages, each with the settings that were chosen for it."""

FIXED: dict[str, Router] = {
    "Avengers, the paper's settings": ClusterRouter(
        k=64, nearest=11, beta=6.0, fusion="rank", strength=0.0, balance=False
    ),
}
TRAINED: dict[str, Router] = {
    "RouterDC, trained encoder": ContrastiveRouter(),
    "k nearest neighbours, trained encoder": NeighbourRouter(k=200),
    "logistic regression, trained encoder": LogisticRouter(c=0.0003, balance=False),
}
"""Routers on the vectors of a trained encoder, with the settings that the untrained one's cross-validation chose."""


@dataclass(frozen=True, slots=True)
class Row:
    """Figures of a router: known and unknown data sets, means over seeds.

    Attributes:
        name: of the router.
        known, unknown: quality over the data sets, 0 to 1, with the interval of a bootstrap over problems.
        gain, other_gain: the same less the best single model's, paired.
        deviation, other_deviation: standard deviation over seeds of ``known`` and ``unknown``; 0 without chance.
        within: gain over always taking each data set's best model (chosen on training outcomes), on known data sets.
        settings: what was chosen on the training outcomes.
        chosen_by: the two figures of cross-validation that it was chosen by; None for a fixed one.
    """

    name: str
    known: Interval
    unknown: Interval
    gain: Interval
    other_gain: Interval
    deviation: float
    within: Interval
    settings: dict[str, Any]
    chosen_by: tuple[float, float] | None = None
    other_deviation: float = 0.0


def singles(table: ArmOutcomes) -> dict[str, list[float]]:
    """Compute the mean quality in percent of every arm, by data set."""
    groups = np.array(table.groups)
    names = dict.fromkeys(table.groups)
    return {name: [100 * float(value) for value in table.quality[groups == name].mean(0)] for name in names}


def best_single(train: ArmOutcomes) -> int:
    """Return the arm with the best mean over the training data sets."""
    return int(np.argmax([train.macro(np.full(len(train), a)) for a in range(len(train.arms))]))


def by_data_set(train: ArmOutcomes, table: ArmOutcomes) -> np.ndarray:
    """Return for each query the arm that was best on its data set's training part [q]; else the best overall."""
    groups = np.array(train.groups)
    best = {name: int(train.quality[groups == name].mean(0).argmax()) for name in dict.fromkeys(train.groups)}
    overall = best_single(train)
    return np.array([best.get(group, overall) for group in table.groups])


def references(split: Split) -> dict[str, tuple[float, float]]:
    """Measure methods without a router: random choice, the best single model, the best per data set, the oracle."""
    assert split.other is not None
    tables = split.test, split.other
    singles = [np.full(len(table), best_single(split.train)) for table in tables]
    names = [np.array(table.groups) for table in tables]
    per_set = [
        float(np.mean([table.quality[groups == name].mean(0).max() for name in dict.fromkeys(table.groups)]))
        for table, groups in zip(tables, names, strict=True)
    ]
    known = split.test.macro(by_data_set(split.train, split.test))
    return {
        "random": _macros(tables, [table.quality.mean(1) for table in tables]),
        "best single model (by training outcomes)": _macros(tables, list(map(_values, tables, singles))),
        "best model of each known data set (by training outcomes)": (known, float("nan")),
        "best model of each data set (by test outcomes)": (per_set[0], per_set[1]),
        "oracle": _macros(tables, [table.quality.max(1) for table in tables]),
        **{name: (a / 100, b / 100) for name, (a, b) in PAPER.items()},
    }


def _macros(tables: Sequence[ArmOutcomes], values: Sequence[np.ndarray]) -> tuple[float, float]:
    found = [_by_group(v, table.groups)[0] for v, table in zip(values, tables, strict=True)]
    return float(np.mean(found[0])), float(np.mean(found[1]))


def _by_group(values: np.ndarray, groups: Sequence[str]) -> tuple[list[float], list[np.ndarray]]:
    """Return the values of each data set, and their means."""
    labels = np.array(groups)
    parts = [values[labels == name] for name in dict.fromkeys(groups)]
    return [float(part.mean()) for part in parts], parts


def measure(split: Split, vectors: Sequence[np.ndarray], seeds: int) -> list[Row]:
    """Fit and evaluate every router. Nothing is chosen on the test tables; see :mod:`benchmarks.routing.choosing`."""
    rows = [_row(name, router, None, split, vectors, seeds) for name, router in FIXED.items()]
    chosen: dict[str, Router] = {}
    for name, grid in GRIDS.items():
        chosen[name], figures = best_of(grid, vectors[0], split.train)
        rows.append(_row(name, chosen[name], figures, split, vectors, seeds))
        print(_line(rows[-1]), flush=True)
    mean = MeanRouter(members=tuple(chosen[name] for name in AVERAGED))
    figures = cross_validated(mean, vectors[0], split.train)
    rows.append(_row(f"mean of {', '.join(AVERAGED)}", mean, figures, split, vectors, seeds))
    print(_line(rows[-1]), flush=True)
    return rows


def trained(split: Split, encoders: Sequence[Sequence[np.ndarray]]) -> list[Row]:
    """Fit and evaluate routers on the vectors of encoders that were trained on the training outcomes.

    Each encoder has a seed of its own; a router with chance takes the same one.
    """
    return [
        _averaged(name, router, None, split, [(_seeded(router, k), vectors) for k, vectors in enumerate(encoders)])
        for name, router in TRAINED.items()
    ]


def _row(
    name: str,
    router: Router,
    chosen_by: tuple[float, float] | None,
    split: Split,
    vectors: Sequence[np.ndarray],
    seeds: int,
) -> Row:
    versions = [_seeded(router, seed) for seed in range(seeds)] if _has_chance(router) else [router]
    return _averaged(name, router, chosen_by, split, [(version, vectors) for version in versions])


def _averaged(
    name: str,
    router: Router,
    chosen_by: tuple[float, float] | None,
    split: Split,
    versions: Sequence[tuple[Router, Sequence[np.ndarray]]],
) -> Row:
    """Average versions of a router, each with its vectors of the three tables."""
    assert split.other is not None
    tables = (split.test, split.other)
    fitted = [version.fit(vectors[0], split.train) for version, vectors in versions]
    each = [
        [
            _values(table, fit.predict(vectors[k]).score.argmax(1))
            for fit, (_, vectors) in zip(fitted, versions, strict=True)
        ]
        for k, table in enumerate(tables, 1)
    ]
    values = [np.mean(found, axis=0) for found in each]
    deviations = [_deviation([_mean(v, table) for v in found]) for found, table in zip(each, tables, strict=True)]
    single = [_values(table, np.full(len(table), best_single(split.train))) for table in tables]
    constant = _values(split.test, by_data_set(split.train, split.test))
    known_quality, unknown_quality = (bootstrap(v, t.groups) for v, t in zip(values, tables, strict=True))
    gains = [bootstrap(v - s, t.groups) for v, s, t in zip(values, single, tables, strict=True)]
    return Row(
        name=name,
        known=known_quality,
        unknown=unknown_quality,
        gain=gains[0],
        other_gain=gains[1],
        deviation=deviations[0],
        within=bootstrap(values[0] - constant, split.test.groups),
        settings=dict(router.settings()),
        chosen_by=chosen_by,
        other_deviation=deviations[1],
    )


def _deviation(figures: Sequence[float]) -> float:
    return float(np.std(figures, ddof=1)) if len(figures) > 1 else 0.0


def _mean(values: np.ndarray, table: ArmOutcomes) -> float:
    return float(np.mean(_by_group(values, table.groups)[0]))


def _has_chance(router: Router) -> bool:
    if isinstance(router, MeanRouter):
        return any(map(_has_chance, router.routers))
    groups = isinstance(router, ClusterRouter) and router.clustering == "groups"
    return isinstance(router, (ClusterRouter, ContrastiveRouter)) and not groups


def _seeded(router: Router, seed: int) -> Router:
    """Return the router with a seed of its own; repeated clusterings share none with those of another seed."""
    if isinstance(router, MeanRouter):
        return MeanRouter(members=tuple(_seeded(each, seed) for each in router.routers))
    if isinstance(router, ClusterRouter):
        return replace(router, seed=seed * router.repeats)
    return replace(router, seed=seed) if isinstance(router, ContrastiveRouter) else router


def _values(table: ArmOutcomes, chosen: np.ndarray) -> np.ndarray:
    found: np.ndarray = table.quality[np.arange(len(table)), chosen]
    return found


def bootstrap(values: np.ndarray, groups: Sequence[str], seed: int = 0) -> Interval:
    """Average over data sets the means over problems, with the interval of resampling each data set's problems."""
    random = np.random.default_rng(seed)
    means, parts = _by_group(values, groups)
    draws = [part[random.integers(0, len(part), (DRAWS, len(part)), dtype=np.int32)].mean(1) for part in parts]
    low, high = np.quantile(np.mean(draws, axis=0), [0.025, 0.975])
    return Interval(float(np.mean(means)), float(low), float(high))


def _line(row: Row) -> str:
    figures = f"{100 * row.known.value:.2f} / {100 * row.unknown.value:.2f}"
    gains = ", ".join(gain.points() for gain in (row.gain, row.other_gain, row.within))
    return f"{row.name}: {figures}; gains {gains}; sd {100 * row.deviation:.2f}; {row.settings}"
