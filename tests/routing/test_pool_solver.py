"""Solving with a pool: routing, fallback, the objective, and the limits of memory and dollars."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import pytest

from tests.routing.samples import SUMS, WORDS, outcomes
from tests.toy import ToyPolicy
from tts import Pool, solve, solve_many
from tts.cost import Prices
from tts.errors import BadInput, EngineError, NotEnoughMemory, UnknownName
from tts.files.json_text import dump
from tts.pool_solver import PoolSolver
from tts.protocols import Completion, Policy, Request
from tts.records.solution_json import as_row
from tts.routing.arms import Arm

pytest.importorskip("sklearn", reason="fitting a pool needs scikit-learn")
NEW_SUM, NEW_WORD = "What is 30 plus 41 in total?", "Spell the word meadow backwards, letter 3."


def pool(**arms: Arm) -> Pool:
    return asyncio.run(Pool.fit(outcomes(), arms=arms.values()))


def toys(**slips: float) -> dict[str, Policy]:
    """A policy an arm; the answers of the adder are 3, of the speller 4, of the generalist 5, if they do not slip."""
    depths = {"adder": 3, "speller": 4, "generalist": 5}
    return {name: ToyPolicy(depth, slips.get(name, 0.0), name=name) for name, depth in depths.items()}


class Down(ToyPolicy):
    async def generate(self, request: Request) -> Completion:
        raise EngineError("http://example.invalid/v1 failed: no connection.")


def test_each_problem_is_answered_by_the_model_that_is_good_at_its_kind() -> None:
    solutions = solve_many([NEW_SUM, NEW_WORD], pool=pool(), policies=toys(), budget=4)
    assert [solution.answer for solution in solutions] == ["3", "4"]
    assert [solution.plan.policy for solution in solutions] == ["adder", "speller"]
    assert solutions[0].plan.reason.startswith("routed to adder: ")
    assert len(solutions[0].candidates) == 4


def test_the_objective_weighs_cost() -> None:
    assert solve(NEW_SUM, pool=pool(), policies=toys(), budget=2, objective={"cost": 5}).answer == "5"


def test_a_model_that_is_down_is_passed_over_and_named() -> None:
    policies = {**toys(), "adder": Down(name="adder")}
    solution = solve(NEW_SUM, pool=pool(), policies=policies, budget=2)
    assert solution.answer == "5"  # the generalist is the next best on sums
    assert solution.warnings == (
        "adder could not be used, so the next best model was asked: http://example.invalid/v1 failed: no connection.",
    )


def test_where_all_models_are_down_it_is_one_sentence() -> None:
    with pytest.raises(EngineError, match="no model of this pool"):
        solve(NEW_SUM, pool=pool(), policies={name: Down(name=name) for name in toys()}, budget=2)


def test_a_problem_that_the_pool_was_fitted_on_is_a_warning() -> None:
    assert "fitted on" in solve(SUMS[0], pool=pool(), policies=toys(), budget=1).warnings[0]


def test_the_best_models_share_the_samples_and_vote() -> None:
    # Each kind has one good arm, so its share is large; with three arms all 12 samples are dealt.
    solution = solve(NEW_SUM, pool=pool(), policies=toys(), budget=12, top=3)
    answers = [candidate.answer for candidate in solution.candidates]
    assert len(answers) == 12
    assert answers.count("3") > 6
    assert {event["policy"]["name"] for event in solution.trace.of("root")} <= {"speller", "generalist"}


def test_a_vote_of_several_models_can_be_written_down() -> None:
    solution = solve(NEW_SUM, pool=pool(), policies=toys(), budget=2, top=2)
    assert json.loads(dump(as_row(solution)))["plan"]["parameters"]["top"] == 2
    assert "team" not in solution.plan.parameters
    assert solution.trace.lines()


def test_variants_share_what_is_loaded_and_change_nothing_of_each_other() -> None:
    solver = PoolSolver(pool(), 4, policies=toys())
    one = solver.variant(arm="speller", seed=5, parameters={"temperature": 0.3})
    found = asyncio.run(one.solve(NEW_SUM))
    assert (found.answer, found.plan.seed, found.plan.parameters["temperature"]) == ("4", 5, 0.3)
    assert [model.name for model in solver.models] == ["speller"]
    routed = asyncio.run(solver.solve(NEW_WORD))
    assert (routed.plan.policy, routed.plan.seed, len(routed.candidates)) == ("speller", 0, 4)
    assert routed.plan.parameters["temperature"] != 0.3
    with pytest.raises(BadInput, match="top is a whole number, 1 or more, not 0"):
        solver.variant(top=0)


def test_an_arm_keeps_its_own_n_and_one_that_needs_more_than_the_budget_does_not_run() -> None:
    arms = {"adder": Arm("adder", "adder", "majority", 2), "speller": Arm("speller", "speller", "majority", 64)}
    solver = PoolSolver(pool(**arms), 8, policies=toys())
    assert len(asyncio.run(solver.solve(NEW_SUM)).candidates) == 2
    word = asyncio.run(solver.solve(NEW_WORD))
    assert (word.answer, len(word.candidates)) == ("5", 8)  # the generalist, at the budget's N
    assert "such as speller, which needs N = 64" in word.plan.reason


def test_where_every_arm_needs_a_larger_n_the_best_one_runs_with_less() -> None:
    wide = {name: Arm(name, name, "majority", 64) for name in toys()}
    solution = asyncio.run(PoolSolver(pool(**wide), 4, policies=toys()).solve(NEW_WORD))
    assert (solution.answer, len(solution.candidates)) == ("4", 4)
    assert "no arm is within the budget" in solution.plan.reason


def test_a_ceiling_keeps_out_arms_that_are_expected_to_pass_it() -> None:
    # The adder costs 0.01 of a unknown unit, the generalist 0.001; a ceiling of FLOPs between lets only the latter run.
    decision = pool().choose(NEW_SUM, 4, max_flops=0.005)
    assert decision.chosen.arm == "generalist"
    assert {each.arm: why for each, why in decision.refused}["adder"] == "costs 0.01 FLOPs"
    assert pool().choose(NEW_SUM, 4).chosen.arm == "adder"
    assert decision.row()["arm"]["n"] == 4


def test_auto_is_what_a_pool_does() -> None:
    assert solve(NEW_SUM, pool=pool(), policies=toys(), budget=2, strategy="auto").answer == "3"


class TestCost:
    PRICED: Mapping[str, Arm] = {
        name: Arm(name, name, prices=Prices(1000, 1000)) for name in toys()
    }  # 0.1 cent a token

    def test_a_ceiling_of_dollars_is_never_passed(self) -> None:
        # A sample reads 28 tokens of prompt and writes 20: 4.8 cents each; 10 cents buy two whole ones.
        solution = solve(NEW_SUM, pool=pool(**self.PRICED), policies=toys(), budget=16, max_cost=0.1)
        assert 0 < solution.usage.cost <= 0.1
        assert solution.stopped == "max_cost"
        assert solution.answer == "3"

    def test_dollars_are_those_of_every_request(self) -> None:
        solution = solve(NEW_SUM, pool=pool(**self.PRICED), policies=toys(), budget=4)
        read = 4 * len(NEW_SUM)
        assert solution.usage.cost == pytest.approx((read + solution.usage.policy_tokens) * 0.001)

    def test_a_ceiling_without_prices_is_refused(self) -> None:
        with pytest.raises(BadInput, match="prices of adder"):
            solve(NEW_SUM, pool=pool(), policies=toys(), max_cost=0.1)
        with pytest.raises(BadInput, match="prices of toy"):
            solve(NEW_SUM, policy=ToyPolicy(), prm=None, max_cost=0.1)

    def test_a_single_policy_has_prices_of_its_own(self) -> None:
        solution = solve("how far", policy=ToyPolicy(slip=0.0), prm=None, budget=1, prices="0,1000000")
        assert solution.usage.cost == solution.usage.policy_tokens


class TestMemory:
    """Models that report no memory where two are loaded."""

    class Loads(PoolSolver):
        def __init__(self, *arguments: Any, room: int = 1, **settings: Any) -> None:
            super().__init__(*arguments, **settings)
            self.room, self.here, self.log = room, list[str](), list[str]()

        def _solver(self, arm: Arm) -> Any:
            solver, outer = super()._solver(arm), self
            load, unload = solver.load, solver.unload

            def loading() -> Any:
                if arm.name not in outer.here:
                    if len(outer.here) >= outer.room:
                        raise NotEnoughMemory("full.")
                    outer.here.append(arm.name)
                    outer.log.append(f"+{arm.name}")
                return load()

            def unloading() -> None:
                outer.here.remove(arm.name)
                outer.log.append(f"-{arm.name}")
                unload()

            solver.load, solver.unload = loading, unloading  # type: ignore[method-assign]
            return solver

    def test_the_model_used_longest_ago_makes_room(self) -> None:
        solver = self.Loads(pool(), 1, policies=toys(), room=1)
        for problem in (NEW_SUM, NEW_SUM, NEW_WORD, NEW_SUM):
            asyncio.run(solver.solve(problem))
        assert solver.log == ["+adder", "-adder", "+speller", "-speller", "+adder"]

    def test_no_more_than_asked_for_are_resident(self) -> None:
        solver = self.Loads(pool(), 1, policies=toys(), room=9, resident=1)
        for problem in (NEW_SUM, NEW_WORD):
            asyncio.run(solver.solve(problem))
        assert solver.here == ["speller"]

    def test_a_model_at_work_is_waited_for(self) -> None:
        policies = {**toys(), "adder": ToyPolicy(3, 0.0, name="adder", delay=0.05)}
        solver = self.Loads(pool(), 1, policies=policies, room=1)

        async def both() -> list[str | None]:
            found = await asyncio.gather(solver.solve(NEW_SUM), solver.solve(NEW_WORD))
            return [solution.answer for solution in found]

        assert asyncio.run(both()) == ["3", "4"]


class TestRefused:
    def test_a_model_that_nobody_knows_is_found_before_any_work(self) -> None:
        with pytest.raises(UnknownName, match="adder"):
            PoolSolver(pool(), 1)
        with pytest.raises(UnknownName, match="did you mean 'adder'"):
            PoolSolver(pool(), 1, policies={"ader": ToyPolicy()})

    @pytest.mark.parametrize("name", ["policy", "prm", "strategy", "profile", "total_flops"])
    def test_what_a_pool_decides_itself_is_left_out(self, name: str) -> None:
        with pytest.raises(BadInput, match=f"leave {name} out"):
            PoolSolver(pool(), 1, policies=toys(), **cast("dict[str, Any]", {name: "x"}))

    def test_a_pool_may_be_named_by_its_file(self, tmp_path: Path) -> None:
        pool().save(tmp_path / "pool.json")
        assert solve(WORDS[0], pool=tmp_path / "pool.json", policies=toys(), budget=1).answer == "4"
