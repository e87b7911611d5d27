"""The strategy that CONTRIBUTING.md shows is a real one: it finds answers, keeps to its budget and replays."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest

from tests.markdown import ROOT, blocks
from tests.toy import ToyPolicy, ToyReward
from tts import Solver
from tts.budget import Budget, Ledger
from tts.search.search import Search
from tts.trace import Trace
from tts.types import Node, Problem


@pytest.fixture(scope="module")
def best_first() -> Any:
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    [block] = [block for block in blocks(page) if "strategy" in block.notes]
    namespace: dict[str, Any] = {"__name__": "example"}
    exec(compile(block.code, f"CONTRIBUTING.md:{block.line}", "exec"), namespace)
    return namespace["BestFirst"]


def run(strategy: Any, budget: Budget, seed: int = 0) -> tuple[list[Node], Search]:
    search = Search.start(Problem("how far"), ToyPolicy(), ToyReward(), Ledger.of(budget), Trace(), budget.n, seed)
    return asyncio.run(strategy(search)), search


@pytest.mark.parametrize("n", [1, 2, 3, 4, 8, 16])
def test_the_shown_strategy_finishes_solutions_within_its_width(best_first: Any, n: int) -> None:
    leaves, search = run(best_first(), Budget(n=n))
    assert leaves
    assert all(leaf.finished for leaf in leaves)
    at_depth = Counter(key.count(".") for key in search.trace.nodes())
    assert max(at_depth.values()) <= n


def test_the_shown_strategy_goes_on_from_the_best_prefix(best_first: Any) -> None:
    _, search = run(best_first(), Budget(n=8))
    nodes = search.trace.nodes()
    second = next(event["parent"] for event in search.trace.of("sample") if event["parent"] != "/")
    open_firsts = [n for n in nodes.values() if n["parent"] == "/" and n["finish"] == "step"]
    assert nodes[second]["score"] == max(n["score"] for n in open_firsts)


@pytest.mark.parametrize("tokens", [1, 2, 5, 9])
def test_the_shown_strategy_ends_by_itself_when_the_tokens_do(best_first: Any, tokens: int) -> None:
    _, search = run(best_first(), Budget(n=8, max_tokens=tokens))
    assert search.usage.policy_tokens <= tokens
    assert search.stopped == "max_tokens"


def test_the_shown_strategy_does_the_same_twice(best_first: Any) -> None:
    (_, first), (_, second) = (run(best_first(), Budget(n=8), seed=7) for _ in range(2))
    assert first.trace.lines() == second.trace.lines()


async def test_the_shown_strategy_solves(best_first: Any) -> None:
    solution = await Solver(ToyPolicy(), ToyReward(), best_first()).solve("how far")
    assert (solution.answer, solution.stopped) == ("3", "complete")
