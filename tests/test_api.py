"""The Python interface."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from strategies.beam_search import BeamSearch
from tests import tiny
from tests.toy import ToyPolicy, ToyReward
from tts import Budget, Solution, Solver, TTSError, solve, solve_async, solve_many
from tts.aio import background
from tts.errors import BadInput, EngineDied, UnknownName
from tts.models.lookup import CARDS

TOY: dict[str, Any] = {"policy": ToyPolicy(slip=0.0), "prm": ToyReward()}


def test_a_solution_holds_all_that_led_to_it() -> None:
    solution = solve("how far", policy=ToyPolicy(slip=0.0), prm=ToyReward(), strategy="dvts", budget=8)
    assert (solution.answer, solution.confidence, solution.stopped) == ("3", 1.0, "complete")
    assert len(solution.candidates) == 8
    assert solution.plan.strategy == "dvts"
    assert solution.plan.n == 8
    assert solution.usage.flops == solution.usage.policy_flops + solution.usage.prm_flops
    assert solution.best in solution.candidates
    assert len(solution.trace.nodes()) == 8 * 4
    assert repr(solution.trace) == f"Trace({len(solution.trace.events)} events)"


async def test_in_a_running_loop_such_as_that_of_a_notebook_both_calls_work() -> None:
    assert solve("how far", **TOY).answer == "3"
    assert [solution.answer for solution in solve_many(["how far", "and back"], **TOY)] == ["3", "3"]
    assert (await solve_async("how far", **TOY)).answer == "3"
    with pytest.raises(UnknownName, match="nope"):
        solve("how far", strategy="nope", **TOY)


async def test_on_the_engines_loop_they_name_what_to_use_and_do_not_wait_for_ever() -> None:
    async def nested(work: Callable[[], object]) -> None:
        work()

    for work, instead in (
        (lambda: solve("how far", **TOY), "solve_async"),
        (lambda: solve_many(["how far"], **TOY), r"Solver\.stream"),
    ):
        with pytest.raises(BadInput, match=instead):
            await background().run(nested(work))


def test_many_come_back_in_the_order_they_were_given() -> None:
    seen: list[int] = []
    texts = [f"how far {k}" for k in range(7)]
    solutions = solve_many(
        texts, concurrency=3, on_solution=lambda index, _: seen.append(index), policy=ToyPolicy(), prm=ToyReward()
    )
    assert [solution.problem.text for solution in solutions] == texts
    assert sorted(seen) == list(range(7))


def test_many_show_a_bar_where_it_is_asked_for_and_none_off_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    solve_many(["how far", "and back"], **TOY)
    assert capsys.readouterr().err == ""
    solve_many(["how far", "and back"], progress=True, **TOY)
    assert "2/2" in capsys.readouterr().err
    solve_many(iter(["how far"]), progress=True, **TOY)  # of unknown length
    assert "1problem" in capsys.readouterr().err


def test_many_take_no_more_problems_than_are_in_flight() -> None:
    taken: list[int] = []

    def endless() -> object:
        for k in range(10**9):
            taken.append(k)
            yield f"how far {k}"

    async def first() -> Solution:
        stream = Solver(ToyPolicy(), ToyReward(), budget=2).stream(endless(), concurrency=5)  # type: ignore[arg-type]
        async for _, solution in stream:
            await stream.aclose()
            return solution
        raise AssertionError

    asyncio.run(first())
    assert len(taken) <= 10


@pytest.mark.parametrize("engine", [ToyPolicy, ToyReward])
async def test_a_model_that_ends_during_a_stream_ends_it_and_is_not_loaded_under_the_searches_that_still_use_it(
    engine: type[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    solver, loads, alive = Solver(ToyPolicy(), ToyReward(), budget=2), list[int](), [True]
    monkeypatch.setattr(engine, "alive", property(lambda self: alive[0]))
    stream = solver.stream(map(str, range(9)), concurrency=2)
    await anext(stream)
    alive[0] = False
    monkeypatch.setattr(Solver, "load", lambda self: loads.append(1))
    with pytest.raises(EngineDied, match=r"the process of toy.* has ended: what was finished is kept"):
        _ = [solution async for _, solution in stream]
    assert not loads


def test_a_strategy_object_is_taken_as_it_is() -> None:
    solution = solve("how far", strategy=BeamSearch(beam_width=2), budget=4, **TOY)
    assert solution.plan.parameters["beam_width"] == 2
    with pytest.raises(BadInput, match="give it the parameters itself"):
        solve("how far", strategy=BeamSearch(), beam_width=2, **TOY)


@pytest.mark.parametrize("n", [4, 64])
def test_a_strategy_object_searches_with_the_budget_and_has_no_width_of_its_own(n: int) -> None:
    solver = Solver(**TOY, strategy=BeamSearch(), budget=n)
    solution = asyncio.run(solver.solve("how far"))
    assert (solution.plan.n, len(solution.candidates)) == (n, n)
    with pytest.raises(TypeError, match="'n'"):
        BeamSearch(n=n)  # type: ignore[call-arg]


def test_a_strategys_name_may_have_parameters_as_the_tables_write_it() -> None:
    named, given = Solver(strategy="dvts:granularity=2", beam_width=2, **TOY), Solver(**TOY)
    options = Solver(strategy="dvts", granularity=2, beam_width=2, **TOY)
    assert named.plan == options.plan
    assert named.strategy == options.strategy
    assert given.variant(strategy="dvts:granularity=2", parameters={"beam_width": 2}).plan == options.plan
    assert Solver("lab-1m", strategy="dvts:granularity=2").recipe()["strategy"] == "dvts"
    with pytest.raises(BadInput, match="granularity is given twice, in dvts:granularity=2 and by itself"):
        Solver(strategy="dvts:granularity=2", granularity=3, **TOY)
    with pytest.raises(UnknownName, match="did you mean 'granularity'"):
        Solver(strategy="dvts:granularty=2", **TOY)


def test_n_as_a_parameter_is_sent_to_the_budget() -> None:
    with pytest.raises(BadInput, match="N is the budget"):
        solve("how far", strategy="dvts", n=4, **TOY)


def test_an_object_that_is_no_strategy_is_refused_with_what_to_do() -> None:
    with pytest.raises(BadInput, match=r"derive it from tts\.search\.strategy\.Strategy"):
        solve("how far", strategy=lambda search: [], **TOY)


def test_what_is_no_problem_and_one_problem_for_many_are_refused() -> None:
    with pytest.raises(BadInput, match="a problem is a text or a Problem, not a list; solve_many takes several"):
        solve(["how far"], **TOY)  # type: ignore[arg-type]
    with pytest.raises(BadInput, match="solve_many takes a list of problems"):
        solve_many("how far", **TOY)


def test_no_reward_model_is_none_by_name_too() -> None:
    for none in (None, "none"):
        assert solve("how far", **TOY | {"prm": none}, strategy="majority", budget=4).plan.prm == ""
    with pytest.raises(BadInput, match="needs a reward model"):
        solve("how far", **TOY | {"prm": "none"}, strategy="dvts")


def test_ceilings_are_given_once() -> None:
    assert Solver(**TOY, budget=Budget(4, max_tokens=9)).budget.max_tokens == 9
    with pytest.raises(BadInput, match="not both"):
        Solver(**TOY, budget=Budget(4), max_tokens=9)


def test_aggregation_reaches_both_the_search_and_the_vote() -> None:
    solver = Solver(**TOY, strategy="beam-search", aggregate="min")
    assert solver.plan.aggregate == solver.plan.parameters["aggregate"] == "min"
    with pytest.raises(UnknownName, match="aggregation"):
        Solver(**TOY, aggregate="median")


def test_a_fitted_aggregation_weighs_the_vote() -> None:
    fitted = "logistic:bias=-1:last=2:prod=1"
    solution = solve("how far", strategy="best-of-n", aggregate=fitted, budget=4, **TOY)
    assert solution.plan.aggregate == fitted
    for candidate in solution.candidates:
        odds = -1 + 2 * candidate.scores[-1] + math.prod(candidate.scores)
        assert candidate.score == pytest.approx(1 / (1 + math.exp(-odds)))


def test_majority_takes_no_reward_model_along() -> None:
    plan = Solver(policy="lab-1m", strategy="majority").plan
    assert (plan.prm, plan.vote) == ("", "majority")


def test_the_recommended_reward_model_is_taken() -> None:
    assert Solver(policy="llama-3.2-3b", budget=256).plan.prm == CARDS["llama-3.2-3b"].prm == "qwen2.5-math-prm-7b"
    assert Solver().plan.prm == "lab-prm"


def test_a_search_without_a_reward_model_says_what_to_do() -> None:
    with pytest.raises(BadInput, match="name one with prm, or use majority"):
        Solver(prm=None, strategy="beam-search")


def test_every_error_of_ours_is_one_kind() -> None:
    calls: list[Callable[[], Solution]] = [
        lambda: solve("", **TOY),
        lambda: solve("x", policy="nobody"),
        lambda: solve("x", budget=0, **TOY),
    ]
    for call in calls:
        with pytest.raises(TTSError):
            call()


def test_a_recommended_reward_model_that_is_not_here_is_left_out_and_named(tmp_path: Path) -> None:
    folder = tiny.make_policy(tmp_path / "small-policy")
    solver = Solver(str(folder))
    assert solver.plan.prm == ""
    [note] = solver.warnings
    assert note.startswith("qwen2.5-math-prm-7b, the reward model recommended for small-policy, is not on this machine")
    assert note.endswith("(about 14.2 GB) or --prm judge:POLICY would help.")
    assert Solver(str(folder), strategy="best-of-n").plan.prm == "qwen2.5-math-prm-7b"
    assert Solver("llama-3.2-3b").plan.prm == "qwen2.5-math-prm-7b"  # which is not here itself
    assert Solver(str(folder), prm=None).warnings == ()
