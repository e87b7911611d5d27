"""Claim 3: a pool of specialists that are run, against one model.

Everything is fitted and chosen on lab-validation, and played on lab-500.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.routing.choosing import best_of
from benchmarks.routing.samples import Samples, recorded
from benchmarks.stats.intervals import Interval, difference, mean
from tts.routing.clusters import ClusterRouter
from tts.routing.embedding import Embedder
from tts.routing.neighbours import NeighbourRouter
from tts.routing.outcomes import ArmOutcomes
from tts.routing.regression import LogisticRouter
from tts.routing.router import Router
from tts.routing.tfidf import TfIdfEmbedder

SPECIALISTS = ("lab-toys", "lab-farm", "lab-money", "lab-counts", "lab-trips")
VOTES, FITTED_VOTES = 10, 4  # samples of self-consistency on lab-500, and on lab-validation
GENERALISTS = {"lab-200k": VOTES, "lab-1m": 3, "lab-4m": 1}
POLICIES = {**dict.fromkeys(SPECIALISTS, VOTES), **GENERALISTS}
FITTED = {name: min(n, FITTED_VOTES) for name, n in POLICIES.items()}

GRID: tuple[Router, ...] = (
    *(ClusterRouter(k=k, nearest=nearest) for k in (8, 16, 32, 64) for nearest in (1, 3)),
    *(NeighbourRouter(k=k) for k in (5, 10, 20)),
    *(LogisticRouter(c=c) for c in (0.001, 0.01, 0.1)),
)
"""Routers to choose among by cross-validation on lab-validation."""


@dataclass(frozen=True, slots=True)
class Row:
    """One method on lab-500: accuracy, its difference to the pool (paired), and mean FLOPs of a problem."""

    name: str
    accuracy: Interval
    against: Interval
    flops: float


class Live:
    """The measurement: samples of both sets and embeddings of their problems.

    Args:
        folder: run folders; what is missing is run.
        embedder: embeds problems; None fits TF-IDF on lab-validation.
        short: a few problems only, to try it.
    """

    def __init__(self, folder: Path, embedder: Embedder | None = None, short: bool = False) -> None:
        self.fit_on = recorded("lab-validation", FITTED, folder, short)
        self.test = recorded("lab-500", POLICIES, folder, short)
        self.greedy = recorded("lab-500", dict.fromkeys(POLICIES, 1), folder, short, greedy=True)
        self.tfidf: Embedder = TfIdfEmbedder.fit(self.fit_on.texts)
        self.embedder = embedder or self.tfidf
        self.outcomes = outcomes_of(self.fit_on, [(name, FITTED_VOTES) for name in SPECIALISTS])
        self.played = outcomes_of(self.test, [(name, VOTES) for name in SPECIALISTS])
        self.vectors = self.embedded(self.embedder)
        self.router, self.figures = best_of(GRID, self.vectors[0], self.outcomes)

    def embedded(self, embedder: Embedder) -> tuple[np.ndarray, np.ndarray]:
        """Embed the problems of both sets."""
        return asyncio.run(embedder.embed(self.fit_on.texts)), asyncio.run(embedder.embed(self.test.texts))

    def pool(self) -> list[Row]:
        """Compare the pool with one model, its parts, and generalists at the pool's FLOPs."""
        choice = self.routed(self.router, self.vectors, self.outcomes)
        single = int(np.argmax(self.outcomes.quality.mean(0)))
        everywhere = np.full(len(self.played), single)
        once, flops = outcomes_of(self.test, [(name, 1) for name in SPECIALISTS]), spent(self.played, choice)
        greedy = outcomes_of(self.greedy, [(name, 1) for name in POLICIES])
        best_two = self.scores.argsort(1)[:, ::-1][:, :2]
        all_five = dict.fromkeys(SPECIALISTS, VOTES // len(SPECIALISTS))
        found: dict[str, tuple[np.ndarray, float]] = {
            "pool: routed, vote of 10": (picked(self.played.quality, choice), flops),
            "pool: routed, one sample": (picked(once.quality, choice), spent(once, choice)),
            f"best single specialist ({SPECIALISTS[single]}), vote of 10": (
                picked(self.played.quality, everywhere), spent(self.played, everywhere)
            ),
            "best single specialist, one sample": (picked(once.quality, everywhere), spent(once, everywhere)),
            "random specialist, vote of 10": (self.played.quality.mean(1), float(self.played.cost.mean())),
            "two best, 5 samples each, one vote": self.shared([[int(a) for a in row] for row in best_two], 5),
            "all five, 2 samples each, one vote": (
                np.array([self.test.together(q, all_five) for q in range(len(self.played))]),
                float(np.sum([self.test.flops(name, n).mean() for name, n in all_five.items()])),
            ),
            "best specialist of each problem (oracle)": (self.played.quality.max(1), float(self.played.cost.mean())),
            **{f"{name} at the pool's FLOPs": self.at_flops(name, flops) for name in GENERALISTS},
            "pool: routed, one greedy answer": (picked(greedy.quality, choice), spent(greedy, choice)),
            **{
                f"{name}, one greedy answer": (greedy.quality[:, a], float(greedy.cost[:, a].mean()))
                for a, name in enumerate(POLICIES)
                if name in GENERALISTS
            },
        }  # fmt: skip
        pool = found["pool: routed, vote of 10"][0].tolist()
        return [Row(name, mean(v.tolist()), difference(v.tolist(), pool), f) for name, (v, f) in found.items()]

    def routed(self, router: Router, vectors: Sequence[np.ndarray], outcomes: ArmOutcomes) -> np.ndarray:
        """Fit on lab-validation, and return the arm of each problem of lab-500 [q]."""
        self.scores = router.fit(vectors[0], outcomes).predict(vectors[1]).score
        chosen: np.ndarray = self.scores.argmax(1)
        return chosen

    def shared(self, chosen: Sequence[Sequence[int]], n: int) -> tuple[np.ndarray, float]:
        """Let several specialists of each problem draw ``n`` samples each, which vote together."""
        values, flops = [], []
        costs = {name: self.test.flops(name, n) for name in SPECIALISTS}
        for q, arms in enumerate(chosen):
            names = [SPECIALISTS[a] for a in arms]
            values.append(self.test.together(q, dict.fromkeys(names, n)))
            flops.append(sum(costs[name][q] for name in names))
        return np.array(values), float(np.mean(flops))

    def at_flops(self, policy: str, flops: float) -> tuple[np.ndarray, float]:
        """Return the vote of one policy with as many samples as cost ``flops``, at least one.

        Between two numbers of samples it is their mixture.
        """
        costs = [float(self.test.flops(policy, n).mean()) for n in range(1, self.test.n[policy] + 1)]
        n = float(np.interp(flops, costs, np.arange(1, len(costs) + 1)))
        low = min(int(n), len(costs) - 1) if len(costs) > 1 else 1
        share = n - low
        values = (1 - share) * self.test.voted(policy, low)
        if share > 0:
            values = values + share * self.test.voted(policy, low + 1)
        return values, float(np.interp(n, np.arange(1, len(costs) + 1), costs))

    def ablation(self, others: Mapping[str, Embedder]) -> list[Row]:
        """Vary one part of the pool at a time: number of models, K, embedder, samples of the vote."""
        base = picked(self.played.quality, self.routed(self.router, self.vectors, self.outcomes))
        order = np.argsort(-self.outcomes.quality.mean(0), kind="stable")
        found: dict[str, tuple[np.ndarray, float]] = {}
        for count in range(2, len(SPECIALISTS) + 1):
            arms = [SPECIALISTS[a] for a in sorted(order[:count])]
            found[f"{count} models"] = self._varied(self.router, self.vectors, arms, VOTES)
        for k in (4, 8, 16, 32, 64):
            found[f"clusters, K = {k}"] = self._varied(ClusterRouter(k=k), self.vectors, SPECIALISTS, VOTES)
        for name, embedder in others.items():
            found[f"embedder {name}"] = self._varied(self.router, self.embedded(embedder), SPECIALISTS, VOTES)
        for n in sorted({1, 2, VOTES // 2, VOTES}):
            found[f"vote of {n}"] = self._varied(self.router, self.vectors, SPECIALISTS, n)
        return [Row(name, mean(v.tolist()), difference(v.tolist(), base.tolist()), f) for name, (v, f) in found.items()]

    def _varied(
        self, router: Router, vectors: Sequence[np.ndarray], names: Sequence[str], n: int
    ) -> tuple[np.ndarray, float]:
        arms = [(name, n) for name in names]
        chosen = self.routed(router, vectors, self.outcomes.over([_arm(name, FITTED_VOTES) for name in names]))
        played = outcomes_of(self.test, arms)
        return picked(played.quality, chosen), spent(played, chosen)


def outcomes_of(samples: Samples, arms: Sequence[tuple[str, int]]) -> ArmOutcomes:
    """Return the outcomes of policies with self-consistency of N samples."""
    quality = np.stack([samples.voted(*arm) for arm in arms], axis=1)
    cost = np.stack([samples.flops(*arm) for arm in arms], axis=1)
    names, groups = tuple(_arm(*arm) for arm in arms), ("",) * len(samples.texts)
    return ArmOutcomes(samples.texts, names, groups, quality, cost, np.full_like(cost, np.nan), unit="FLOPs")


def _arm(policy: str, n: int) -> str:
    return f"{policy}@majority/{n}"


def picked(cells: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Return the cell of the chosen arm of each problem [q]."""
    found: np.ndarray = cells[np.arange(len(cells)), chosen]
    return found


def spent(outcomes: ArmOutcomes, chosen: np.ndarray) -> float:
    """Return the mean cost of the chosen arms."""
    return float(picked(outcomes.cost, chosen).mean())


def measure(folder: Path, embedder: Embedder | None, short: bool) -> dict[str, Any]:
    """Run and measure everything; print the tables; return the figures."""
    live = Live(folder, embedder, short)
    settings = {name: value for name, value in live.router.settings().items() if value is not None}
    print(
        f"Router: {live.router.kind} {settings}, {100 * live.figures[0]:.1f} % in cross-validation on lab-validation\n"
    )
    tables: dict[str, Any] = {"router": live.router.kind, "settings": settings}
    others = {"TF-IDF": live.tfidf, **({} if embedder is None else {embedder.name: embedder})}
    for title, rows in (("pool", live.pool()), ("ablation", live.ablation(others))):
        print(f"| {title} | lab-500 | against the pool | FLOPs |\n|---|---|---|---|")
        for row in rows:
            print(f"| {row.name} | {row.accuracy.percent()} | {row.against.points()} | {row.flops:.3g} |")
        print()
        tables[title] = [asdict(row) for row in rows]
    return tables
