"""Auto: its moves, its trace, and what it must not see or wait for."""

from __future__ import annotations

import asyncio
import json
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from strategies.auto import Auto
from tests.selection.profiles import KNOWN, curve, ladder, repeating, toy_profile
from tests.toy import ToyPolicy, ToyReward
from tts import Solution, Solver
from tts.budget import Budget
from tts.errors import BadInput, UnknownName
from tts.protocols import Completion, Request
from tts.search.search import Search
from tts.selection.estimator import Estimator
from tts.selection.profile import Advance, Ending, Stage
from tts.selection.profile_file import save
from tts.selection.published_rule import settled_confidence
from tts.selection.scope.scope import Scope
from tts.selection.scope.text import Reference
from tts.types import Problem
from tts.types import Solution as Solved


@pytest.fixture
def profile(tmp_path: Path) -> str:
    save(ladder("toy", "toy-prm"), tmp_path / "toy.json")
    return str(tmp_path / "toy.json")


def solve(text: str = "how far", **settings: Any) -> Solution:
    policy, prm = settings.pop("policy", None) or ToyPolicy(slip=0.4), settings.pop("prm", ToyReward())
    return asyncio.run(Solver(policy, prm, **{"budget": Budget(8), **settings}).solve(text))


def ways(solution: Solution) -> list[tuple[str, int]]:
    return [(event["strategy"], event["n"]) for event in solution.trace.of("plan")]


def test_what_agrees_is_stopped_early_and_what_does_not_is_searched(profile: str) -> None:
    easy = solve(policy=ToyPolicy(slip=0.0), profile=profile)
    assert ways(easy) == [("majority", 1), ("majority", 2), ("majority", 2)]
    assert len(easy.candidates) == 2
    assert (easy.plan.vote, easy.usage.prm_tokens) == ("majority", 0)
    hard = solve(policy=ToyPolicy(slip=0.9), profile=profile)
    assert ways(hard)[-1] == ("beam-search", 4)
    assert (hard.plan.vote, hard.plan.aggregate) == ("weighted", "last")
    assert "beam-search plus samples: 80 % [78, 82] right" in hard.plan.reason


@pytest.mark.parametrize(
    ("strategy", "parameters"),
    [("reject-early", {"chunk": 1, "alpha": 0.75}), ("beam-search", {"granularity": 2, "beam_width": 2})],
)
def test_a_move_with_parameters_is_run_with_them(tmp_path: Path, strategy: str, parameters: dict[str, Any]) -> None:
    """Stopping three of four after the first step leaves one of four samples, besides the four of the look."""
    found = ladder("toy", "toy-prm")
    last = found.stages[-1]
    ending = replace(last.endings[0], strategy=strategy, parameters=parameters)
    stages = (*found.stages[:-1], replace(last, endings=(ending,)))
    save(replace(found, stages=stages), tmp_path / "toy.json")
    solution = solve(policy=ToyPolicy(slip=0.9), profile=str(tmp_path / "toy.json"))
    assert ways(solution)[-1] == (strategy, 4)
    chosen = list(solution.trace.of("plan"))[-1]["parameters"]
    assert {name: chosen[name] for name in parameters} == parameters
    if strategy == "reject-early":
        assert len(solution.candidates) == 4 + 1


def test_two_moves_of_one_strategy_are_told_apart_by_their_parameters(tmp_path: Path) -> None:
    found = ladder("toy", "toy-prm")
    last = found.stages[-1]
    coarse = replace(last.endings[0], parameters={**last.endings[0].parameters, "granularity": 2})
    fine = replace(last.endings[0], parameters={**last.endings[0].parameters, "granularity": 1})
    save(replace(found, stages=(*found.stages[:-1], replace(last, endings=(fine, coarse)))), tmp_path / "toy.json")
    solution = solve(policy=ToyPolicy(slip=0.9), profile=str(tmp_path / "toy.json"))
    options = [option["plan"] for option in list(solution.trace.of("plan"))[-1]["options"]]
    assert {"beam-search:granularity=1 plus samples", "beam-search:granularity=2 plus samples"} <= set(options)


