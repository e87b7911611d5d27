"""Pools: arms, an embedder and a fitted router in one small file."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from tts.budget import Budget
from tts.errors import BadInput, EmptyProblem, UnknownName
from tts.registry import resolve
from tts.routing.arms import Arm
from tts.routing.caution import Baseline
from tts.routing.choice import Expected, Objective, ordered, worth
from tts.routing.decision import Ceilings, Decision
from tts.routing.embedding import TFIDF, CachedEmbedder, Embedder, load_embedder
from tts.routing.outcomes import ArmOutcomes, digest, require_choice
from tts.routing.pool_file import read_pool, write_pool
from tts.routing.router import Prediction, Router, State
from tts.routing.tfidf import TfIdfEmbedder

_ROUTER, _EMBEDDER, _BASELINE = "router.", "embedder.", "baseline."  # prefixes of the arrays in a pool file


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Pool:
    """Models to choose between, with a fitted router.

    Attributes:
        arms: in the order of the router's columns.
        router: the fitted router.
        embedder: turns problems into vectors.
        dimension: length of these vectors.
        scale: mean ``cost`` of the most expensive arm and mean ``latency`` of the slowest.
        problems: digests of the problems that it was fitted on.
        unit: unit of the costs, dollars or FLOPs; empty if unknown.
        baseline: means of the arms; None in a pool of an earlier version.
    """

    arms: tuple[Arm, ...]
    router: Router
    embedder: Embedder
    dimension: int
    scale: Mapping[str, float] = field(default_factory=dict)
    problems: frozenset[str] = frozenset()
    unit: str = ""
    baseline: Baseline | None = None

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(arm.name for arm in self.arms)

    def arm(self, name: str) -> Arm:
        """Return the arm of this name. Raises UnknownName."""
        for arm in self.arms:
            if arm.name == name:
                return arm
        raise UnknownName("model in this pool", name, self.names)

    @classmethod
    async def fit(
        cls,
        outcomes: ArmOutcomes,
        *,
        embedder: str | Embedder = TFIDF,
        router: str | Router = "clusters",
        arms: Iterable[Arm] = (),
    ) -> Pool:
        """Fit a pool on recorded outcomes.

        Args:
            outcomes: of at least two arms on at least two problems.
            embedder: a name, see :func:`tts.routing.embedding.load_embedder`; ``tfidf`` is fitted on these problems.
            router: a name (clusters, knn, logistic, contrastive, mean) with its default settings, or one with others.
            arms: what is known of the arms; those not given are read from their names.

        Raises:
            BadInput: there is nothing to choose between.
        """
        require_choice(outcomes)
        given = {arm.name: arm for arm in arms}
        for name in given:
            if name not in outcomes.arms:
                raise UnknownName("model in these outcomes", name, outcomes.arms)
        made = _embedder(embedder, outcomes.texts)
        vectors = await made.embed(outcomes.texts)
        begun: Router = resolve("router", router)() if isinstance(router, str) else router
        return cls(
            arms=tuple(given.get(name) or Arm.named(name) for name in outcomes.arms),
            router=begun.fit(vectors, outcomes),
            embedder=made,
            dimension=vectors.shape[1],
            scale=_scale(outcomes),
            problems=frozenset(outcomes.hashes()),
            unit=outcomes.unit,
            baseline=Baseline.of(outcomes),
        )

    async def add(self, arm: Arm, outcomes: ArmOutcomes) -> Pool:
        """Return a pool with one more arm, learned from its outcomes alone; nothing else is fitted again."""
        if arm.name in self.names:
            raise BadInput(f"{arm.name} is in this pool already: give the new model another name.")
        if self.unit and outcomes.unit and self.unit != outcomes.unit:
            raise BadInput(f"this pool counts costs in {self.unit}, and these outcomes in {outcomes.unit}.")
        mine = outcomes.over([arm.name]) if arm.name in outcomes.arms else outcomes
        if len(mine.arms) != 1:
            raise UnknownName("model in these outcomes", arm.name, outcomes.arms)
        mine = mine.rows(~np.isnan(mine.quality[:, 0]))
        if not len(mine):
            raise BadInput(f"{arm.name} has no outcome: run it on some problems first.")
        router = self.router.add(await self._vectors(mine.texts), mine)
        scale = {name: max(self.scale.get(name, 0.0), value) for name, value in _scale(mine).items()}
        return replace(
            self, arms=(*self.arms, arm), router=router, scale={**self.scale, **scale},
            problems=self.problems | set(mine.hashes()), baseline=self.baseline and self.baseline.with_arm(mine),
        )  # fmt: skip

    async def predict(self, texts: Sequence[str]) -> Prediction:
        """Predict quality, cost and latency of every arm on every text, [q, a] each."""
        return self.router.predict(await self._vectors(texts))

    async def route(self, text: str, objective: Objective | None = None) -> list[Expected]:
        """Return the predictions of all arms for a problem, best first. Raises EmptyProblem."""
        found = await self._asked(text)
        return ordered(self.names, found, self.worth(found, objective or Objective()))

    def worth(self, found: Prediction, objective: Objective, allowed: Collection[str] | None = None) -> np.ndarray:
        """Compute the value of each arm on each query [q, a] by an objective, with its caution.

        Args:
            found: the predictions.
            objective: the weights.
            allowed: names of the arms that may run; by default all.

        Raises:
            BadInput: the objective weighs what the pool does not know.
        """
        value = worth(found, objective, self.scale)
        if not objective.caution:
            return value
        best = self.names.index(self.best_overall(objective, allowed))
        return self._means.careful(value, found, objective, best)

    def best_overall(self, objective: Objective, allowed: Collection[str] | None = None) -> str:
        """Return the arm that is best over all problems that the pool was fitted on, among those that may run."""
        may = np.array([not allowed or name in allowed for name in self.names])
        return self.names[self._means.best(objective, self.scale, may)]

    async def decide(self, text: str, budget: Budget | None = None, objective: Objective | None = None) -> Decision:
        """Decide which model and which search answer a problem within a budget; no model runs.

        An arm is worth its objective, with its quality times the chance to stay within the ceilings. One that needs a
        larger N, or is expected to pass a ceiling, may not run. Raises EmptyProblem.
        """
        found = await self._asked(text)
        ceilings = Ceilings.of(budget or Budget(), self.unit)
        within = ceilings.within(found.cost, found.cost_spread, found.latency, found.latency_spread)
        bounded = replace(found, quality=found.quality * within, score=found.score * within)
        wanted, chance = objective or Objective(), dict(zip(self.names, within[0].tolist(), strict=True))

        def decided(value: np.ndarray) -> Decision:
            ranked = ordered(self.names, found, value)
            return Decision.of([replace(arm, within=chance[arm.arm]) for arm in ranked], self.arms, ceilings)

        decision = decided(worth(bounded, wanted, self.scale))
        if not wanted.caution:
            return decision
        allowed = {arm.arm for arm in decision.arms}
        careful = decided(self.worth(bounded, wanted, allowed))
        return replace(careful, overall=self.best_overall(wanted, allowed))

    def choose(
        self,
        problem: str,
        budget: int = 16,
        *,
        objective: Objective | Mapping[str, float] | None = None,
        max_flops: float | None = None,
        max_seconds: float | None = None,
        max_cost: float | None = None,
    ) -> Decision:
        """Decide as :meth:`decide` does, outside an event loop: ``Pool.load("pool.json").choose("...").reason``.

        Args:
            problem: the text.
            budget: limit of N.
            objective: what counts, such as ``{"quality": 1, "cost": 0.3, "caution": 1}``.
            max_flops, max_seconds, max_cost: ceilings of one problem.

        Raises:
            BadInput: the objective weighs a cost that the pool does not know.
        """
        limits = Budget(budget, None, max_flops, max_seconds, max_cost=max_cost)
        return asyncio.run(self.decide(problem, limits, Objective.of(objective)))

    def fitted_on(self, text: str) -> bool:
        """Return whether the pool was fitted on this problem."""
        return digest(text) in self.problems

    @property
    def _means(self) -> Baseline:
        return self.baseline or Baseline.restored({})

    async def _asked(self, text: str) -> Prediction:
        if not text.strip():
            raise EmptyProblem
        return await self.predict([text])

    async def _vectors(self, texts: Sequence[str]) -> np.ndarray:
        vectors = await self.embedder.embed(texts)
        if vectors.shape[1] != self.dimension:
            raise BadInput(
                f"the embedder {self.embedder.name} gives vectors of {vectors.shape[1]} numbers and the pool was "
                f"fitted with {self.dimension}: name the embedder that it was fitted with."
            )
        return vectors

    def save(self, path: Path | str) -> None:
        """Write ``path`` (JSON) and, next to it, a file of the same name that ends in ``.safetensors``."""
        arrays = {f"{_ROUTER}{name}": array for name, array in self.router.state.items()}
        if isinstance(self.embedder, TfIdfEmbedder):
            arrays |= {f"{_EMBEDDER}{name}": array for name, array in self.embedder.state.items()}
        if self.baseline is not None:
            arrays |= {f"{_BASELINE}{name}": array for name, array in self.baseline.state.items()}
        about = {
            "arms": [arm.row() for arm in self.arms],
            "embedder": {"name": self.embedder.name, "dimension": self.dimension},
            "router": {"kind": self.router.kind, "settings": dict(self.router.settings())},
            "scale": dict(self.scale),
            "problems": sorted(self.problems),
            **({"unit": self.unit} if self.unit else {}),
        }
        write_pool(Path(path), about, arrays)

    @classmethod
    def load(cls, path: Path | str, embedder: Embedder | None = None) -> Pool:
        """Read a pool file. ``embedder`` replaces the one that the file names. Raises BadInput."""
        about, arrays = read_pool(Path(path))
        try:
            name, dimension = str(about["embedder"]["name"]), int(about["embedder"]["dimension"])
            return cls(
                arms=tuple(Arm.of(row) for row in about["arms"]),
                router=_router(about["router"], _part(arrays, _ROUTER)),
                embedder=_restored(name, _part(arrays, _EMBEDDER)) if embedder is None else embedder,
                dimension=dimension,
                scale={str(key): float(value) for key, value in about["scale"].items()},
                problems=frozenset(about["problems"]),
                unit=str(about.get("unit", "")),
                baseline=Baseline.restored(means) if (means := _part(arrays, _BASELINE)) else None,
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise BadInput(f"{path} is damaged ({type(error).__name__}: {error}): fit the pool again.") from error


def _part(arrays: Mapping[str, np.ndarray], prefix: str) -> State:
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}


def _router(row: Mapping[str, Any], state: State) -> Router:
    kind: type[Any] = resolve("router", str(row["kind"]))
    known = {f.name for f in fields(kind) if f.init} - {"state"}
    router: Router = kind(**{name: value for name, value in row["settings"].items() if name in known}, state=state)
    return router


def _restored(name: str, state: State) -> Embedder:
    return TfIdfEmbedder(state) if name == TFIDF else CachedEmbedder(load_embedder(name))


def _embedder(embedder: str | Embedder, texts: Sequence[str]) -> Embedder:
    if not isinstance(embedder, str):
        return embedder
    return TfIdfEmbedder.fit(texts) if embedder == TFIDF else CachedEmbedder(load_embedder(embedder))


def _scale(outcomes: ArmOutcomes) -> dict[str, float]:
    """Return the most expensive arm's mean cost and the slowest one's mean latency, if known."""
    found = {}
    for name, cells in (("cost", outcomes.cost), ("latency", outcomes.latency)):
        known = [float(np.nanmean(column)) for column in cells.T if not np.isnan(column).all()]
        if known:
            found[name] = max(known)
    return found
