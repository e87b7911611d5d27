"""Solver.watch: the events of one search as they happen; Solver.variant: other settings for the same models."""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing
from typing import Any

import pytest

from tests.toy import ToyPolicy, ToyReward
from tts import Budget, Problem, Solution, Solver
from tts.errors import PromptTooLong, UnknownName
from tts.trace import Sampled, Trace
from tts.types import Turn


async def test_a_watched_search_yields_the_events_of_its_trace_in_order_and_the_solution_last() -> None:
    solver = Solver(ToyPolicy(), ToyReward(), "dvts", 8)
    found: list[Any] = [event async for event in solver.watch("how far")]
    *events, solution = found
    assert isinstance(solution, Solution)
    assert events == solution.trace.events
    assert [events[0]["event"], events[-1]["event"]] == ["start", "end"]
    assert (await solver.solve("how far")).trace.lines()[:-1] == Trace(events).lines()[:-1]  # all but the seconds


async def test_events_come_while_the_search_goes_on() -> None:
    policy = ToyPolicy(delay=0.02)
    policy.background = True  # the search runs on another loop than the reader
    reward = ToyReward()
    reward.background = True
    calls = [len(policy.calls) async for _ in Solver(policy, reward, "dvts", 4).watch("how far")]
    assert calls[0] <= 4 < calls[-1] == 16  # four samples at each of four depths


@pytest.mark.parametrize("background_", [False, True])
async def test_closing_a_watched_search_stops_the_sampling_at_once(background_: bool) -> None:
    policy = ToyPolicy(delay=0.05, depth=50, context=2000)
    policy.background = background_
    reward = ToyReward()
    reward.background = background_
    async with aclosing(Solver(policy, reward, "beam-search", 4).watch("how far")) as events:
        async for event in events:
            if isinstance(event, dict) and event["event"] == "sample":
                break
    if background_:
        await asyncio.sleep(0.02)  # the other loop hears of it
    assert policy.in_flight == 0
    calls = len(policy.calls)
    await asyncio.sleep(0.15)
    assert len(policy.calls) == calls


async def test_an_error_of_a_watched_search_reaches_the_reader() -> None:
    with pytest.raises(PromptTooLong):
        [event async for event in Solver(ToyPolicy(), ToyReward()).watch("x" * 500)]


async def test_a_variant_has_other_settings_and_leaves_the_first_solver_as_it_was() -> None:
    policy, reward = ToyPolicy(), ToyReward()
    first = Solver(policy, reward, "dvts", 8, beam_width=2)
    first.load()
    other = first.variant(Budget(4, max_tokens=100), strategy="majority", seed=3, vote=None, parameters={})
    assert (other.plan.strategy, other.plan.n, other.plan.seed, other.budget.max_tokens) == ("majority", 4, 3, 100)
    assert other.load() == (policy, None)  # majority takes no reward model
    assert (first.plan.strategy, first.plan.n, first.plan.seed) == ("dvts", 8, 0)
    assert first.load() == (policy, reward)
    assert first.variant(seed=1).load() == (policy, reward)


def test_a_variant_is_checked_like_any_solver() -> None:
    with pytest.raises(UnknownName, match="beam_width"):
        Solver(ToyPolicy(), ToyReward()).variant(strategy="dvts", parameters={"beam_widht": 2})


@pytest.mark.parametrize("strategy", ["best-of-n", "beam-search", "dvts", "mcts"])
async def test_no_solution_is_longer_than_its_limit(strategy: str) -> None:
    """The toy writes "1", "2", "3" with two line feeds each, then a box of 9 and the end: 3 x 3 + 10 = 19."""
    budget = Budget(4, max_solution_tokens=10)
    cut = await Solver(ToyPolicy(slip=0.0), ToyReward(), strategy, budget).solve("how far")
    assert {candidate.tokens for candidate in cut.candidates} <= set(range(11))
    assert cut.answer is None
    enough = await Solver(ToyPolicy(slip=0.0), ToyReward(), strategy, Budget(4, max_solution_tokens=19)).solve(
        "how far"
    )
    assert (enough.answer, enough.stopped) == ("3", "complete")


TURNS = (Turn("system", "Be brief."), Turn("user", "2 + 2"), Turn("assistant", "4"), Turn("user", "and half of it?"))


def test_a_conversation_is_another_problem_than_its_text() -> None:
    alone, talk = Problem("half"), Problem("half", turns=TURNS)
    assert alone.id != talk.id
    assert talk.id == Problem("half", turns=TURNS).id


async def test_a_trace_holds_the_turns_of_a_conversation_and_replays() -> None:
    solver = Solver(ToyPolicy(slip=0.5), ToyReward(), "best-of-n", 4)
    solution = await solver.solve(Problem("half", turns=TURNS))
    head: Any = json.loads(solution.trace.lines()[0])
    assert [turn["role"] for turn in head["problem"]["turns"]] == ["system", "user", "assistant", "user"]
    again = await Solver.replay(solution.trace).solve(solution.problem)
    assert (again.answer, again.confidence) == (solution.answer, solution.confidence)


def test_what_was_sampled_is_told_once_the_models_are_loaded() -> None:
    sampled = Sampled()
    assert str(sampled) == "loading the models"
    trace = Trace(listener=sampled)
    trace.add("start")
    assert str(sampled) == "0 samples, 0 tokens so far"
    trace.add("sample", steps=[{"text": "a", "tokens": [1, 2]}, {"text": "b", "tokens": [3]}])
    assert str(sampled) == "1 sample, 3 tokens so far"