@pytest.mark.parametrize(
    ("odds", "way"), [(9.0, [("best-of-n", 2), ("particle-filter", 2)]), (-9.0, [("best-of-n", 2), ("best-of-n", 2)])]
)
def test_an_estimate_for_the_problem_decides_whether_a_search_is_begun_or_none(
    tmp_path: Path, odds: float, way: list[tuple[str, int]]
) -> None:
    """The rates of its bin would run the search twice; the estimate begins it, with a look after it, or does not."""
    start, two, *after = repeating("toy", "toy-prm").stages
    more, flops = two.advances[0].searches, two.advances[0].flops
    search = Ending(more.strategy, more.n, two.right, flops, parameters=more.parameters, estimate=Estimator(odds, {}))
    stages = (start, replace(two, endings=(search,)), *after)
    save(replace(repeating("toy", "toy-prm"), stages=stages), tmp_path / "toy.json")
    hard = solve(policy=ToyPolicy(slip=0.9), profile=str(tmp_path / "toy.json"))
    assert ways(hard)[:2] == way
    if odds > 0:
        assert hard.plan.reason.startswith("after 2 scored samples and")  # there was a look after the run
    again = asyncio.run(Solver.replay(hard.trace).solve("how far"))
    assert (again.answer, ways(again)) == (hard.answer, ways(hard))


# --------------------------------------------------------------------------------------------- searches, run repeatedly


@pytest.fixture
def repeated(tmp_path: Path) -> str:
    save(repeating("toy", "toy-prm"), tmp_path / "repeated.json")
    return str(tmp_path / "repeated.json")


def test_a_search_is_run_again_until_its_candidates_agree_or_no_run_is_left(repeated: str) -> None:
    easy = solve(policy=ToyPolicy(slip=0.0), profile=repeated)
    assert ways(easy) == [("best-of-n", 2), ("best-of-n", 2)]
    hard = solve(policy=ToyPolicy(slip=0.9), profile=repeated)
    assert ways(hard) == [("best-of-n", 2), ("particle-filter", 2), ("particle-filter", 2), ("particle-filter", 6)]
    assert len(hard.candidates) == 6
    assert all(candidate.score is not None for candidate in hard.candidates)
    assert hard.plan.reason.startswith("after 2 scored samples and 2 runs of particle-filter with N = 2")
    options = [[option["plan"] for option in event["options"]] for event in hard.trace.of("plan")]
    assert options[1:] == [["stop", "particle-filter, look again"]] * 2 + [["stop"]]


def test_a_second_run_samples_and_draws_anew(repeated: str) -> None:
    """Were its draws those of the first run, the two would differ by their samples only."""
    drawn: list[tuple[str, float]] = []
    draw = Search.uniform

    def heard(search: Search, what: str) -> float:
        drawn.append((what, draw(search, what)))
        return drawn[-1][1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Search, "uniform", heard)
        hard = solve(policy=ToyPolicy(slip=0.9), profile=repeated)
    assert len({candidate.key for candidate in hard.candidates}) == 6
    assert len({what for what, _ in drawn}) == len(drawn) / 2
    assert len({value for _, value in drawn}) == len(drawn)


@pytest.mark.parametrize(("n", "candidates"), [(6, 6), (5, 4), (3, 2), (2, 2), (1, 1)])
def test_runs_of_a_search_stay_within_n(repeated: str, n: int, candidates: int) -> None:
    assert len(solve(policy=ToyPolicy(slip=0.9), profile=repeated, budget=Budget(n)).candidates) == candidates


def test_a_ceiling_ends_the_runs(repeated: str) -> None:
    whole = solve(policy=ToyPolicy(slip=0.9), profile=repeated)
    below = Budget(8, max_tokens=whole.usage.policy_tokens - 3)
    cut = solve(policy=ToyPolicy(slip=0.9), profile=repeated, budget=below)
    assert cut.stopped == "max_tokens"
    assert cut.candidates
    assert cut.usage.policy_tokens <= whole.usage.policy_tokens - 3


def test_repeated_runs_replay_to_the_same_answer_and_cost(repeated: str) -> None:
    recorded = solve(policy=ToyPolicy(slip=0.9), profile=repeated)
    again = asyncio.run(Solver.replay(recorded.trace).solve("how far"))
    assert (again.answer, ways(again)) == (recorded.answer, ways(recorded))
    assert replace(again.usage, seconds=0.0) == replace(recorded.usage, seconds=0.0)


