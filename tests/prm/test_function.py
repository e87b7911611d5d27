"""A Python function as a reward model."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from prm.function import FunctionReward
from tests.toy import ToyPolicy
from tts import Solver, solve
from tts.errors import BadInput, EngineError

RIGHT = "\\boxed{3}"


def knows(problem: str, solution: str) -> float:
    return 0.9 if RIGHT in solution else 0.1


async def knows_async(problem: str, solution: str) -> float:
    await asyncio.sleep(0)
    return knows(problem, solution)


def no_slip(problem: str, steps: Sequence[str]) -> list[float]:
    return [0.1 if "#" in "".join(steps[: k + 1]) else 0.9 for k in range(len(steps))]


@pytest.mark.parametrize("function", [knows, knows_async])
def test_a_function_scores_whole_solutions_and_weighs_their_votes(function: Any) -> None:
    solution = solve("how far", policy=ToyPolicy(slip=0.6), prm=function, strategy="best-of-n", budget=16)
    assert solution.answer == "3"  # 0.4 ** 3 = 6 % of the samples are right, and their votes weigh nine times as much
    assert {c.score for c in solution.candidates} == {0.9, 0.1}
    assert (solution.plan.prm, solution.usage.prm_flops) == (function.__name__, 0)


def test_a_function_of_steps_steers_a_beam_search() -> None:
    solution = solve("how far", policy=ToyPolicy(depth=6, slip=0.4), prm=no_slip, strategy="beam-search", budget=16)
    assert solution.answer == "6"
    assert all(len(c.scores) == len(c.steps) for c in solution.candidates)


def test_a_function_of_solutions_cannot_steer_a_beam_search() -> None:
    with pytest.raises(BadInput, match="scores finished solutions only"):
        solve("how far", policy=ToyPolicy(), prm=knows, strategy="beam-search")


def test_a_ceiling_of_flops_holds_beside_a_function_which_costs_none() -> None:
    free = solve("how far", policy=ToyPolicy(), prm=knows, strategy="best-of-n", budget=8)
    half = solve(
        "how far", policy=ToyPolicy(), prm=knows, strategy="best-of-n", budget=8, max_flops=free.usage.flops / 2
    )
    assert 0 < half.usage.flops <= free.usage.flops / 2


@pytest.mark.parametrize(
    ("function", "sentence"),
    [
        (lambda problem, solution: math.nan, r"returned nan: a score is a number from 0 to 1"),
        (lambda problem, solution: "good", r"returned 'good': a score is a number from 0 to 1"),
        (lambda problem, solution: 7.0, r"returned 7.0: a score is a number from 0 to 1"),
        (lambda problem, solution: 1 / 0, r"failed with ZeroDivisionError: division by zero"),
        (lambda problem, steps: [0.5], r"must return 4 scores, one a step, not \[0.5\]"),
    ],
)
def test_what_a_function_gets_wrong_is_one_sentence(function: Any, sentence: str) -> None:
    with pytest.raises(EngineError, match=sentence):
        solve("how far", policy=ToyPolicy(slip=0.0), prm=function, strategy="best-of-n", budget=2)


async def test_a_function_that_hangs_is_given_up() -> None:
    async def hangs(problem: str, solution: str) -> float:
        await asyncio.sleep(60)
        return 1.0

    solver = Solver(ToyPolicy(), FunctionReward(hangs, seconds=0.05), "best-of-n", 2)
    with pytest.raises(EngineError, match=r"hangs took more than 0\.05 s"):
        await solver.solve("how far")


def test_a_function_with_other_arguments_is_refused_before_any_work() -> None:
    policy = ToyPolicy()
    with pytest.raises(BadInput, match=r"define it as \(problem, solution\) -> score"):
        solve("how far", policy=policy, prm=lambda solution: 1.0)
    assert policy.calls == []


def test_a_function_by_name_runs_only_where_that_is_allowed(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text("def score(problem, solution):\n    return 1.0\n")
    with pytest.raises(BadInput, match="allow it with --allow-code"):
        Solver(ToyPolicy(), f"{file}:score")
    assert Solver(ToyPolicy(), f"{file}:score", allow_code=True).plan.prm == f"{file}:score"
    with pytest.raises(BadInput, match="has no function 'scores'"):
        Solver(ToyPolicy(), f"{file}:scores", allow_code=True)
    with pytest.raises(BadInput, match="cannot be imported"):
        Solver(ToyPolicy(), "no_such_module_of_mine:score", allow_code=True)
