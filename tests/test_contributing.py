"""The strategy that CONTRIBUTING.md shows is a real one: it finds answers, keeps to its budget and replays."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from typing import Any

import pytest

from tests.markdown import ROOT, blocks
from tts.budget import Budget, Ledger
from tts.cost import ModelShape
from tts.protocols import Completion, Request
from tts.search import Search
from tts.trace import Trace
from tts.types import Finish, Node, Problem, Step, Until

SHAPE = ModelShape(parameters=100, active=100, layers=1, width=8)


class Dice:
    """A policy that throws a die a step and ends on a six, or after five steps. The seed decides."""

    name, shape, context = "dice", SHAPE, 64

    def prompt(self, problem: Problem) -> Step:
        return Step(problem.text, (0,))

    async def generate(self, request: Request) -> Completion:
        dice, steps, depth = random.Random(request.seed), list[Step](), request.node.depth
        while True:
            face = dice.randint(1, 6)
            steps.append(Step(f"{face}\n\n", (face,)))
            if face == 6 or depth + len(steps) == 5:
                return Completion(tuple(steps), Finish.STOP)
            if request.until is Until.STEP:
                return Completion(tuple(steps), Finish.STEP)
            if len(steps) == request.max_tokens:
                return Completion(tuple(steps), Finish.LENGTH)


class HighIsGood:
    """A reward model that likes high throws."""

    name, shape = "high-is-good", SHAPE

    def lengths(self, problem: Problem, node: Node) -> list[int]:
        return [1] * (1 + node.depth)

    async def score(self, problem: Problem, node: Node, seen: int) -> tuple[float, ...]:
        return tuple(step.tokens[0] / 6 for step in node.steps[seen:])


@pytest.fixture(scope="module")
def best_first() -> Any:
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    [block] = [block for block in blocks(page) if "strategy" in block.notes]
    namespace: dict[str, Any] = {"__name__": "example"}
    exec(compile(block.code, f"CONTRIBUTING.md:{block.line}", "exec"), namespace)
    return namespace["BestFirst"]


def run(strategy: Any, budget: Budget, seed: int = 0) -> tuple[list[Node], Search]:
    search = Search.start(Problem("Throw."), Dice(), HighIsGood(), Ledger.of(budget), Trace(), seed=seed)
    return asyncio.run(strategy(search)), search


@pytest.mark.parametrize("n", [1, 2, 3, 4, 8, 16])
def test_the_shown_strategy_finishes_solutions_within_its_width(best_first: Any, n: int) -> None:
    leaves, search = run(best_first(n=n), Budget(n=n))
    assert leaves
    assert all(leaf.finished for leaf in leaves)
    at_depth = Counter(event["key"].count(".") for event in search.trace.of("sample"))
    assert max(at_depth.values()) <= n


def test_the_shown_strategy_goes_on_from_the_best_prefix(best_first: Any) -> None:
    _, search = run(best_first(n=8), Budget(n=8))
    nodes = search.trace.nodes()
    second = next(event["parent"] for event in search.trace.of("sample") if event["parent"] != "/")
    open_firsts = [n for n in nodes.values() if n["parent"] == "/" and n["finish"] == "step"]
    assert nodes[second]["score"] == max(n["score"] for n in open_firsts)


@pytest.mark.parametrize("tokens", [1, 2, 5, 9])
def test_the_shown_strategy_ends_by_itself_when_the_tokens_do(best_first: Any, tokens: int) -> None:
    _, search = run(best_first(n=8), Budget(n=8, max_tokens=tokens))
    assert search.usage.policy_tokens <= tokens
    assert search.stopped == "max_tokens"


def test_the_shown_strategy_does_the_same_twice(best_first: Any) -> None:
    (_, first), (_, second) = (run(best_first(n=8), Budget(n=8), seed=7) for _ in range(2))
    assert first.trace.lines() == second.trace.lines()
