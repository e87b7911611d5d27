"""Solving with a scope: the answer outside is marked, everywhere alike."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.command_line import MIA, Tts
from tests.selection.profiles import KNOWN, curve, ladder
from tests.toy import ToyPolicy, ToyReward
from tts import Solver
from tts.budget import Budget
from tts.engines.load import load_policy
from tts.records.solution_json import as_row
from tts.search.scoping import independent
from tts.selection.profile import Advance, Ending, Stage
from tts.selection.profile_file import save
from tts.selection.scope.scope import Scope
from tts.selection.scope.text import Reference
from tts.types import Candidate, Finish, Node, Problem, Solution

STRANGE = "A lottery draws 6 of 49 balls. How many different draws are possible?"


@pytest.fixture(scope="module")
def solved() -> dict[str, Solution]:
    solver = Solver(budget=4)
    return {text: asyncio.run(solver.solve(text)) for text in (MIA, STRANGE)}


def test_a_known_problem_has_no_mark_and_a_calibrated_confidence(solved: dict[str, Solution]) -> None:
    solution = solved[MIA]
    assert solution.scope is not None
    assert not solution.scope.outside
    assert solution.warnings == ()
    assert solution.confidence == solution.scope.right
    assert solution.confidence > 0.8
    assert solution.scope.basis == "text, scores, likelihood"


def test_an_unknown_problem_is_marked_with_a_real_model_to_take(solved: dict[str, Solution]) -> None:
    solution = solved[STRANGE]
    assert solution.scope is not None
    assert solution.scope.outside
    assert solution.confidence < 0.5
    [warning] = solution.warnings
    assert warning.startswith("probably wrong")
    assert "--policy llama-3.2-3b" in warning
    assert "lottery" in warning
    assert "% [" not in solution.plan.reason


def test_rows_carry_the_scope(solved: dict[str, Solution]) -> None:
    row = as_row(solved[STRANGE])
    assert row["scope"]["outside"] is True
    assert row["confidence"] == row["scope"]["right"]


def test_a_replay_gives_the_same_scope(solved: dict[str, Solution]) -> None:
    again = asyncio.run(Solver.replay(solved[STRANGE].trace).solve(STRANGE))
    assert again.scope == solved[STRANGE].scope
    assert again.trace.lines()[1:-1] == solved[STRANGE].trace.lines()[1:-1]


def test_surprisals_are_those_of_the_model_whatever_is_read_with_them() -> None:
    import torch
    from transformers import AutoModelForCausalLM

    from tts.models.files import BUILT_IN

    policy = load_policy("lab-1m", engine="transformers", device="cpu")
    problems = [Problem(MIA), Problem("Tom has 5 eggs. He eats 2. How many eggs are left?")]
    nodes = [Node(policy.prompt(problem), "/") for problem in problems]

    async def both() -> list[tuple[float, ...] | None]:
        asked = [policy.surprisal(problem, node) for problem, node in zip(problems, nodes, strict=True)]
        return list(await asyncio.gather(*asked))

    model = AutoModelForCausalLM.from_pretrained(BUILT_IN / "lab-1m", dtype=torch.float32)
    for node, values in zip(nodes, asyncio.run(both()), strict=True):
        ids = torch.tensor([node.tokens])
        with torch.inference_mode():
            log = model(ids).logits[0, :-1].log_softmax(-1)
        expected = -log[torch.arange(ids.shape[1] - 1), ids[0, 1:]]
        assert values == pytest.approx(expected.tolist(), abs=1e-3)


def test_candidates_that_share_steps_count_once() -> None:
    candidates = [Candidate(key, (), Finish.STOP) for key in ("/0.0", "/0.1", "/1.0", "/2")]
    assert independent(candidates, elected=1) == [1, 2, 3]  # of the first two the elected one
    assert independent(candidates, elected=3) == [0, 2, 3]


def test_a_scope_that_judges_the_text_alone_takes_the_rate_of_the_profile() -> None:
    solution = asyncio.run(Solver("lab-200k", budget=4).solve(MIA))
    assert solution.scope is not None
    assert solution.scope.basis == "text, profile"
    assert solution.confidence == solution.scope.right
    [*_, last] = solution.trace.of("plan")
    [chosen] = [option["right"] for option in last["options"] if option["chosen"]]
    assert solution.confidence == pytest.approx(chosen * solution.scope.inside, abs=1e-4)


def test_without_a_profile_such_a_scope_gives_no_probability_of_the_answer(tts: Tts) -> None:
    options = ["--policy", "lab-200k", "--strategy", "particle-filter", "--budget", "4"]
    row = json.loads(tts("solve", *options, "--json", MIA).out)
    assert (row["scope"]["basis"], row["scope"]["right"]) == ("text", None)
    shown = " ".join(tts("solve", *options, MIA).out.split())
    assert "that it is right" not in shown
    assert "of the lineage vote of 4 finished solutions" in shown


def with_profile(
    tmp_path: Path, scope: Scope | None = None, vote: str | None = None, aggregate: str | None = None, **ceilings: Any
) -> Solution:
    save(replace(ladder("toy", "toy-prm"), scope=scope), tmp_path / "toy.json")
    asked: dict[str, Any] = {"budget": Budget(8, **ceilings), "vote": vote, "aggregate": aggregate}
    return asyncio.run(Solver(ToyPolicy(), ToyReward(), profile=tmp_path / "toy.json", **asked).solve("how far"))


@pytest.mark.parametrize(
    "scope", [None, Scope("toy", "", Reference.of(["how far", "how high"]), limits={"unknown": 0.5})]
)
def test_a_policy_without_a_scope_takes_the_rate_of_its_profile(scope: Scope | None, tmp_path: Path) -> None:
    solution = with_profile(tmp_path, scope)
    assert solution.scope is not None
    assert (solution.scope.before, solution.scope.inside, solution.scope.basis) == (None, None, "profile")
    [*_, last] = solution.trace.of("plan")
    [chosen] = [option["right"] for option in last["options"] if option["chosen"]]
    assert solution.confidence == solution.scope.right == pytest.approx(chosen, abs=1e-4)
    assert solution.scope.doubtful == (chosen < 0.5)
    assert "% [" in solution.plan.reason, "the rates hold here"


def test_far_from_the_profiles_problems_or_cut_short_its_rate_is_not_taken(tmp_path: Path) -> None:
    far = Scope("toy", "", Reference.of(["how high"]), limits={"unknown": 0.1})
    for solution in (with_profile(tmp_path, far), with_profile(tmp_path, max_tokens=8)):
        assert solution.scope is None
        assert solution.confidence == (solution.votes[0].share if solution.votes else 0.0)


@pytest.mark.parametrize(
    ("vote", "aggregate", "counted"), [("majority", "min", True), ("weighted", None, False), ("best", None, False)]
)
def test_the_rate_of_the_profiles_vote_is_not_that_of_another_one(
    vote: str, aggregate: str | None, counted: bool, tmp_path: Path
) -> None:
    assert with_profile(tmp_path).plan.vote == "majority"
    solution = with_profile(tmp_path, vote=vote, aggregate=aggregate)
    assert solution.plan.vote == vote
    assert (solution.scope is not None) == counted
    assert ("% [" in solution.plan.reason) == counted
    if not counted:
        assert solution.confidence == solution.votes[0].share


def test_a_problem_with_a_schema_has_neither_the_rates_of_a_profile_nor_a_scope(tmp_path: Path) -> None:
    save(replace(ladder("toy", "toy-prm"), scope=Scope("toy", "", Reference.of(["how far"]))), tmp_path / "toy.json")
    solver = Solver(ToyPolicy(), ToyReward(), budget=Budget(8), profile=tmp_path / "toy.json")
    solution = asyncio.run(solver.solve(Problem("how far", schema='{"type": "object"}')))
    assert (solution.scope, solution.confidence, solution.answer) == (None, 0.0, None)
    assert "% [" not in solution.plan.reason


@pytest.mark.parametrize(("slip", "right"), [(0.0, 0.95), (0.95, 0.25)])
def test_once_all_samples_are_drawn_the_rate_of_those_that_agree_as_they_do_is_expected(
    tmp_path: Path, slip: float, right: float
) -> None:
    """The decision expects 0.8 or 0.9 of the ending; its four samples are a stage, in which 0.95 or 0.25 were right."""
    best = Ending("best-of-n", 4, curve(0.8, 0.9), (4e5, 4e5))
    first, *_, last = ladder("toy", "toy-prm").stages
    looked = Stage(2, True, (0.6,), (0.5, 0.5), curve(0.3, 0.5), **KNOWN, vote="weighted", endings=(best,))
    stages = (
        replace(first, advances=(Advance(2, True, (9e4,), ((0.5, 0.5),)),)), looked,
        replace(last, right=curve(0.25, 0.95), endings=()),
    )  # fmt: skip
    save(replace(ladder("toy", "toy-prm"), stages=stages), tmp_path / "toy.json")
    solver = Solver(ToyPolicy(slip=slip), ToyReward(), budget=Budget(8), profile=tmp_path / "toy.json")
    solution = asyncio.run(solver.solve("how far"))
    assert [event["strategy"] for event in solution.trace.of("plan")][-1] == "best-of-n"
    assert len(solution.candidates) == 4
    assert solution.scope is not None
    assert solution.confidence == solution.scope.right == right