def test_a_policy_that_samples_whole_solutions_runs_no_search(repeated: str) -> None:
    policy = ToyPolicy(slip=0.9)
    policy.steps = False
    assert ways(solve(policy=policy, profile=repeated)) == [("best-of-n", 2), ("best-of-n", 2)]


def test_all_that_was_found_votes(profile: str) -> None:
    solution = solve(policy=ToyPolicy(slip=0.9), profile=profile)
    assert {candidate.key.split("+")[0] for candidate in solution.candidates} >= {"/0", "/1", "/2", "/3"}
    assert all(candidate.score is not None for candidate in solution.candidates)
    assert len(solution.candidates) > 4


def test_a_profile_that_begins_with_the_greedy_answer_has_it_drawn_once_and_first(tmp_path: Path) -> None:
    save(replace(ladder("toy", "toy-prm"), greedy=True), tmp_path / "greedy.json")
    asked: list[Request] = []

    class Heard(ToyPolicy):
        async def generate(self, request: Request) -> Completion:
            asked.append(request)
            return await super().generate(request)

    solve(policy=Heard(slip=0.9), profile=str(tmp_path / "greedy.json"))
    assert [request.key for request in asked if request.temperature == 0] == ["/0"]
    assert {request.temperature for request in asked} == {0.0, 0.8}


@pytest.mark.parametrize(("scored", "ceiling", "score"), [(False, None, False), (True, None, True), (True, 6e4, False)])
def test_a_single_answer_is_scored_where_a_scope_needs_it_and_the_ceiling_allows_it(
    tmp_path: Path, scored: bool, ceiling: float | None, score: bool
) -> None:
    """Nine in ten for an unscored greedy answer: its worth is above that of all else. A scored one costs 9e4 FLOPs."""
    found = ladder("toy", "toy-prm")
    first = found.stages[0]
    single = replace(first.endings[0], right=curve(0.9))
    after = Stage(1, True, (), (1.0,), curve(0.8), **KNOWN, vote="weighted", aggregate="min")
    start = replace(first, advances=(Advance(1, True, (9e4,), ((1.0,),)),), endings=(single,))
    save(replace(found, stages=(start, after), greedy=True), tmp_path / "toy.json")
    given = Budget(8, max_flops=ceiling)
    solution = solve(policy=ToyPolicy(slip=0.0), profile=str(tmp_path / "toy.json"), scored=scored, budget=given)
    [candidate] = solution.candidates
    assert (candidate.score is not None) == score
    assert ways(solution)[0] == ("best-of-n" if score else "majority", 1)


def test_every_decision_stands_in_the_trace_with_what_was_considered(profile: str) -> None:
    for event in solve(profile=profile).trace.of("plan"):
        assert sum(option["chosen"] for option in event["options"]) == 1
        best = max(event["options"], key=lambda option: option["worth"])
        assert best["worth"] == next(option["worth"] for option in event["options"] if option["chosen"])
        assert json.loads(json.dumps(event)) == event


def test_the_vote_that_a_user_asks_for_is_taken(profile: str) -> None:
    solution = solve(profile=profile, vote="best", aggregate="mean")
    assert (solution.plan.vote, solution.plan.aggregate) == ("best", "mean")


def test_a_look_stops_after_the_first_decision_from_samples(profile: str) -> None:
    assert ways(solve(profile=profile, look=True)) == [("majority", 1), ("majority", 2)]
    by_rule = solve(look=True, budget=Budget(16), easy="dvts")
    assert len(by_rule.candidates) == 4


def test_a_budget_below_any_answer_gives_the_cheapest_and_says_so(profile: str) -> None:
    solution = solve(profile=profile, budget=Budget(8, max_flops=4e4))
    assert ways(solution)[0] == ("majority", 1)
    assert solution.usage.flops <= 4e4
    [warning] = solution.warnings
    assert "below the expected cost of any answer: the cheapest one was tried" in warning


