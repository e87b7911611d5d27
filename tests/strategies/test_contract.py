"""The contract of every strategy on every engine. A new one is included by its name in the registry."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from tests.selection.profiles import ladder
from tests.toy import ToyPolicy, ToyReward
from tts import Solver, registry
from tts.aio import Stop, together
from tts.budget import INTERRUPTED, MAX_FLOPS, MAX_SECONDS, MAX_TOKENS, Budget
from tts.errors import EngineError
from tts.protocols import Completion, Policy, Request, RewardModel
from tts.search.run import run
from tts.search.strategy import strategy_type
from tts.selection.profile_file import save
from tts.types import Plan, Problem, Solution

STRATEGIES = registry.names("strategy")
Engine = Callable[[], tuple[Policy, RewardModel]]
PROBLEM = Problem("how far")
OTHERS = [Problem(f"how far {k}") for k in range(3)]


@pytest.fixture(params=["toy", "transformers", "vllm"])
def engine(request: pytest.FixtureRequest) -> Engine:
    if request.param == "toy":
        return lambda: (ToyPolicy(), ToyReward())
    fixture = "tiny_models" if request.param == "transformers" else "vllm_models"
    models: tuple[Policy, RewardModel] = request.getfixturevalue(fixture)
    return lambda: models


@pytest.fixture(autouse=True)
def profiles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Measured curves for every engine's models, so that ``auto`` takes all its ways."""
    monkeypatch.chdir(tmp_path)
    for policy, prm in (("toy", "toy-prm"), ("policy", "prm")):
        save(ladder(policy, prm), f"{policy}.json")


def made(strategy: str, policy: Policy, reward: RewardModel, budget: Budget, **parameters: Any) -> Solver:
    profile = f"{policy.name}.json" if strategy == "auto" else None
    return Solver(policy, reward, strategy, budget, profile=profile, **parameters)


def solve(
    strategy: str, engine: Engine, budget: Budget | None = None, problem: Problem = PROBLEM, **parameters: Any
) -> Solution:
    policy, reward = engine()
    solver = made(strategy, policy, reward, budget or Budget(8), **parameters)
    return asyncio.run(solver.solve(problem))


WIDTHS = (1, 2, 7, 8)
TOKENS = (1, 5, 20, 40, 60)  # ceilings
SHARES = (0.01, 0.3, 0.6, 0.9)  # ceilings: shares of the FLOPs of a search that has none
SEEDS = (1, 1, 2)


@dataclass(frozen=True)
class Runs:
    """What a strategy finds on one engine: many searches side by side, which is much faster."""

    of_width: dict[int, Solution]
    of_seed: list[Solution]
    of_tokens: dict[int, Solution]
    of_flops: dict[float, Solution]
    of_problem: dict[str, str | None]

    @property
    def unbound(self) -> Solution:
        return self.of_width[8]

    @classmethod
    async def made(cls, strategy: str, engine: Engine) -> Runs:
        policy, reward = engine()

        async def solved(budgets: list[Budget]) -> list[Solution]:
            return await together(made(strategy, policy, reward, budget).solve(PROBLEM) for budget in budgets)

        async def streamed() -> dict[str, str | None]:
            stream = made(strategy, policy, reward, Budget(8)).stream([PROBLEM, *OTHERS], 3)
            return {solution.problem.id: solution.answer async for _, solution in stream}

        seeded = (made(strategy, policy, reward, Budget(8), seed=seed).solve(PROBLEM) for seed in SEEDS)
        widths, seeds, tokens, answers = await asyncio.gather(
            solved([Budget(n) for n in WIDTHS]),
            together(seeded),
            solved([Budget(8, max_tokens=ceiling) for ceiling in TOKENS]),
            streamed(),
        )
        of_width = dict(zip(WIDTHS, widths, strict=True))
        most = of_width[8].usage.flops
        flops = await solved([Budget(8, max_flops=most * share) for share in SHARES])
        of_flops = {most * share: solution for share, solution in zip(SHARES, flops, strict=True)}
        return cls(of_width, seeds, dict(zip(TOKENS, tokens, strict=True)), of_flops, answers)


RUNS: dict[tuple[str, str], Runs] = {}


