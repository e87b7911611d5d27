"""The replay engine: answers by key, names what is missing, and shows the result of another vote."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.toy import OneByOne, ToyPolicy, ToyReward
from tts import Solution, Solver, Trace
from tts.budget import Budget
from tts.errors import BadInput, MissingKey
from tts.types import Problem

PROBLEM = Problem("how far")


def record(strategy: str = "beam-search") -> Solution:
    return asyncio.run(Solver(ToyPolicy(), ToyReward(), strategy, Budget(8)).solve(PROBLEM))


def test_a_trace_survives_its_file(tmp_path: Path) -> None:
    recorded = record()
    recorded.trace.save(tmp_path / "trace.jsonl")
    again = asyncio.run(Solver.replay(str(tmp_path / "trace.jsonl")).solve(PROBLEM))
    assert (again.answer, again.candidates) == (recorded.answer, recorded.candidates)


def test_another_vote_on_the_same_search(tmp_path: Path) -> None:
    recorded = record("best-of-n")
    for vote in ("majority", "best", "weighted"):
        again = asyncio.run(Solver.replay(recorded.trace, vote=vote).solve(PROBLEM))
        assert again.candidates == recorded.candidates
        assert again.plan.vote == vote


def test_a_sample_that_was_not_recorded_is_named() -> None:
    recorded = record("best-of-n")
    with pytest.raises(MissingKey, match="no sample '/8'"):
        asyncio.run(Solver.replay(recorded.trace, budget=Budget(9)).solve(PROBLEM))


@pytest.mark.parametrize("policy", [ToyPolicy, OneByOne])
@pytest.mark.parametrize(
    ("strategy", "parameters"),
    [("reject-early", {"chunk": 2}), ("deepconf", {"chunk": 2, "warmup": 4}), ("dvts", {"granularity": 3})],
)
def test_steps_that_were_recorded_together_or_one_by_one_are_replayed(
    policy: type[ToyPolicy], strategy: str, parameters: dict[str, Any]
) -> None:
    solver = Solver(policy(depth=6), None if strategy == "deepconf" else ToyReward(), strategy, Budget(8), **parameters)
    recorded = asyncio.run(solver.solve(PROBLEM))
    again = asyncio.run(Solver.replay(recorded.trace).solve(PROBLEM))
    assert again.candidates == recorded.candidates
    assert replace(again.usage, seconds=0) == replace(recorded.usage, seconds=0)


def test_steps_that_were_recorded_together_are_not_replayed_one_by_one() -> None:
    solver = Solver(ToyPolicy(depth=6), ToyReward(), "reject-early", Budget(8), chunk=2)
    recorded = asyncio.run(solver.solve(PROBLEM))
    with pytest.raises(MissingKey, match="no sample '/0'"):
        asyncio.run(Solver.replay(recorded.trace, chunk=1).solve(PROBLEM))


def test_a_score_that_was_not_recorded_is_named() -> None:
    recorded = record("majority")
    unscored = Trace([dict(event) for event in recorded.trace.events])
    start = next(unscored.of("start"))
    start["prm"] = {"name": "toy-prm", "shape": start["policy"]["shape"], "prompt": 7}
    with pytest.raises(MissingKey, match=r"no score of node '/0"):
        asyncio.run(Solver.replay(unscored, strategy="best-of-n").solve(PROBLEM))


def test_another_problem_is_refused_by_name() -> None:
    with pytest.raises(MissingKey, match="no problem"):
        asyncio.run(Solver.replay(record().trace).solve("another"))


@pytest.mark.parametrize("text", ["", "no json\n", '{"event": "party"}\n', "[]\n"])
def test_a_file_that_is_no_trace_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "trace.jsonl"
    path.write_text(text)
    with pytest.raises(BadInput, match="is not a trace"):
        Solver.replay(str(path))


def test_a_trace_without_its_beginning_is_refused() -> None:
    with pytest.raises(BadInput, match="no start event"):
        Solver.replay(Trace([{"event": "end"}]))