def test_a_chat_only_policy_is_never_asked_to_go_on_from_a_step(profile: str) -> None:
    policy = ToyPolicy(slip=0.9)
    policy.steps = False
    for settings in ({"profile": profile}, {"easy": "dvts", "medium": "dvts", "hard": "dvts"}):
        solution = solve(policy=policy, **settings)
        assert all(event["until"] == "end" for event in solution.trace.of("sample"))


def test_without_a_profile_the_agreement_of_four_samples_chooses() -> None:
    rule: dict[str, Any] = {"easy": "best-of-n", "medium": "dvts", "hard": "beam-search", "budget": Budget(16)}
    assert ways(solve(policy=ToyPolicy(slip=0.0), **rule))[0] == ("best-of-n", 16)
    texts = [f"how far {k}" for k in range(40)]
    for solution in (solve(text, policy=ToyPolicy(slip=0.9), **rule) for text in texts):
        event = next(solution.trace.of("plan"))
        expected = {0.0: "beam-search", 1 / 6: "dvts", 2 / 6: "dvts", 3 / 6: "best-of-n", 1.0: "best-of-n"}
        assert event["strategy"] == expected[event["agreement"]]
        assert event["n"] == (16 if event["strategy"] == "best-of-n" else 12)


def test_with_neither_profile_nor_reward_model_the_majority_decides() -> None:
    solution = solve(prm=None, budget=Budget(7))
    assert (solution.plan.vote, solution.plan.prm, len(solution.candidates)) == ("majority", "", 7)
    assert solution.plan.reason.startswith(
        "majority: for all problems alike; there is no profile, so the published rule"
    )


