"""The built-in models: the engine reads them as trained, and their accuracy is as expected."""

from __future__ import annotations

import asyncio
import itertools
import random

import pytest

from benchmarks.lab import corruption
from benchmarks.lab.policy import Encoder
from benchmarks.word_problems.generate import stream
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
# Where the first slip is (from 0), and the solution.
SLIPS = {
    "a wrong sum": (0, ("Add 25: 17+25=52.", "Triple it: 52*3=156.", "Take away 9: 156-9=147.")),
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


@pytest.mark.parametrize("kind", sorted(set(corruption.KINDS)))
def test_of_forty_planted_slips_the_reward_model_finds_nine_in_ten(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first wrong step scores below 0.5; an operation, a number or a step may be another than the problem's."""
    monkeypatch.setattr(corruption, "KINDS", (kind,))
    rng, problems = random.Random(3), stream(31, (1, 1, 1, 0, 0), "validation")
    drawn = (corruption.corrupt(problem, rng, 0.3) for problem in problems)
    slipped = list(itertools.islice((s for s in drawn if not s.labels[-1]), 40))
    reward = load_reward("lab-prm")

    async def all_scores() -> list[tuple[float, ...]]:
        nodes = [chain(tuple(f"{step}\n\n" for step in solution.steps), ROOT) for solution in slipped]
        asked = [reward.score(Problem(s.problem), node, 0) for s, node in zip(slipped, nodes, strict=True)]
        return list(await asyncio.gather(*asked))

    firsts = [solution.labels.index(False) for solution in slipped]
    found = sum(scores[at] < 0.5 for scores, at in zip(asyncio.run(all_scores()), firsts, strict=True))
    assert found >= 36


def test_every_policy_solves_a_problem_typed_by_hand() -> None:
    for name in ("lab-200k", "lab-1m", "lab-2m", "lab-4m"):
        assert solve(MIA, policy=name, strategy="best-of-n", budget=16).answer == "117"


def test_names_and_things_they_never_saw_do_no_harm() -> None:
    text = "Zebulon has 17 zorkmids. He wins 25 more, and gives 9 away. How many are left?"
    solution = asyncio.run(Solver(budget=16).solve(text))
    assert solution.answer == "33"
    assert solution.warnings == ()
