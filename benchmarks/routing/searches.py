"""Claim 4: model and search in one choice, against the best (model, strategy, N) fixed beforehand, at equal FLOPs.

Arms are policies with a greedy answer, a majority vote, a vote weighted by a reward model, or a search that it guides.
Everything is fitted and chosen on lab-validation, and played on lab-500. An arm that no price of a FLOP would choose
for a left-out problem of lab-validation is not played.
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
from benchmarks.routing.live import SPECIALISTS
from benchmarks.routing.prices import FLOOR, GRACE, Point, best_setting, points
from tts.routing.arms import Arm
from tts.routing.clusters import ClusterRouter
from tts.routing.embedding import Embedder
from tts.routing.mean_router import MeanRouter
from tts.routing.neighbours import NeighbourRouter
from tts.routing.outcomes import ArmOutcomes
from tts.routing.regression import LogisticRouter
from tts.routing.router import Router
from tts.routing.tfidf import TfIdfEmbedder

REWARD_MODEL = "lab-prm"
SMALL = (*SPECIALISTS, "lab-200k")
GREEDY = "greedy"

ROUTERS: tuple[Router, ...] = (
    *(NeighbourRouter(k=k) for k in (10, 20, 40)),
    *(ClusterRouter(k=k, repeats=5) for k in (16, 32)),
    *(LogisticRouter(c=c) for c in (0.003, 0.01)),
    MeanRouter(),
)  # fmt: skip
CAUTIONS = (1.0, 2.0)
"""Routers and cautions to choose among on left-out problems of lab-validation: a gain over the best arm of all
problems must be larger than its standard error, or twice that."""

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
    Runs("guided", (*SMALL, "lab-1m"), "beam-search", "4", fitted=100, each=True),
    Runs("searched", ("lab-2m",), "beam-search", "4", fitted=500, each=True),
)
"""Votes of lab-4m are left out: its greedy answer is below lab-2m's at twice the FLOPs."""


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


def measure(folder: Path, embedder: Embedder | None, short: bool) -> dict[str, Any]:
    """Run and measure everything; print the table; return the figures."""
    every = outcomes("lab-validation", folder, short)
    chosen_by: Embedder = embedder or TfIdfEmbedder.fit(every.texts)
    fitted = asyncio.run(chosen_by.embed(every.texts))
    setting, curve = best_setting(ROUTERS, CAUTIONS, fitted, every)
    played = outcomes("lab-500", folder, short, curve.arms)
    vectors = fitted, asyncio.run(chosen_by.embed(played.texts))
    found = points(setting, vectors, every.over(curve.arms), played)
    router = setting.router
    settings = {name: value for name, value in router.settings().items() if value is not None}
    print(f"\nRouter: {router.kind} {settings}, caution {setting.caution:g}: on left-out problems of lab-validation")
    print(
        f"{100 * curve.gain:+.2f} points in the mean of all prices, lower ends of the intervals {100 * curve.low:+.2f}"
    )
    print(f"in the mean, the lowest {100 * curve.lowest:+.2f}.")
    print(f"{len(curve.arms)} of {len(every.arms)} arms were chosen there: {', '.join(curve.arms)}\n")
    print(
        "| FLOPs | auto | best fixed arm of at most these FLOPs | right | its FLOPs | gain |\n|---|---|---|---|---|---|"
    )
    for point in found:
        cells = (f"{100 * point.right:.1f} %", f"{point.fixed_flops:.3g}", point.gain.points())
        print(f"| {point.flops:.3g} | {point.auto.percent()} | {point.fixed} | {' | '.join(cells)} |")
    strict = points(setting, vectors, every.over(curve.arms), played, grace=1.0)
    bold = points(replace(setting, caution=0.0), vectors, every.over(curve.arms), played)
    for words, some in (
        (f"The fixed arm may take {GRACE:g} times auto's FLOPs", found),
        ("At most auto's FLOPs", strict),
        ("Without caution", bold),
    ):
        print(_summary(words, some))
    fit = {name: [float(np.nanmean(every.quality[:, a])), float(np.nanmean(every.cost[:, a]))]
           for a, name in enumerate(every.arms)}  # fmt: skip
    return {
        "router": router.kind, "settings": settings, "caution": setting.caution, "arms": curve.arms, "fitted": fit,
        "crossed": asdict(curve), "points": [asdict(point) for point in found],
        "strict": [asdict(point) for point in strict], "without caution": [asdict(point) for point in bold],
    }  # fmt: skip


def _summary(words: str, found: Sequence[Point]) -> str:
    """Count prices by their interval."""
    lows = [point.gain.low for point in found]
    gain = float(np.mean([point.gain.value for point in found]))
    above, below = sum(low > 0 for low in lows), sum(low <= FLOOR for low in lows)
    return (
        f"{words}: clearly above at {above} of {len(lows)} prices, not above -1 point at {below}, "
        f"lowest interval from {100 * min(lows):+.2f} points, mean gain {100 * gain:+.2f}."
    )
