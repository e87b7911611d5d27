"""Solver over a pool: each problem goes to the arm with the best prediction, or to the next if that one is down."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter, OrderedDict
from collections.abc import Mapping
from contextvars import ContextVar
from copy import copy
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from tts.aio import aside
from tts.answers.kinds.chosen import Chosen
from tts.budget import Budget
from tts.errors import BadInput, CannotCall, EngineError, ModelError, NotEnoughMemory, TTSError
from tts.models.find import find
from tts.protocols import Policy, RewardModel
from tts.registry import resolve
from tts.routing.arms import Arm
from tts.routing.choice import Expected, Objective
from tts.routing.decision import Decision
from tts.routing.pool import Pool
from tts.search.strategy import AUTO
from tts.selection.shared_budget import Share, SharedBudget
from tts.solver import Solver
from tts.trace import Listener
from tts.types import Plan, Problem, Solution

_OWN = ("policy", "prm", "strategy", "profile", "total_flops", "prices", "dataset")
_in_use: ContextVar[list[str]] = ContextVar("arms at work for the problem that is being solved")
_PATIENCE = 0.05  # seconds between two checks for an idle model


class PoolSolver(Solver):
    """A pool of models, ready for any number of problems.

    Each problem goes to one arm: its policy with its strategy, N and reward model. An arm that cannot be loaded, or
    whose server does not answer, is passed over; a warning of the solution names it. Models load when a problem is
    first routed to them. Where memory does not suffice, the one that was used longest ago is unloaded.

    Args:
        pool: a pool, or its file.
        budget: N, or a whole Budget; an arm that names its own N keeps that, up to this one.
        objective: what counts, such as ``{"quality": 1, "cost": 0.3}``, see :class:`tts.routing.choice.Objective`.
        top: with more than 1, the best arms share the samples and vote together (self-consistency only).
        resident: most models in memory; by default as many as fit.
        policies: policies for arms by name, in place of those that the arms name.
        max_tokens, max_flops, max_seconds, max_cost: ceilings for one problem, see :class:`tts.solver.Solver`.
        settings: further ones of :class:`tts.solver.Solver`, for every arm alike.

    Raises:
        TTSError: for anything that a user can mend.
    """

    def __init__(
        self,
        pool: Pool | str | Path,
        budget: int | Budget = 16,
        *,
        objective: Objective | Mapping[str, float] | None = None,
        top: int = 1,
        resident: int | None = None,
        policies: Mapping[str, Policy] | None = None,
        max_tokens: int | None = None,
        max_flops: float | None = None,
        max_seconds: float | None = None,
        max_cost: float | None = None,
        **settings: Any,
    ) -> None:
        if settings.get("strategy") == AUTO:  # a pool always decides
            settings.pop("strategy")
        for name in _OWN:
            if settings.pop(name, None) is not None:
                raise BadInput(f"a pool names its models and searches itself: leave {name} out.")
        if top < 1 or (resident is not None and resident < 1):
            raise BadInput("top and resident are whole numbers, 1 or more.")
        if not isinstance(budget, Budget):
            budget = Budget(budget, max_tokens, max_flops, max_seconds, max_cost=max_cost)
        self._file = None if isinstance(pool, Pool) else str(pool)
        self.pool = pool if isinstance(pool, Pool) else Pool.load(pool)
        self.objective = Objective.of(objective)
        self.budget, self.total_flops, self.top, self.resident = budget, None, top, resident
        self.warnings = ()
        self._settings, self._policies = settings, dict(policies or {})
        self._solvers: OrderedDict[str, Solver] = OrderedDict()
        self._flying: Counter[str] = Counter()
        self._door = threading.Lock()
        self._arm, self._changes = "", dict[str, Any]()
        self.plan = Plan(
            "route-and-vote", {"top": top, "objective": asdict(self.objective)}, budget.n, "pool", vote="majority",
            seed=settings.get("seed", 0), extract=settings.get("extract", "boxed"),
            kind=Chosen.of(settings.get("kind", "auto"), settings.get("allow_code", False)).fixed,
        )  # fmt: skip
        self._check_arms()

    def variant(self, budget: Budget | None = None, **changes: Any) -> PoolSolver:
        """Return a solver with other settings over the same pool; both share what is loaded.

        Args:
            budget: another one.
            changes: of ``vote``, ``aggregate``, ``extract``, ``seed``, ``top``, ``parameters`` of the strategies, and
                ``arm``, which alone is then asked, with the budget's N.

        Raises:
            TTSError: for anything that a user can mend.
        """
        other = copy(self)
        parameters = {**self._changes.get("parameters", {}), **changes.pop("parameters", {})}
        other.budget, other._arm = budget or self.budget, changes.pop("arm", self._arm)
        other.top = parameters.pop("top", changes.pop("top", self.top))
        if other.top < 1:
            raise BadInput(f"top is a whole number, 1 or more, not {other.top}.")
        other._changes = self._changes | changes | ({"parameters": parameters} if parameters else {})
        known = {name: value for name, value in other._changes.items() if name in ("seed", "vote", "extract")}
        if other._arm:
            arm = self.pool.arm(other._arm)
            if budget is None and arm.n:
                other.budget = replace(other.budget, n=arm.n)
            known |= {"policy": arm.policy, "prm": arm.prm, "strategy": arm.strategy}
        else:
            parameters = {**self.plan.parameters, "top": other.top, **parameters}
        other.plan = replace(self.plan, n=other.budget.n, parameters=parameters, **known)
        other._check_arms()
        return other

    @property
    def models(self) -> tuple[Policy | RewardModel, ...]:
        """Return the models that are loaded now."""
        return tuple(model for solver in list(self._solvers.values()) for model in solver.models)

    def recipe(self) -> dict[str, Any]:
        if self._file is None or self._policies:
            raise BadInput("the pool or a policy of it is a Python object, which cannot be sent: name the pool's file.")
        budget = self.budget
        return {
            "pool": self._file, "objective": asdict(self.objective), "top": self.top, "resident": self.resident,
            "budget": budget.n, "max_tokens": budget.max_tokens, "max_flops": budget.max_flops,
            "max_seconds": budget.max_seconds, "max_cost": budget.max_cost, **self._settings,
        }  # fmt: skip

    async def decide(self, text: str) -> Decision:
        """Decide which model and which search answer a problem within the budget; no model runs."""
        return await self.pool.decide(text, self.budget, self.objective)

    async def rank(self, text: str) -> list[Expected]:
        """Return the predictions of all arms for a problem, best first; those beyond the budget come last."""
        return (await self.decide(text)).order

    async def policy(self, arm: str, problem: Problem) -> Policy:
        """Return the loaded policy of an arm; it stays loaded until the problem that requested it is solved."""
        solver = await self._loaded(self.pool.arm(arm))
        _in_use.get().append(arm)
        return solver.policy_for(problem)

    async def _solve(self, problem: Problem, share: Share, listener: Listener | None = None) -> Solution:
        if self._arm:
            return await self._asked(self.pool.arm(self._arm), problem, share, listener)
        decision = await self.decide(problem.text)
        notes, passed = [_FITTED] if self.pool.fitted_on(problem.text) else [], set[str]()
        last: TTSError | None = None
        for arm in decision.order:
            try:
                solution = await self._solved(arm, problem, share, listener)
            except (EngineError, ModelError, CannotCall) as error:
                last = error
                passed.add(arm.arm)
                notes.append(f"{arm.arm} could not be used, so the next best model was asked: {error}")
                continue
            reason = f"routed to {decision.without(passed).reason}; {solution.plan.reason}"
            return replace(solution, plan=replace(solution.plan, reason=reason), warnings=(*notes, *solution.warnings))
        if isinstance(last, CannotCall):
            raise last
        raise EngineError(f"no model of this pool could be used; {notes[-1]}")

    async def _solved(self, arm: Expected, problem: Problem, share: Share, listener: Listener | None) -> Solution:
        return await self._asked(self.pool.arm(arm.arm), problem, share, listener)

    async def _asked(self, arm: Arm, problem: Problem, share: Share, listener: Listener | None) -> Solution:
        solver = await self._loaded(arm)
        used = [arm.name]
        _in_use.set(used)
        try:
            return await self._adapted(solver, arm)._solve(problem, replace(share, reload=True), listener)
        finally:
            self._flying.subtract(used)

    def _adapted(self, solver: Solver, arm: Arm) -> Solver:
        """Return an arm's solver with the settings of this variant, and the team that votes together."""
        changes, team = dict(self._changes), self.top > 1 and arm.strategy == "majority" and not self._arm
        if team:
            own = changes.pop("parameters", {})
            changes |= {"strategy": resolve("strategy", "route-and-vote")(top=self.top, team=self, **own)}
        elif not changes and not self._arm:
            return solver
        n = self.budget.n if self._arm else min(arm.n or self.budget.n, self.budget.n)
        return solver.variant(replace(self.budget, n=n), **changes)

    def warm_up(self) -> None:
        """Do nothing: models are loaded when a problem is routed to them."""

    def shared(self, problems: int, spent: float = 0.0) -> SharedBudget:
        return SharedBudget.of(self.budget, None, problems, None, spent)

    # -- models ------------------------------------------------------------------------------------------------------

    async def _loaded(self, arm: Arm) -> Solver:
        """Return the arm's solver with loaded models, marked as busy; others are unloaded to make room."""
        while True:
            busy = sum(self._flying.values())
            try:
                return await aside(self._load_arm, arm)
            except NotEnoughMemory:
                if not busy and not sum(self._flying.values()):  # one that has just ended can make room next time
                    raise
                await asyncio.sleep(_PATIENCE)  # until a busy model can make room

    def _load_arm(self, arm: Arm) -> Solver:
        with self._door:
            solver = self._solvers.pop(arm.name, None) or self._solver(arm)
            while True:
                try:
                    if self.resident is not None and len(self._solvers) >= self.resident:
                        raise NotEnoughMemory(f"{self.resident} models are loaded, and all of them are at work.")
                    solver.load()
                except NotEnoughMemory:
                    if not self._evict():
                        raise
                else:
                    self._solvers[arm.name] = solver  # the last one is the one used most recently
                    self._flying[arm.name] += 1
                    return solver

    def _evict(self) -> bool:
        """Unload the least recently used idle arm; False if there is none."""
        for name in self._solvers:
            if not self._flying[name]:
                self._solvers.pop(name).unload()
                return True
        return False

    def _solver(self, arm: Arm) -> Solver:
        n = min(arm.n or self.budget.n, self.budget.n)
        given = {key: value for key, value in self._settings.items() if key != "vote" or arm.strategy == "majority"}
        return Solver(
            self._policies.get(arm.name, arm.policy), arm.prm or None, arm.strategy, replace(self.budget, n=n),
            prices=arm.prices, **given,
        )  # fmt: skip

    def _check_arms(self) -> None:
        """Refuse a pool with an unknown model, before anything is loaded."""
        for name in self._policies:
            self.pool.arm(name)
        for arm in self.pool.arms:
            resolve("strategy", arm.strategy)
            if arm.name not in self._policies:
                find(arm.policy, "policy")
            if arm.prm:
                find(arm.prm, "prm")
            if self.budget.max_cost is not None and arm.prices is None:
                raise BadInput(
                    f"the prices of {arm.name} are not in the pool, so a ceiling of dollars cannot be kept: fit it "
                    f"with --price {arm.name}=INPUT,OUTPUT."
                )


_FITTED = "this problem is one of those that the pool was fitted on: what it expects here is too good."
