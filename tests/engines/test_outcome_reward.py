"""Searches with an outcome reward model: one score per finished solution, and no other use."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import pytest

from tests.toy import ToyPolicy, ToyReward
from tts import Solution, Solver, Trace
from tts.budget import Budget
from tts.engines.outcome_reward import OutcomeReward
from tts.errors import BadInput
from tts.types import Node, Problem

PROBLEM = Problem("how far")


@dataclass(eq=False)
class ToyJudge(ToyReward):
    """Sees a solution as one step: 0.8 for the right answer, else 0.2."""

    name: str = "toy-judge"

    async def score(self, problem: Problem, node: Node, seen: int) -> tuple[float, ...]:
        self.calls.append((node.key, seen))
        await asyncio.sleep(self.delay)
        assert (node.depth, seen) == (1, 0), "a judge of solutions is never shown steps"
        return (0.8 if node.text.endswith("\\boxed{3}") else 0.2,)


def solve(strategy: str = "best-of-n", judge: ToyJudge | None = None, **settings: Any) -> Solution:
    reward = OutcomeReward(judge or ToyJudge())
    return asyncio.run(Solver(ToyPolicy(), reward, strategy, Budget(16), **settings).solve(PROBLEM))


@pytest.mark.parametrize("aggregate", ["last", "min", "prod", "mean"])
def test_a_solution_has_one_score_whatever_the_aggregation(aggregate: str) -> None:
    solution = solve(aggregate=aggregate)
    assert len(solution.candidates) == 16
    for candidate in solution.candidates:
        right = candidate.answer == "3"
        assert candidate.scores == (0.8 if right else 0.2,)
        assert candidate.score == candidate.scores[0]
        assert len(candidate.steps) == 4


def test_the_votes_weigh_by_it() -> None:
    solution = solve(vote="weighted")
    shares: dict[str | None, float] = {}
    for candidate in solution.candidates:
        shares[candidate.answer] = shares.get(candidate.answer, 0.0) + (candidate.score or 0.0)
    assert solution.answer == max(shares, key=lambda answer: shares[answer])
    assert solution.confidence == pytest.approx(shares[solution.answer] / sum(shares.values()))
    assert solve(vote="best").answer == "3"


def test_each_solution_is_read_once_and_counted_once() -> None:
    judge = ToyJudge()
    solution = solve(judge=judge)
    texts = {"".join(candidate.steps) for candidate in solution.candidates}
    assert len(judge.calls) == len(texts)
    # The toy reads a token a character, and one more for the step; the prompt has been read before.
    assert solution.usage.prm_tokens == len(PROBLEM.text) + sum(len(text) + 1 for text in texts)


@pytest.mark.parametrize("strategy", ["beam-search", "dvts"])
def test_a_search_by_steps_refuses_it_in_one_sentence(strategy: str) -> None:
    with pytest.raises(BadInput, match=r"toy-judge is an outcome reward model.* choose best-of-n") as error:
        solve(strategy)
    assert "\n" not in str(error.value)


def test_it_is_refused_by_its_name_before_anything_is_loaded() -> None:
    with pytest.raises(BadInput, match=r"skywork-reward-8b is an outcome reward model.* choose best-of-n"):
        Solver("llama-3.2-3b", "skywork-reward-8b", "dvts")  # neither is on this machine
    assert Solver("llama-3.2-3b", "skywork-reward-8b", "best-of-n").plan.prm == "skywork-reward-8b"


def test_what_a_token_limit_cut_off_is_not_judged() -> None:
    judge = ToyJudge()
    solution = solve(judge=judge, solution_tokens=5)
    assert all(candidate.scores == () and candidate.answer is None for candidate in solution.candidates)
    assert judge.calls == []


def test_a_recorded_search_replays_to_the_same_candidates() -> None:
    recorded = solve()
    again = asyncio.run(Solver.replay(Trace([dict(e) for e in recorded.trace.events]), vote="best").solve(PROBLEM))
    assert again.candidates == recorded.candidates
    assert again.usage.prm_tokens == recorded.usage.prm_tokens


def test_a_ceiling_on_flops_holds() -> None:
    free = solve().usage.flops
    for part in (0.3, 0.6, 0.9):
        solution = asyncio.run(
            Solver(
                ToyPolicy(), OutcomeReward(ToyJudge()), "best-of-n", Budget(16, max_flops=int(part * free))
            ).solve(PROBLEM)
        )  # fmt: skip
        assert solution.usage.flops <= part * free
