"""The Python call: ``solve``, ``solve_async``, ``solve_many``, and ``Solver``, of which they are thin wrappers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable, Mapping
from contextlib import aclosing
from dataclasses import fields
from typing import Any, TypeVar

from tts import models as cards
from tts.aggregate import AGGREGATES
from tts.budget import Budget
from tts.engines import Loading, load_both, load_policy, load_reward
from tts.engines.replay import ReplayPolicy, ReplayReward, load_replay
from tts.errors import BadInput, EngineDied, TTSError, UnknownName
from tts.families import family_of
from tts.protocols import Policy, RewardModel, Strategy
from tts.registry import resolve
from tts.scores import refusal
from tts.solver import build, parameters_of, run
from tts.trace import Trace
from tts.types import Plan, Problem, Solution, Usage

T = TypeVar("T")


class Solver:
    """A policy, a reward model and a plan, ready for any number of problems.

    The models are loaded when the first problem comes, once a process: two solvers with the same models share them.

    Args:
        policy: a short name (``tts models`` lists them), a hub id, a local folder, or a Policy.
        prm: the same for the reward model; ``"auto"`` takes the one recommended for the policy, None goes without.
        strategy: a name (``tts strategies`` lists them) or a Strategy; by default beam search, or, for a policy that
            thinks at length before it answers, majority (best-of-n where a reward model is named).
        budget: N, the number of samples, or a whole Budget.
        max_tokens: most tokens the policy may sample for one problem.
        max_flops: most FLOPs of policy and reward model together for one problem.
        max_seconds: most seconds for one problem.
        vote: ``majority``, ``best`` or ``weighted``; by default the strategy's own.
        aggregate: how step scores become one: ``last``, ``min``, ``prod`` or ``mean``.
        extract: how answers are found: ``boxed``, or ``last-number`` where a solution has no box.
        seed: of the sampling.
        engine: ``auto`` or the name of an engine.
        device: where the models run, such as ``cpu`` or ``cuda:1``; by default a GPU when there is one.
        dtype: of the weights, such as ``float32``; by default what suits the device.
        prm_device: where the reward model runs, when that is elsewhere.
        gpu_memory: the part of a GPU's memory that both models together may take (vLLM).
        engine_args: further arguments of the engine, see :class:`tts.engines.Loading`.
        parameters: further parameters of the strategy, such as ``beam_width=8`` or ``temperature=0.6``.

    Raises:
        TTSError: for anything that a user can mend; the sentence says how.
    """

    def __init__(
        self,
        policy: str | Policy = cards.DEFAULT_POLICY,
        prm: str | RewardModel | None = "auto",
        strategy: str | Strategy | None = None,
        budget: int | Budget = 16,
        *,
        max_tokens: int | None = None,
        max_flops: float | None = None,
        max_seconds: float | None = None,
        vote: str | None = None,
        aggregate: str | None = None,
        extract: str = "boxed",
        seed: int = 0,
        engine: str = "auto",
        device: str | None = None,
        dtype: str | None = None,
        prm_device: str | None = None,
        gpu_memory: float = 0.9,
        engine_args: Mapping[str, Any] | None = None,
        **parameters: Any,
    ) -> None:
        if not isinstance(budget, Budget):
            budget = Budget(budget, max_tokens, max_flops, max_seconds)
        elif not (max_tokens is max_flops is max_seconds is None):
            raise BadInput("give the ceilings either in the Budget or as arguments of their own, not both.")
        self.budget = budget
        self._loading = Loading(engine, device, prm_device, dtype, gpu_memory, engine_args or {})
        self._policy, self._reward = policy, prm
        self._models: tuple[Policy, RewardModel | None] | None = None
        self.plan, self.strategy = self._planned(strategy, vote, aggregate, extract, seed, parameters)
        self.warnings = tuple(filter(None, (getattr(self.strategy, "note", ""), self._thinking_note())))
        self._refuse_outcomes()

    @classmethod
    def replay(cls, trace: Trace | str, **changes: Any) -> Solver:
        """A solver that answers from a recorded trace (or its file) with the plan it was recorded with.

        ``changes`` are arguments of Solver that should differ, such as ``vote="best"``.
        """
        policy, reward = load_replay(trace)
        head = next(policy.traces[next(iter(policy.traces))].of("start"))
        plan, budget = head["plan"], Budget(**head["budget"])
        settings = {key: plan[key] for key in ("strategy", "vote", "aggregate", "seed", "extract") if key in plan}
        return cls(**{"policy": policy, "prm": reward, "budget": budget, **settings, **plan["parameters"], **changes})

    def load(self) -> tuple[Policy, RewardModel | None]:
        """Both models, loaded now if they were not yet, or if an engine's process has ended since."""
        if (ready := self._ready()) is None:
            ready = self._load()
            self._check(*ready)
            self._models = ready
        return ready

    def _ready(self) -> tuple[Policy, RewardModel | None] | None:
        models = self._models
        return models if models and all(getattr(model, "alive", True) for model in models) else None

    def _load(self) -> tuple[Policy, RewardModel | None]:
        prm = self._reward if self.plan.prm else None
        if isinstance(self._policy, str) and isinstance(prm, str):
            return load_both(self._policy, prm, self._loading)
        policy = load_policy(self._policy, self._loading) if isinstance(self._policy, str) else self._policy
        return policy, load_reward(prm, self._loading) if isinstance(prm, str) else prm

    def _refuse_outcomes(self) -> None:
        """A search by steps has no use for a model that judges whole solutions: said before anything is loaded."""
        if not self.plan.prm or not getattr(self.strategy, "stepwise", False):
            return
        prm: Any = self._reward
        if isinstance(prm, str):
            card = cards.find(prm, "prm")
            prm = family_of(card) if card.family else None
        if getattr(prm, "outcome", False):
            raise refusal(self.plan.prm)

    def _check(self, policy: Policy, reward: RewardModel | None) -> None:
        """Refuse what these models cannot do for this plan, before any work."""
        if getattr(self.strategy, "stepwise", False) and not getattr(policy, "steps", True):
            raise BadInput(
                f"{policy.name} is behind a chat-only server, which cannot go on from a step: "
                f"use best-of-n or majority, not {self.plan.strategy}."
            )
        unknown = next((model.name for model in (policy, reward) if model and not model.shape.active), None)
        if self.budget.max_flops is not None and unknown:
            raise BadInput(
                f"the size of {unknown} is not known here, so a ceiling of FLOPs cannot be kept: leave it out."
            )

    async def solve(self, problem: str | Problem) -> Solution:
        """Solve one problem."""
        problem = as_problem(problem)
        if not problem.text.strip():
            raise BadInput("the problem is empty: give a question to be answered.")
        if (ready := self._ready()) is None:
            ready = await asyncio.to_thread(self.load)
        policy, reward = ready
        if (prepare := getattr(policy, "prepare", None)) is not None:  # what a server has to be asked for first
            await prepare(problem)
        told = [warn(problem) for model in (policy, reward) if (warn := getattr(model, "warn", None)) is not None]
        return await run(
            problem,
            self.plan,
            policy,
            reward,
            self.budget,
            strategy=self.strategy,
            clock=_standing_still if isinstance(policy, ReplayPolicy) else time.monotonic,
            warnings=(*self.warnings, *filter(None, told)),
        )

    async def stream(
        self, problems: Iterable[str | Problem], concurrency: int = 32
    ) -> AsyncGenerator[tuple[int, Solution], None]:
        """Solve many side by side, yielding ``(index, solution)`` as they end.

        At most ``concurrency`` problems are in flight and no more are taken from ``problems``. One that fails comes as
        a Solution with its ``error`` set; the others go on. What concerns them all, such as a model that cannot be
        loaded, raises.
        """
        await asyncio.to_thread(self.load)
        waiting = enumerate(problems)
        flying: dict[asyncio.Task[Solution], int] = {}
        try:
            while True:
                while len(flying) < concurrency and (item := next(waiting, None)) is not None:
                    index, problem = item
                    flying[asyncio.create_task(self._guarded(as_problem(problem)))] = index
                if not flying:
                    return
                done, _ = await asyncio.wait(flying, return_when=asyncio.FIRST_COMPLETED)
                for task in sorted(done, key=flying.__getitem__):
                    yield flying.pop(task), task.result()
        finally:
            for task in flying:
                task.cancel()
            await asyncio.gather(*flying, return_exceptions=True)

    async def _guarded(self, problem: Problem) -> Solution:
        try:
            return await self.solve(problem)
        except EngineDied:  # concerns every problem
            raise
        except Exception as failure:
            error = str(failure) if isinstance(failure, TTSError) else f"{type(failure).__name__}: {failure}"
            return Solution(problem, None, 0.0, (), self.plan, Usage(), "error", Trace(), error=error)

    def _planned(
        self,
        strategy: str | Strategy | None,
        vote: str | None,
        aggregate: str | None,
        extract: str,
        seed: int,
        parameters: dict[str, Any],
    ) -> tuple[Plan, Strategy]:
        if aggregate is not None and aggregate not in AGGREGATES:
            raise UnknownName("aggregation", aggregate, AGGREGATES)
        if vote is not None:
            resolve("vote", vote)
        resolve("extraction", extract)
        card = cards.find(self._policy, "policy") if isinstance(self._policy, str) else None
        reason = "as asked for" if strategy else "the default"
        if strategy is None:
            strategy = card.strategy if card else "beam-search"
            if card and card.thinking:
                reason = f"{card.name} thinks at length before it answers: whole solutions vote"
                strategy = strategy if self._reward in ("auto", None) else "best-of-n"
        if isinstance(strategy, str):
            known = parameters_of(strategy)
            defaults = {**_sampling(card), "n": self.budget.n, "aggregate": aggregate or "last"}
            parameters = {name: value for name, value in defaults.items() if name in known} | parameters
            built = build(Plan(strategy, parameters))
        elif parameters:
            raise BadInput("give the parameters to the strategy itself when you pass one.")
        else:
            built = strategy
        settings = {f.name: getattr(built, f.name) for f in fields(built)}  # type: ignore[arg-type]
        prm = self._prm_name(card, getattr(built, "needs_reward", True))
        plan = Plan(
            strategy=strategy if isinstance(strategy, str) else type(strategy).__name__,
            parameters=settings,
            policy=card.name if card else getattr(self._policy, "name", ""),
            prm=prm,
            vote=vote or (str(getattr(built, "vote", "weighted")) if prm else "majority"),
            aggregate=aggregate or settings.get("aggregate", "last"),
            seed=seed,
            reason=reason,
            extract=extract,
        )
        return plan, built

    def _thinking_note(self) -> str:
        """A sentence for who lets a reward model judge a policy that thinks at length."""
        card = cards.find(self._policy, "policy") if isinstance(self._policy, str) else None
        if card is None or not card.thinking or not self.plan.prm:
            return ""
        prm = self._reward if isinstance(self._reward, str) else None
        beyond = f" (and of none beyond {cards.find(prm, 'prm').context:,} tokens)" if prm else ""
        return (
            f"{card.name} thinks at length, its steps are the paragraphs of its thinking, and {self.plan.prm} was "
            f"trained on short worked solutions: its scores are of little worth here{beyond}; majority is advised."
        )

    def _prm_name(self, card: cards.ModelCard | None, needed: bool) -> str:
        if needed and self._reward is None:
            raise BadInput("this strategy needs a reward model: name one with prm, or use majority.")
        if not needed or self._reward is None:
            return ""
        if not isinstance(self._reward, str):
            return self._reward.name
        if self._reward != "auto":
            return cards.find(self._reward, "prm").name
        if card is None or not card.prm:
            raise BadInput("no reward model is recommended for this policy: name one with prm, or use majority.")
        self._reward = card.prm
        return card.prm


