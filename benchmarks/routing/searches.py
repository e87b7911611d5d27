"""Claim 4: model and search in one choice, against the best (model, strategy, N) fixed beforehand, at equal FLOPs.

Arms are policies with a greedy answer, a majority vote, a vote weighted by a reward model, or a search that it guides.
Everything is fitted and chosen on lab-validation, and played on lab-500. An arm that no price of a FLOP would choose on
lab-validation is not played.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.bench.pool_fit import run_models
from benchmarks.datasets.dataset import load
from benchmarks.routing.choosing import best_of
from benchmarks.routing.live import GRID, SPECIALISTS, picked, spent
from benchmarks.stats.intervals import Interval, difference, mean
from tts.routing.arms import Arm
from tts.routing.clusters import ClusterRouter
from tts.routing.embedding import Embedder
from tts.routing.mean_router import MeanRouter
from tts.routing.outcomes import ArmOutcomes
from tts.routing.router import Router
from tts.routing.tfidf import TfIdfEmbedder

REWARD_MODEL = "lab-prm"
SMALL = (*SPECIALISTS, "lab-200k")
GREEDY = "greedy"

ROUTERS: tuple[Router, ...] = (
    *GRID, *(ClusterRouter(k=k, repeats=5) for k in (8, 16, 32)), MeanRouter(),
)  # fmt: skip
"""Routers to choose among by cross-validation on lab-validation."""

PRICES = np.concatenate([np.logspace(-4, 0, 33), [1e-6]])
"""Accuracy that the dearest arm's mean FLOPs must gain."""

_CONCURRENCY = 128  # problems at a time: small models are fast in large batches
_SHORT = 10  # problems of a short run


@dataclass(frozen=True, slots=True)
class Runs:
    """Searches of some policies: the strategies at the widths of ``budget``.

    Attributes:
        fitted: problems of lab-validation, spread evenly.
        greedy: at temperature 0, without a reward model.
        each: every strategy is run at every width; otherwise samples of the largest width serve them all.
    """

    name: str
    policies: tuple[str, ...]
    strategies: str
    budget: str
    fitted: int
    greedy: bool = False
    each: bool = False

    def on(self, problems: str, folder: Path, limit: int | None) -> ArmOutcomes:
        """Run what is missing on a data set of the package; returns the outcomes of all arms."""
        data = load(problems).spread(limit)
        settings: dict[str, Any] = {"prm": None if self.greedy else REWARD_MODEL, "kind": "auto", "engine": "auto"}
        settings |= {"temperature": 0.0} if self.greedy else {}
        place = folder / f"{data.name}.{self.name}"
        found, arms = run_models(self.policies, data, place, self.strategies, self.budget, _CONCURRENCY, settings)
        if self.greedy:
            return replace(found, arms=tuple(f"{Arm.named(name).policy}@{GREEDY}" for name in found.arms))
        worth_scoring = [arm.name for arm in arms if not (arm.strategy == "best-of-n" and arm.n == 1)]
        return found.over(worth_scoring)


LARGE = ("lab-1m", "lab-2m")
RUNS = (
    Runs("greedy", (*SMALL, *LARGE, "lab-4m"), "majority", "1", fitted=500, greedy=True),
    Runs("samples", SMALL, "majority,best-of-n", "1,2,4,8", fitted=500),
    Runs("wide", LARGE, "majority,best-of-n", "1,2,4,8,16", fitted=500),
    Runs("largest", ("lab-4m",), "majority,best-of-n", "1,2,4", fitted=500),
    Runs("guided", (*SMALL, *LARGE), "beam-search,dvts", "4", fitted=500, each=True),
)


@dataclass(frozen=True, slots=True)
class Point:
    """``auto`` at one price of a FLOP against the best fixed arm of at most the same FLOPs."""

    flops: float
    auto: Interval
    fixed: str
    fixed_flops: float
    right: float
    gain: Interval


def outcomes(problems: str, folder: Path, short: bool, only: Collection[str] | None = None) -> ArmOutcomes:
    """Return the outcomes of all arms, or of ``only`` some, on lab-validation or lab-500; missing ones are run."""
    tables = []
    for runs in RUNS:
        wanted = runs
        if only is not None:
            named = [Arm.named(name) for name in only]
            mine = [arm for arm in named if (arm.strategy == GREEDY) == runs.greedy and arm.policy in runs.policies]
            mine = [arm for arm in mine if runs.greedy or arm.strategy in runs.strategies.split(",")]
            if not mine:
                continue
            policies = tuple(dict.fromkeys(arm.policy for arm in mine))
            wanted = replace(runs, policies=policies)
            if runs.each:
                widths = sorted({arm.n or 0 for arm in mine})
                strategies = ",".join(dict.fromkeys(arm.strategy for arm in mine))
                wanted = replace(wanted, strategies=strategies, budget=",".join(map(str, widths)))
        limit = runs.fitted if only is None else None
        tables.append(wanted.on(problems, folder, _SHORT if short else limit))
    found = ArmOutcomes.merged(tables)
    return found if only is None else found.over(list(only))


