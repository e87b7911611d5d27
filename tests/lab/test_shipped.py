"""The built-in models: the engine reads them as trained, and their accuracy is as expected."""

from __future__ import annotations

import asyncio

import pytest

from benchmarks.lab.policy import Encoder
from tests.command_line import MIA
from tests.nodes import chain
from tts import Solver, solve
from tts.engines.load import load_policy, load_reward
from tts.types import Node, Problem, Step

ROOT = Node(Step(MIA, (1,)), "/")
RIGHT = (
    "Add 25: 17+25=42.\n\n",
    "Triple it: 42*3=126.\n\n",
    "Take away 9: 126-9=117.\n\n",
    "The answer is \\boxed{117}.",
)
# Where the first slip is (from 0), and the solution. Seven in ten slips are found (see the card of lab-prm).
SLIPS = {
    "a wrong sum": (0, ("Add 25: 17+25=52.", "Triple it: 52*3=156.", "Take away 9: 156-9=147.")),
    "another operation": (1, ("Add 25: 17+25=42.", "Double it: 42*2=84.", "Take away 9: 84-9=75.")),
    "a wrong product": (1, ("Add 25: 17+25=42.", "Triple it: 42*3=129.", "Take away 9: 129-9=120.")),
}


def test_the_engine_reads_as_many_tokens_as_training_did() -> None:
    core = Encoder().core
    prompt = f"<s><|user|>{MIA}<|assistant|>"
    whole = prompt + "".join(step.strip() + "<extra_0>" for step in RIGHT)
    lengths = load_reward("lab-prm").lengths(Problem(MIA), chain(RIGHT, ROOT))
    assert lengths[0] == len(core.encode(prompt, add_special_tokens=False).ids)
    assert sum(lengths) == len(core.encode(whole, add_special_tokens=False).ids)
    assert list(load_policy("lab-1m").prompt(Problem(MIA)).tokens) == core.encode(prompt, add_special_tokens=False).ids


def test_the_reward_model_trusts_a_right_solution() -> None:
    scores = asyncio.run(load_reward("lab-prm").score(Problem(MIA), chain(RIGHT, ROOT), 0))
    assert all(score > 0.9 for score in scores)


@pytest.mark.parametrize("slip", SLIPS)
def test_the_reward_model_tells_a_slip_from_the_step_on_where_it_is_made(slip: str) -> None:
    first, steps = SLIPS[slip]
    scores = asyncio.run(load_reward("lab-prm").score(Problem(MIA), chain(steps, ROOT), 0))
    assert all(score > 0.9 for score in scores[:first])
    assert all(score < 0.1 for score in scores[first:])


def test_every_policy_solves_a_problem_typed_by_hand() -> None:
    for name in ("lab-200k", "lab-1m", "lab-4m"):
        assert solve(MIA, policy=name, strategy="best-of-n", budget=16).answer == "117"


def test_names_and_things_they_never_saw_do_no_harm() -> None:
    text = "Zebulon has 17 zorkmids. He wins 25 more, and gives 9 away. How many are left?"
    solution = asyncio.run(Solver(budget=16).solve(text))
    assert solution.answer == "33"
    assert solution.warnings == ()
