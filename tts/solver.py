"""The solver: settings in, a plan and loaded models; then a solution for each problem."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from copy import copy
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from tts.aio import Mailbox, Stop, aside, background
from tts.answers.kinds.chosen import Chosen, Given
from tts.answers.kinds.kind import Extraction, Kind
from tts.budget import INTERRUPTED, MAX_SECONDS, Budget
from tts.cost import Prices
from tts.engines.load import Loading
from tts.engines.offering import Offering
from tts.engines.replay import ReplayPolicy, load_replay
from tts.errors import BadInput, EmptyProblem, EngineDied, TTSError
from tts.files.text import legible
from tts.model_pair import ModelPair, Pair, check_models
from tts.models.policies import DEFAULT_ORCHESTRATOR, DEFAULT_POLICY
from tts.planning import Wish, plain, planned, reward_of
from tts.protocols import Policy, RewardModel, as_policy
from tts.recipe import Arguments, recipe
from tts.registry import resolve
from tts.search.recorded import settings_of
from tts.search.run import run
from tts.search.strategy import Strategy
from tts.selection.shared_budget import Share, SharedBudget, check_total
from tts.tools.next_turn import bound
from tts.tools.preference import Preference
from tts.tools.structured import instructed
from tts.tools.tool_file import toolbox_of
from tts.trace import Event, Listener, Trace
from tts.types import Problem, Solution, Usage


class Solver:
    """A policy, a reward model and a plan, ready for any number of problems.

    The models are loaded with the first problem, once per process: two solvers with the same models share them.

    Args:
        policy: a short name (``tts models`` lists them), a hub id, a local folder, or a Policy of your own: inherit
            :class:`tts.protocols.Policy`. By default ``lab-2m``, and with tools ``lab-orchestrator``.
        prm: the same for the reward model; ``"auto"`` takes the one recommended for the policy, None goes without. A
            Python function ``(problem, solution) -> score`` serves as one (:mod:`prm.function`).
        strategy: a name (``tts strategies`` lists them), with parameters such as ``dvts:granularity=2``, or a Strategy;
            by default ``auto``, which chooses by measured curves or by the published rule (docs/SELECTOR.md).
        budget: N, the number of samples, or a whole Budget.
        max_tokens: most tokens the policy may sample for one problem.
        max_flops: most FLOPs of policy and reward model together for one problem.
        max_seconds: most seconds for one problem; of a single one, the time to load the models is a part.
        max_cost: most dollars for one problem, by ``prices``; a request is billed its whole prompt.
        prices: what the policy's server bills: :class:`tts.cost.Prices`, or ``INPUT,OUTPUT`` in dollars per million
            tokens.
        total_flops: FLOPs for all problems of a call together, which ``auto`` divides where they bring most.
        profile: the measured curves that ``auto`` goes by, a file; by default those that ship for these models.
        dataset: where the problems come from, as the published rule wants to know; such as ``aime24``.
        vote: ``majority``, ``best`` or ``weighted``; by default the strategy's own.
        aggregate: how step scores become one: ``last``, ``min``, ``prod`` or ``mean``.
        extract: how answers are found. ``auto``: the last box, else a stated answer, else the last quantity, where a
            weaker find votes only if no candidate has a stronger one; ``boxed``: boxes only; ``last-number``.
        kind: what kind the answers are: ``math``, ``number``, ``choice``, ``one-of:yes,no``, ``text``,
            ``instructions``, ``code``, ``tool`` or ``tool:id,time``, which leaves these fields out, a registered name,
            a subclass of :class:`tts.answers.kinds.kind.Kind`, a function ``(a, b) -> bool``, or the name of either,
            ``module:function`` (with ``allow_code``). ``auto`` guesses it from each problem, whose own kind comes first
            (docs/KINDS.md).
        seed: of the sampling.
        engine: ``auto`` or the name of an engine.
        device: where the models run, such as ``cpu`` or ``cuda:1``; by default a GPU when there is one.
        dtype: of the weights, such as ``float32``; by default what suits the device.
        prm_device: where the reward model runs, when that is elsewhere.
        gpu_memory: the part of a GPU's memory that both models together may take (vLLM).
        engine_args: further arguments of the engine, see :class:`tts.engines.load.Loading`.
        prm_parameters: parameters of a judge (``criteria``, ``repeats``) or a confidence (``window``), by name.
        allow_code: functions that ``prm`` and ``kind`` name as ``module:function`` may be imported and run, and the
            functions and programs that a file of tools names.
        tools: what the policy may call, one or a list: functions, ``model:NAME``, ``folder:PATH``, ``mcp://FILE.py``,
            an MCP server's address, ``python``, or a file ``tools.toml`` (:func:`tts.tools.tool_file.open_tools`). With
            tools the default strategy is ``orchestrate``.
        prefer: weights over quality, cost and latency that the policy reads in its prompt, such as ``{"cost": 0.5}``.
        only, deny: names or kinds of tools that alone, or never, may be called; ``local`` is what has no price and runs
            on this machine.
        parameters: further parameters of the strategy, such as ``beam_width=8`` or ``temperature=0.6``.

    Raises:
        TTSError: for anything that a user can mend; the sentence says how.
    """

    def __init__(
        self,
        policy: str | Policy | None = None,
        prm: str | RewardModel | Callable[[str, Any], Any] | None = "auto",
        strategy: str | Strategy | None = None,
        budget: int | Budget = 16,
        *,
        max_tokens: int | None = None,
        max_flops: float | None = None,
        max_seconds: float | None = None,
        max_cost: float | None = None,
        prices: str | Prices | None = None,
        total_flops: float | None = None,
        profile: str | Path | None = None,
        dataset: str = "",
        vote: str | None = None,
        aggregate: str | None = None,
        extract: str = "auto",
        kind: Given = "auto",
        seed: int = 0,
        engine: str = "auto",
        device: str | None = None,
        dtype: str | None = None,
        prm_device: str | None = None,
        gpu_memory: float = 0.9,
        engine_args: Mapping[str, Any] | None = None,
        allow_code: bool = False,
        prm_parameters: Mapping[str, Any] | None = None,
        tools: Any = None,
        prefer: str | Mapping[str, float] | None = None,
        only: str | Iterable[str] = (),
        deny: str | Iterable[str] = (),
        **parameters: Any,
    ) -> None:
        if not isinstance(budget, Budget):
            budget = Budget(budget, max_tokens, max_flops, max_seconds, max_cost=max_cost)
        elif not (max_tokens is max_flops is max_seconds is max_cost is None):
            raise BadInput("give the ceilings either in the Budget or as arguments, not both.")
        self._given = Arguments(
            prm if isinstance(prm, str) else None, allow_code, dict(prm_parameters or {}),
            {"tools": tools, "prefer": prefer, "only": only, "deny": deny},
        )  # fmt: skip
        prm = reward_of(prm, allow_code, prm_parameters)
        self._toolbox = toolbox_of(tools, Preference.of(prefer, only, deny), budget, allow_code)
        strategy = "orchestrate" if strategy is None and self._toolbox else strategy
        if policy is None:
            policy = DEFAULT_ORCHESTRATOR if self._toolbox else DEFAULT_POLICY
        policy = policy if isinstance(policy, str) else as_policy(policy)
        self.budget, self.total_flops = budget, total_flops
        prices = Prices.parse(prices) if isinstance(prices, str) else prices
        loading = Loading(engine, device, prm_device, dtype, gpu_memory, engine_args or {})
        self._offering = Offering(self._toolbox)
        self._make_plan(
            Wish(
                policy=policy, prm=prm, strategy=strategy, n=budget.n, vote=vote, aggregate=aggregate, extract=extract,
                kind=Chosen.of(kind, allow_code), seed=seed, dataset=dataset, parameters=parameters,
                profile=None if profile is None else str(profile), tools=self._toolbox is not None,
            )
        )  # fmt: skip
        self._pair = ModelPair(policy, self.planned.prm, loading, prices, self._check)

    def _make_plan(self, wish: Wish) -> None:
        self._wish = plain(wish)
        self.planned = planned(self._wish)
        self.plan, self.strategy, self.warnings = self.planned.plan, self.planned.strategy, self.planned.warnings
        check_total(self.total_flops, self.budget, self.plan.strategy, self.strategy.adaptive)

    @classmethod
    def replay(cls, trace: Trace | str, **changes: Any) -> Solver:
        """Build a solver that answers from a recorded trace (or its file), with the recorded plan.

        ``changes`` are arguments of Solver that should differ, such as ``vote="best"``. Models come from the trace,
        unless ``changes`` name others. Raises BadInput for a trace that sets anything but its plan.
        """
        policy, reward = load_replay(trace)
        head = next(policy.traces[next(iter(policy.traces))].of("start"))
        recorded = settings_of(head, inspect.signature(cls).parameters, changes.get("strategy"))
        return cls(**{**recorded, "policy": policy, "prm": reward, **changes})

    def variant(self, budget: Budget | None = None, **changes: Any) -> Solver:
        """Return a solver with other settings that shares the models of this one, and what is loaded of them.

        Args:
            budget: another one.
            changes: of ``strategy``, ``profile``, ``vote``, ``aggregate``, ``extract``, ``kind``, ``seed``,
                ``alternatives``, the number of likeliest tokens whose log-probabilities come with each token of a
                candidate, or ``parameters``, a mapping that is added to the parameters of this solver, if the strategy
                stays the same.

        Raises:
            TTSError: for anything that a user can mend, as the constructor does.
        """
        before = {} if "strategy" in changes else self._wish.parameters
        if "kind" in changes:
            same = changes["kind"] == self._wish.kind.name
            changes["kind"] = self._wish.kind if same else Chosen.of(changes["kind"])
        changes["parameters"] = {**before, **changes.get("parameters", {})}
        other = copy(self)
        other.budget = budget or self.budget
        other._make_plan(replace(self._wish, n=other.budget.n, **changes))
        other._pair = self._pair.variant(other.planned.prm, other._check)
        return other

    def recipe(self) -> dict[str, Any]:
        """Return arguments, as JSON types, from which :func:`solver_of` builds an equal solver in another process.

        Raises BadInput for a solver that was given an object: only names and numbers can be sent.
        """
        pair = self._pair
        return recipe(self._wish, self._given, self.budget, self.total_flops, pair.loading, pair.prices)

    @property
    def kind(self) -> Chosen:
        """Return the kind of the answers, as the user chose it."""
        return self._wish.kind

    def load(self) -> Pair:
        """Return both models; load them if they are not loaded, or if an engine's process has ended."""
        return self._pair.load()

    def policy_for(self, problem: Problem) -> Policy:
        """Return the policy that samples a problem: loaded, and with the tools that it may call."""
        return self._offering.to(self.load()[0], problem)[0]

    def unload(self) -> None:
        """Release the memory of both models; the next problem loads them again."""
        self._pair.close()

    @property
    def models(self) -> tuple[Policy | RewardModel, ...]:
        """Return the models of this solver if they are loaded and alive; else nothing."""
        return tuple(model for model in self._pair.ready or () if model is not None)

    def warm_up(self) -> None:
        """Load what every problem needs, before the first one."""
        self.load()

    def _check(self, policy: Policy, reward: RewardModel | None) -> None:
        check_models(self.planned, self.budget, self.total_flops, self._wish.alternatives, policy, reward)

    async def solve(
        self, problem: str | Problem, stop: Stop | None = None, listener: Listener | None = None
    ) -> Solution:
        """Solve one problem; once ``stop`` is asked for, with what there is by then. ``listener`` hears its events."""
        return await self._solve(as_problem(problem), replace(self.shared(1).open(), stop=stop), listener)

    async def watch(self, problem: str | Problem) -> AsyncGenerator[Event | Solution, None]:
        """Solve one problem; yield each event of its trace (:mod:`tts.trace`) as it happens, and the Solution last.

        Closing the generator, or cancelling the task that iterates over it, ends the search at once: what is being
        sampled leaves the engine's batch.
        """
        heard: Mailbox[Event] = Mailbox()
        search = asyncio.create_task(self._solve(as_problem(problem), self.shared(1).open(), heard.put))
        search.add_done_callback(lambda _: heard.close())
        try:
            async for event in heard:
                yield event
            yield await search
        finally:
            search.cancel()
            await asyncio.gather(search, return_exceptions=True)

    async def _solve(self, problem: Problem, share: Share, listener: Listener | None = None) -> Solution:
        problem, kind, guessed = self._wish.kind.framed(instructed(problem))
        replayed = isinstance(self._pair.policy, ReplayPolicy) or self._pair.loading.replays
        clock: Callable[[], float] = (lambda: 0.0) if replayed else time.monotonic  # a replay takes no time
        begun = clock()
        try:
            within = None if replayed else share.budget.max_seconds
            policy, reward = await (share.stop or Stop()).before(self._prepared(problem, share.reload), within)
        except TimeoutError:
            return self._too_late(problem, clock() - begun, share.stop is not None and share.stop.asked)
        policy, tools = self._offering.to(policy, problem)
        models = [model for model in (policy, reward) if model]
        notes = [model.warn(problem) for model in models] + [self._toolbox.warning if self._toolbox else None]
        search = run(
            problem,
            replace(self.plan, kind=kind),
            policy,
            reward,
            share.budget,
            strategy=self.strategy,
            clock=clock,
            waited=clock() - begun,
            warnings=(*self.warnings, *filter(None, [guessed, *notes, self.planned.known(problem), share.warning])),
            listener=listener,
            made=partial(self._kind_of, kind),
            tools=tools,
            scope=self.planned.scope,
            alternatives=self._wish.alternatives,
            stop=share.stop,
        )
        here = tools is not None and not tools.background
        elsewhere = not here and all(model.background for model in models)
        return await (background().run(search) if elsewhere else search)

    def _kind_of(self, name: str, problem: Problem, extract: Extraction) -> Kind:
        return bound(self._wish.kind.make(name, problem, extract))

    async def _prepared(self, problem: Problem, reload: bool) -> Pair:
        """Return both models, ready for a problem. Without ``reload``, a process that has ended raises EngineDied."""
        if not reload:
            self._pair.require_alive()  # other problems may still wait for it
        if (ready := self._pair.ready) is None:
            ready = await aside(self.load)
        for model in ready:
            if model is not None:
                await model.prepare(problem)
        return ready

    def _too_late(self, problem: Problem, seconds: float, interrupted: bool) -> Solution:
        late = "the models were not ready within max_seconds: allow more, or load them first."
        stopped, warning = (INTERRUPTED, "the models were not ready yet.") if interrupted else (MAX_SECONDS, late)
        usage, warnings = Usage(seconds=seconds), (*self.warnings, warning)
        return Solution(problem, None, 0.0, (), self.plan, usage, stopped, Trace(), warnings=warnings)

    def shared(self, problems: int, spent: float = 0.0) -> SharedBudget:
        """Return the budget of so many problems, of whose FLOPs ``spent`` are already used."""
        return SharedBudget.of(self.budget, self.total_flops, problems, self.planned.profile, spent)

    async def stream(
        self,
        problems: Iterable[str | Problem],
        concurrency: int = 32,
        *,
        spent: float = 0.0,
        listener: Listener | None = None,
    ) -> AsyncGenerator[tuple[int, Solution], None]:
        """Solve many problems concurrently, yielding ``(index, solution)`` as they finish.

        At most ``concurrency`` problems are in flight and no more are taken from ``problems``. One that fails comes as
        a Solution with its ``error`` set; the others go on. What concerns them all, such as a model that cannot be
        loaded, raises. With ``total_flops`` all problems are taken at once, to be counted; ``spent`` is what an earlier
        call took of these FLOPs. What a problem may then cost depends on which others have ended, so that with more
        than one in flight two runs may differ. ``listener`` hears the events of all searches, from any thread.
        """
        await aside(self.warm_up)
        if self.total_flops is not None:
            problems = list(problems)
        shared = self.shared(len(problems) if isinstance(problems, list) else 1, spent)
        waiting = enumerate(problems)
        flying: dict[asyncio.Task[Solution], int] = {}
        try:
            while True:
                while len(flying) < concurrency and (item := next(waiting, None)) is not None:
                    index, problem = item
                    flying[asyncio.create_task(self._guarded(problem, shared, listener))] = index
                if not flying:
                    return
                done, _ = await asyncio.wait(flying, return_when=asyncio.FIRST_COMPLETED)
                finished = sorted(done, key=flying.__getitem__, reverse=True)
                del done  # solutions are large: none is held while the next ones are solved
                while finished:
                    task = finished.pop()
                    yield flying.pop(task), task.result()
                    del task
        finally:
            for task in flying:
                task.cancel()
            await asyncio.gather(*flying, return_exceptions=True)

    async def _guarded(self, problem: str | Problem, shared: SharedBudget, listener: Listener | None) -> Solution:
        share, flops = shared.open(), 0
        try:
            solution = await self.attempt(problem, share, listener)
            flops = solution.usage.flops
            return solution
        finally:
            shared.close(share, flops)

    async def attempt(self, problem: str | Problem, share: Share, listener: Listener | None = None) -> Solution:
        """Solve one problem of many within its share; a failure becomes a Solution with its ``error`` set.

        Raises EngineDied, which concerns every problem.
        """
        try:
            return share.named(await self._solve(as_problem(problem), replace(share, reload=False), listener))
        except EngineDied:
            raise
        except Exception as failure:
            error = str(failure) if isinstance(failure, TTSError) else f"{type(failure).__name__}: {failure}"
            return self.failed(problem, error)

    def failed(self, problem: str | Problem, error: str) -> Solution:
        """Return the solution of a problem that ended in this error."""
        given = problem if isinstance(problem, Problem) else Problem(legible(problem))
        return Solution(given, None, 0.0, (), self.plan, Usage(), "error", Trace(), error=error)


def solver_of(settings: Mapping[str, Any]) -> Solver:
    """Build the solver of these settings; over a pool if they name one."""
    kind = resolve("solver", "pool") if settings.get("pool") is not None else Solver
    made: Solver = kind(**settings)
    return made


def as_problem(problem: str | Problem) -> Problem:
    """Return a problem with a question. Raises BadInput for another type, EmptyProblem without a text."""
    if not isinstance(problem, (str, Problem)):
        raise BadInput(f"a problem is a text or a Problem, not a {type(problem).__name__}; solve_many takes several.")
    made = problem if isinstance(problem, Problem) else Problem(problem)
    if not made.text.strip():
        raise EmptyProblem
    return made