def useful(table: ArmOutcomes, router: Router, vectors: np.ndarray) -> list[str]:
    """Return the arms that some price would choose for a problem they were fitted on, or as the one fixed arm."""
    found = router.fit(vectors, table).predict(vectors)
    means = np.nanmean(table.quality, axis=0), np.nanmean(table.cost, axis=0)
    chosen = set[int]()
    for price in PRICES / means[1].max():
        chosen.update((found.quality - price * found.cost).argmax(1).tolist())
    for cost in means[1]:
        chosen.add(best_fixed(*means, cost))
    return [table.arms[a] for a in sorted(chosen)]


def best_fixed(right: np.ndarray, costs: np.ndarray, most: float) -> int:
    """Return the arm with the best mean quality among those of a mean cost of at most ``most``; -1 for none."""
    allowed = np.flatnonzero(costs <= most * (1 + 1e-9))  # sums in another order round otherwise
    return int(allowed[right[allowed].argmax()]) if len(allowed) else -1


def points(router: Router, vectors: Sequence[np.ndarray], fit_on: ArmOutcomes, played: ArmOutcomes) -> list[Point]:
    """Choose an arm of each problem at many prices of a FLOP; compare with the best fixed arm at equal FLOPs."""
    found = router.fit(vectors[0], fit_on).predict(vectors[1])
    right, costs = np.nanmean(fit_on.quality, axis=0), np.nanmean(fit_on.cost, axis=0)
    made: dict[float, Point] = {}
    for price in PRICES / costs.max():
        chosen = (found.quality - price * found.cost).argmax(1)
        flops = spent(played, chosen)
        if (fixed := best_fixed(right, costs, flops)) >= 0:
            mine, theirs = picked(played.quality, chosen).tolist(), played.quality[:, fixed].tolist()
            made[flops] = Point(
                flops, mean(mine), played.arms[fixed], float(played.cost[:, fixed].mean()), float(np.mean(theirs)),
                difference(mine, theirs),
            )  # fmt: skip
    return [made[flops] for flops in sorted(made)]


def measure(folder: Path, embedder: Embedder | None, short: bool) -> dict[str, Any]:
    """Run and measure everything; print the table; return the figures."""
    every = outcomes("lab-validation", folder, short)
    chosen_by: Embedder = embedder or TfIdfEmbedder.fit(every.texts)
    fitted = asyncio.run(chosen_by.embed(every.texts))
    router, figures = best_of(ROUTERS, fitted, every)
    names = useful(every, router, fitted)
    played = outcomes("lab-500", folder, short, names)
    vectors = fitted, asyncio.run(chosen_by.embed(played.texts))
    found = points(router, vectors, every.over(names), played)
    settings = {name: value for name, value in router.settings().items() if value is not None}
    print(f"\nRouter: {router.kind} {settings}, {100 * figures[0]:.1f} % in cross-validation on lab-validation")
    print(f"{len(names)} of {len(every.arms)} arms would be chosen at some price: {', '.join(names)}\n")
    print(
        "| FLOPs | auto | best fixed arm of at most these FLOPs | right | its FLOPs | gain |\n|---|---|---|---|---|---|"
    )
    for point in found:
        cells = (f"{100 * point.right:.1f} %", f"{point.fixed_flops:.3g}", point.gain.points())
        print(f"| {point.flops:.3g} | {point.auto.percent()} | {point.fixed} | {' | '.join(cells)} |")
    above = sum(point.gain.low > 0 for point in found)
    never = all(point.gain.low > -0.01 for point in found)
    print(f"\nClearly above at {above} of {len(found)} prices; {'never' if never else 'somewhere'} below (-1 point).")
    return {
        "router": router.kind, "settings": settings, "arms": names, "points": [asdict(point) for point in found],
        "fitted": {name: [float(np.nanmean(every.quality[:, a])), float(np.nanmean(every.cost[:, a]))]
                   for a, name in enumerate(every.arms)},
    }  # fmt: skip