def solve(problem: str | Problem, **settings: Any) -> Solution:
    """Answer one problem by search. The settings are those of :class:`Solver`.

    >>> solve("Mia has 17 marbles. She wins 25 more. How many has she now?").answer
    '42'

    Raises:
        TTSError: for anything that a user can mend; also when called inside a running event loop.
    """
    return _blocking(lambda: solve_async(problem, **settings), "solve_async")


async def solve_async(problem: str | Problem, **settings: Any) -> Solution:
    """``solve`` for code that already runs in an event loop."""
    return await Solver(**settings).solve(problem)


def solve_many(
    problems: Iterable[str | Problem],
    *,
    concurrency: int = 32,
    on_solution: Callable[[int, Solution], None] | None = None,
    **settings: Any,
) -> list[Solution]:
    """Answer many problems side by side, in the order given.

    Args:
        problems: texts or Problems.
        concurrency: most problems in flight.
        on_solution: called with index and solution as each one ends, in the order in which they end.
        settings: those of :class:`Solver`.

    Returns:
        One solution a problem; one that failed has its ``error`` set.
    """

    async def collect() -> list[Solution]:
        solutions: dict[int, Solution] = {}
        async with aclosing(Solver(**settings).stream(problems, concurrency)) as stream:
            async for index, solution in stream:
                solutions[index] = solution
                if on_solution:
                    on_solution(index, solution)
        return [solutions[index] for index in sorted(solutions)]

    return _blocking(collect, "Solver.stream")


def as_problem(problem: str | Problem) -> Problem:
    return problem if isinstance(problem, Problem) else Problem(problem)


def _blocking(work: Callable[[], Coroutine[Any, Any, T]], instead: str) -> T:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work())
    raise BadInput(f"an event loop is already running here: use `await {instead}(...)` instead.")


def _sampling(card: cards.ModelCard | None) -> dict[str, Any]:
    """The settings that the model's authors advise, under the names that strategies know them by."""
    if card is None:
        return {}
    return {
        "temperature": card.temperature,
        "top_p": card.top_p,
        "step_tokens": card.max_step_tokens,
        "solution_tokens": card.max_tokens,
    }


def _standing_still() -> float:
    return 0.0


__all__ = ["ReplayPolicy", "ReplayReward", "Solver", "solve", "solve_async", "solve_many"]
