"""The pivot tournament: its pairs, its rates by hand, its cost, its replay and what stops it."""

from __future__ import annotations

import asyncio
import math
from typing import Any

import pytest

from prm.judge import Judge
from tests.judging import Grader
from tests.toy import SHAPE, ToyPolicy, ToyReward
from tts import Solver, solve
from tts.errors import BadInput
from tts.search.tournament import PIVOTS, against, ring
from tts.types import Problem, Solution


def held(budget: int, slip: float = 0.5, repeats: int = 1, **settings: Any) -> Solution:
    judge = Judge(settings.pop("grader", Grader()), repeats=repeats)
    return solve(
        "how far", policy=ToyPolicy(slip=slip), prm=judge, vote="tournament", budget=budget,
        **{"strategy": "best-of-n", **settings},
    )  # fmt: skip


@pytest.mark.parametrize("n", [2, 3, 5, 8, 16])
def test_it_takes_as_many_comparisons_as_the_paper_says(n: int) -> None:
    pivots = [0, min(2, n - 1)]
    pairs = ring(n) + against(pivots, n, ring(n))
    assert len(pairs) == n + PIVOTS * (n - PIVOTS) + math.comb(PIVOTS, 2)
    assert all(first != second for first, second in pairs)
    assert sorted(first for first, _ in ring(n)) == sorted(second for _, second in ring(n)) == list(range(n))


def test_two_that_meet_again_meet_in_swapped_slots() -> None:
    played = ring(5)
    for first, second in against([1, 3], 5, played):
        assert (first, second) not in played
    assert ring(1) == against([0], 1, []) == []


def test_the_winner_is_the_solution_with_the_best_rate_of_soft_wins() -> None:
    solution = held(8)
    assert solution.answer == "3"
    assert solution.best in solution.candidates
    events = list(solution.trace.of("compare"))
    assert len(events) == 8 + 2 * 6 + 1
    # grades are 0.9 and 0.1, so a win of a right solution over a wrong one counts sigmoid(0.8) = 0.69
    assert {tuple(round(score, 6) for score in event["scores"]) for event in events} <= {
        (0.9, 0.1), (0.1, 0.9), (0.9, 0.9), (0.1, 0.1)
    }  # fmt: skip
    wins = [1 / (1 + math.exp(e["scores"][1] - e["scores"][0])) for e in events if solution.best.key == e["key"]]
    wins += [1 / (1 + math.exp(e["scores"][0] - e["scores"][1])) for e in events if solution.best.key == e["other"]]
    assert max(standing.score or 0 for standing in solution.votes) <= 1 / (1 + math.exp(-0.8))
    assert sum(wins) / len(wins) > 0.5


def test_a_tournament_asks_for_no_single_scores_of_samples() -> None:
    solution = held(4)
    assert not list(solution.trace.of("score"))
    assert all(candidate.score is None for candidate in solution.candidates)


def test_its_cost_is_on_the_ledger_under_the_judge() -> None:
    solution = held(4, repeats=2)
    events = list(solution.trace.of("compare"))
    assert solution.usage.prm_tokens == sum(event["tokens"] for event in events)
    # two prompts for each of two repeats, each read from its beginning
    assert solution.usage.prm_flops == sum(4 * SHAPE.flops(-(-event["tokens"] // 4)) for event in events)


@pytest.mark.parametrize("settings", [{}, {"strategy": "beam-search"}, {"strategy": "auto"}])
def test_a_tournament_replays_to_the_same_bytes_without_the_judge(settings: dict[str, Any]) -> None:
    recorded = held(8, **settings)
    assert list(recorded.trace.of("compare"))
    again = asyncio.run(Solver.replay(recorded.trace).solve(Problem("how far")))
    assert again.trace.lines()[:-1] == recorded.trace.lines()[:-1]
    assert (again.answer, again.votes) == (recorded.answer, recorded.votes)


def test_comparisons_stop_at_a_ceiling_of_flops_and_the_best_so_far_wins() -> None:
    free = held(8)
    half = held(8, max_flops=free.usage.flops / 2)
    assert half.usage.flops <= free.usage.flops / 2
    assert half.stopped == "max_flops"
    assert any(event["scores"] is None for event in half.trace.of("compare"))
    assert half.answer is not None
    again = asyncio.run(Solver.replay(half.trace).solve(Problem("how far")))
    assert again.trace.lines()[:-1] == half.trace.lines()[:-1]
    assert again.stopped == half.stopped


def test_a_judge_without_a_grade_compares_nothing_and_the_first_solution_stands() -> None:
    solution = held(4, slip=0.0, grader=Grader(logprobs=0, words="well, well"))
    assert solution.answer == "3"
    assert any("were not compared" in warning for warning in solution.warnings)


@pytest.mark.parametrize(("prm", "strategy"), [(None, "majority"), (ToyReward(), "best-of-n"), (None, "auto")])
def test_without_a_judge_it_is_refused_before_anything_is_loaded(prm: Any, strategy: str) -> None:
    with pytest.raises(BadInput, match="a tournament needs a judge, which compares solutions"):
        Solver(ToyPolicy(), prm, strategy, vote="tournament")