@pytest.mark.parametrize("prm", ["toy", None])
def test_without_a_profile_samples_are_drawn_until_their_votes_are_settled(prm: str | None) -> None:
    models: dict[str, Any] = {} if prm else {"prm": None}
    same: dict[str, Any] = {"easy": "best-of-n", "medium": "best-of-n", "hard": "best-of-n", "budget": Budget(32)}
    sure = solve(policy=ToyPolicy(slip=0.0), **models, **same)
    assert (len(sure.candidates), sure.answer) == (4, "3")
    assert sure.plan.reason.startswith("stop after 4 of 32 samples: the commonest answer stays ahead with 97%")
    counts = set()
    for k in range(30):
        solution = solve(f"how far {k}", policy=ToyPolicy(slip=0.3), **models, **same)
        n = len(solution.candidates)
        counts.add(n)
        classes = [int(c.answer or -1) for c in solution.candidates]
        scores = [c.scores[-1] for c in solution.candidates] if prm else None
        assert n == 32 or settled_confidence(classes, scores)
        assert n == 4 or not settled_confidence(classes[: n // 2], scores and scores[: n // 2])
    assert len(counts) > 2, "how many it takes depends on the problem"


def test_the_default_is_auto() -> None:
    assert Solver(ToyPolicy(), ToyReward()).plan.strategy == "auto"
    assert Solver(ToyPolicy()).plan.prm == ""
    assert Solver("lab-1m").plan.prm == "lab-prm"


# ------------------------------------------------------------------------------------------ what it does not wait for


def test_one_problem_s_look_does_not_wait_for_another_s(profile: str) -> None:
    """Problem A hangs in its first sample until B, which is easy, has looked twice and ended."""
    ended = asyncio.Event()

    class Hangs(ToyPolicy):
        async def generate(self, request: Request) -> Completion:
            if request.problem.text == "A":
                await ended.wait()
            return await super().generate(request)

    async def order() -> list[str]:
        ended.clear()
        found = []
        async for _, solution in Solver(Hangs(slip=0.0), ToyReward(), profile=profile).stream(["A", "B"]):
            found.append(solution.problem.text)
            ended.set()
        return found

    assert asyncio.run(asyncio.wait_for(order(), 20)) == ["B", "A"]


# -------------------------------------------------------------------------------------------------- what it never sees


def test_nothing_that_the_selector_is_handed_could_hold_a_right_answer() -> None:
    seen = {"id", "text", "turns", "plain", "kind", "tests", "instruction", "tools", "schema"}  # tests: those to see
    assert {f.name for f in fields(Problem)} == seen
    assert "gold" not in {f.name for kind in (Solved, Auto) for f in fields(kind)}


def test_other_gold_answers_change_nothing_but_what_is_called_correct(tmp_path: Path, profile: str) -> None:
    from benchmarks.bench.jobs import plan_run
    from benchmarks.bench.runner import Bench
    from tests.bench.toys import SETTINGS, comparable, dataset

    data = dataset()
    poisoned = replace(data, items=tuple(replace(item, gold="-17") for item in data.items))

    def run(name: str, problems: Any) -> Any:
        def make(**arguments: Any) -> Solver:
            return Solver(ToyPolicy(slip=0.4), ToyReward(), profile=profile, **arguments)

        with Bench(problems, plan_run(make, ["auto"], [8], {}), tmp_path / name, SETTINGS, {}) as bench:
            bench.run()
        found = comparable(tmp_path / name)
        for row in found.values():
            row.pop("gold"), row.pop("correct")
            for candidate in row["candidates"]:
                candidate.pop("correct")
        return found

    assert run("true", data) == run("poisoned", poisoned)


# --------------------------------------------------------------------------------------------------- what is refused


def test_a_profile_of_other_models_is_refused(profile: str) -> None:
    with pytest.raises(BadInput, match=r"was measured with toy and toy-prm, not with other and toy-prm"):
        solve(policy=ToyPolicy(name="other"), profile=profile)
    with pytest.raises(BadInput, match=r"not with toy and no reward model"):
        solve(prm=None, profile=profile)


def test_a_profile_of_another_size_is_refused(tmp_path: Path) -> None:
    save(replace(ladder("toy", "toy-prm"), prm_parameters=7), tmp_path / "toy.json")
    with pytest.raises(BadInput, match=r"a toy-prm of 7 parameters, this one has 1,000: make a profile of it"):
        solve(profile=tmp_path / "toy.json")


def test_a_profile_with_a_strategy_that_nobody_has_is_refused(tmp_path: Path) -> None:
    stages = list(toy_profile().stages)
    ending = Ending("beam-serch", 4, stages[0].endings[0].right, (1.0,))
    save(toy_profile(stages=(replace(stages[0], endings=(ending,)), *stages[1:])), tmp_path / "toy.json")
    with pytest.raises(UnknownName, match="did you mean 'beam-search'"):
        solve(profile=tmp_path / "toy.json")


def test_a_profile_with_a_fixed_strategy_is_refused(profile: str) -> None:
    with pytest.raises(BadInput, match="only the strategy auto reads a profile, not dvts"):
        solve(strategy="dvts", profile=profile)


def test_other_sampling_than_was_measured_is_warned_of(profile: str) -> None:
    assert solve(profile=profile).warnings == ()
    [warning] = solve(profile=profile, temperature=0.3).warnings
    assert "measured at temperature 0.8 and top_p 1: at 0.3 and 1 its estimates may be wrong" in warning


def test_a_problem_that_the_profile_was_fitted_on_is_warned_of(tmp_path: Path) -> None:
    known = Problem("how far").id  # the first 12 digits of the hash of its text
    save(replace(ladder("toy", "toy-prm"), problems=frozenset({known})), tmp_path / "toy.json")
    [warning] = solve(profile=tmp_path / "toy.json").warnings
    assert "the profile was fitted on this problem" in warning
    assert solve("how high", profile=tmp_path / "toy.json").warnings == ()


def test_a_problem_far_from_those_that_the_profile_was_measured_on_gets_no_rates(tmp_path: Path) -> None:
    known = Scope("toy", "toy-prm", Reference.of(["how far", "how high"]), limits={"unknown": 0.5})
    save(replace(ladder("toy", "toy-prm"), scope=known), tmp_path / "toy.json")
    near = solve(profile=tmp_path / "toy.json")
    assert near.warnings == ()
    assert "% [" in near.plan.reason
    far = solve("determine every eigenvalue", profile=tmp_path / "toy.json")
    [warning] = far.warnings
    assert "unlike those that the profile was measured on (words that are new to it: determine, every" in warning
    assert "% [" not in far.plan.reason
    assert far.confidence == far.votes[0].share, "limits change no confidence"