@pytest.fixture
def runs(strategy: str, engine: Engine, request: pytest.FixtureRequest) -> Runs:
    """The searches of a strategy on an engine, run once; those of all strategies that are tested, side by side."""
    name = request.node.callspec.params["engine"]
    if (strategy, name) not in RUNS:
        tested = {item.callspec.params.get("strategy") for item in request.session.items if hasattr(item, "callspec")}
        wanted = [each for each in STRATEGIES if each in tested]
        found = asyncio.run(together(Runs.made(each, engine) for each in wanted))
        RUNS.update({(each, name): made for each, made in zip(wanted, found, strict=True)})
    return RUNS[strategy, name]


def bytes_of(solution: Solution) -> str:
    """The whole trace but for the seconds, which no two runs share."""
    lines = solution.trace.lines()
    end = next(solution.trace.of("end"))
    end["usage"]["seconds"] = 0.0
    return "\n".join([*lines[:-1], json.dumps(end)])


def events_of(solution: Solution) -> list[Any]:
    return [json.loads(line) for line in bytes_of(solution).splitlines()]


def alike(one: Any, other: Any) -> bool:
    """Equal but for what an engine rounds differently from batch to batch: the last digits of numbers."""
    if isinstance(one, float) and isinstance(other, float):
        return one == pytest.approx(other, rel=1e-5)
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(alike(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(alike, one, other))
    return bool(one == other)


@pytest.mark.parametrize("strategy", STRATEGIES)
class TestEveryStrategyOnEveryEngine:
    def test_never_samples_more_than_n_at_any_depth(self, runs: Runs) -> None:
        for n, solution in runs.of_width.items():
            depth_of: dict[str, int] = {}
            for key, node in solution.trace.nodes().items():
                depth_of[key] = depth_of.get(node["parent"], 0) + 1
            assert max(Counter(depth_of.values()).values()) <= n

    def test_the_trace_is_a_tree_below_the_prompt(self, runs: Runs) -> None:
        nodes = runs.unbound.trace.nodes()
        assert nodes
        for node in nodes.values():
            seen = set()
            while not node["parent"].endswith("/"):
                assert node["key"] not in seen
                seen.add(node["key"])
                assert nodes[node["parent"]]["finish"] == "step", "only an open node has children"
                node = nodes[node["parent"]]

    def test_a_budget_of_one_works(self, runs: Runs) -> None:
        assert len(runs.of_width[1].candidates) <= 1
        assert runs.of_width[1].stopped == "complete"

    def test_candidates_are_leaves_of_the_trace_and_only_finished_ones_have_answers(self, runs: Runs) -> None:
        nodes = runs.unbound.trace.nodes()
        parents = {node["parent"] for node in nodes.values()}
        for candidate in runs.unbound.candidates:
            assert candidate.key in nodes
            assert candidate.key not in parents
            assert candidate.answer is None or candidate.finished

    def test_the_same_seed_gives_the_same_trace_and_another_seed_another(self, runs: Runs) -> None:
        first, second, third = map(events_of, runs.of_seed)
        assert alike(first, second)
        assert not alike(first, third)

    def test_a_recorded_search_replays_to_the_same_bytes(self, runs: Runs) -> None:
        recorded = runs.unbound
        again = asyncio.run(Solver.replay(recorded.trace).solve(PROBLEM))
        assert bytes_of(again) == bytes_of(recorded)
        assert again.candidates == recorded.candidates
        assert replace(again.usage, seconds=0) == replace(recorded.usage, seconds=0)

    def test_sampled_tokens_never_pass_their_ceiling(self, runs: Runs) -> None:
        for ceiling, solution in runs.of_tokens.items():
            assert solution.usage.policy_tokens <= ceiling
            assert solution.stopped == MAX_TOKENS or runs.unbound.usage.policy_tokens <= ceiling

    def test_flops_never_pass_their_ceiling(self, strategy: str, runs: Runs) -> None:
        for ceiling, solution in runs.of_flops.items():
            assert solution.usage.flops <= ceiling
            assert solution.stopped == MAX_FLOPS or strategy == "auto", "auto may choose what the ceiling allows"

    def test_a_search_cut_by_its_budget_replays_too(self, runs: Runs) -> None:
        for recorded in runs.of_tokens.values():
            assert bytes_of(asyncio.run(Solver.replay(recorded.trace).solve(PROBLEM))) == bytes_of(recorded)

    def test_many_problems_side_by_side_give_what_each_gives_alone(
        self, strategy: str, engine: Engine, runs: Runs
    ) -> None:
        alone = {problem.id: solve(strategy, engine, problem=problem).answer for problem in OTHERS}
        assert runs.of_problem == alone | {PROBLEM.id: runs.unbound.answer}


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_failing_problem_leaves_the_others(strategy: str) -> None:
    class Fails(ToyPolicy):
        async def generate(self, request: Request) -> Completion:
            if request.problem.text == "bad":
                await asyncio.sleep(0)
                raise EngineError("the engine broke.")
            return await super().generate(request)

    solver = made(strategy, Fails(slip=0.0), ToyReward(), Budget(4))

    async def collect() -> list[Solution]:
        found = {k: s async for k, s in solver.stream(["good", "bad", "", "fine"], 2)}
        return [found[k] for k in sorted(found)]

    good, bad, empty, fine = asyncio.run(collect())
    assert good.answer == fine.answer == "3"
    assert bad.error == "the engine broke."
    assert empty.error is not None
    assert "empty" in empty.error


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_deadline_ends_the_search_and_what_was_cut_replays(strategy: str) -> None:
    solver = made(strategy, ToyPolicy(delay=0.05), ToyReward(), Budget(4, max_seconds=0.03))
    recorded = asyncio.run(solver.solve(PROBLEM))
    assert recorded.stopped == MAX_SECONDS
    again = asyncio.run(Solver.replay(recorded.trace).solve(PROBLEM))
    assert again.stopped == MAX_SECONDS
    assert again.candidates == recorded.candidates


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_an_interrupted_search_ends_with_what_it_has_and_replays(strategy: str) -> None:
    class Impatient(ToyPolicy):
        async def generate(self, request: Request) -> Completion:
            if len(self.calls) == 3:
                await asyncio.sleep(0.02)  # what was asked before ends
                stop.ask()
                await asyncio.sleep(60)
            return await super().generate(request)

    stop, steps = Stop(), {"max_steps": 1} if strategy_type(strategy).stepwise else {}
    solver = made(strategy, Impatient(slip=0.9), ToyReward(), Budget(16), **steps)
    recorded = asyncio.run(solver.solve(PROBLEM, stop))
    assert recorded.stopped == INTERRUPTED
    assert recorded.candidates
    again = asyncio.run(Solver.replay(recorded.trace).solve(PROBLEM))
    assert again.stopped == INTERRUPTED
    assert again.candidates == recorded.candidates
    assert again.usage == replace(recorded.usage, seconds=0.0)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_finished_samples_survive_a_deadline(strategy: str) -> None:
    class Uneven(ToyPolicy):
        async def generate(self, request: Request) -> Completion:
            if request.key.endswith("1") or request.key.startswith("1/"):  # one sample, or one fork
                await asyncio.sleep(5)
            return await super().generate(request)

    steps = {"max_steps": 1} if strategy_type(strategy).stepwise else {}
    solver = made(strategy, Uneven(slip=0.0), ToyReward(), Budget(4, max_seconds=1), **steps)
    solution = asyncio.run(solver.solve(PROBLEM))
    assert solution.stopped == MAX_SECONDS
    assert solution.answer == "3"
    assert asyncio.run(Solver.replay(solution.trace).solve(PROBLEM)).candidates == solution.candidates


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_results_do_not_depend_on_how_fast_anything_runs(strategy: str) -> None:
    class Jittery(ToyPolicy):
        async def generate(self, request: Request) -> Completion:
            await asyncio.sleep((request.seed % 7) / 2000)
            return await super().generate(request)

    class Late(ToyReward):
        async def score(self, problem: Problem, node: Any, seen: int) -> tuple[float, ...]:
            await asyncio.sleep((hash(node.key) % 5) / 2000)
            return await super().score(problem, node, seen)

    for budget in (Budget(8), Budget(8, max_tokens=70), Budget(8, max_flops=2e6)):
        even = solve(strategy, lambda: (ToyPolicy(), ToyReward()), budget)
        uneven = solve(strategy, lambda: (Jittery(), Late()), budget)
        assert bytes_of(even) == bytes_of(uneven)


def test_run_builds_the_strategy_from_the_plan() -> None:
    plan = Plan("best-of-n", n=3, policy="toy", prm="toy-prm")
    solution = asyncio.run(run(PROBLEM, plan, ToyPolicy(), ToyReward(), Budget(3)))
    assert len(solution.candidates) == 3
