"""A solution that crosses processes is the same solution on the other side."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from tests.toy import ToyPolicy, ToyReward
from tts import Problem, Solution, Solver
from tts.records.transfer import packed, unpacked

PROBLEM = Problem("1 + 1", "p1")


def solved() -> Solution:
    solver = Solver(ToyPolicy(), ToyReward(), "beam-search", 8, beam_width=2)
    return asyncio.run(solver.solve(PROBLEM))


def test_a_solution_with_its_trace_is_read_back_whole() -> None:
    solution = solved()
    found = unpacked(packed(solution, traced=True), PROBLEM)
    assert replace(found, trace=solution.trace) == solution
    assert found.trace.lines() == solution.trace.lines()
    assert found.best is not None
    assert len(found.votes) == len(solution.votes) >= 1


@pytest.mark.parametrize("failed", [False, True])
def test_a_trace_that_is_not_wanted_stays_behind(failed: bool) -> None:
    solution = replace(solved(), error="it failed.", best=None) if failed else solved()
    found = unpacked(packed(solution, traced=False), PROBLEM)
    assert found.trace.events == []
    assert found == replace(solution, trace=found.trace)
