"""Scoring: concurrent, resumable, and never mixed with scores of another model or other data."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks.prm_eval.data import Case
from benchmarks.prm_eval.scoring import ScoreFile, Scores, chain, score, score_data
from benchmarks.prm_eval.sources import DataSet
from tests.prm_eval.cases import case
from tests.toy import ToyReward
from tts.errors import BadInput, EngineError, PromptTooLong
from tts.types import Node, Problem

MODEL = {"prm": "toy-prm", "prm sha256": "", "dtype": None}
CASES = [case(-1, problem=f"problem {k}", id=f"{k}") for k in range(6)]


def data(cases: list[Case], name: str = "mine") -> DataSet:
    return DataSet("processbench" if name != "mine" else name, {name: cases}, {name: frozenset(c.key for c in cases)})


def collect(reward: Any, cases: list[Case], in_flight: int = 4) -> dict[str, Scores]:
    found: dict[str, Scores] = {}
    score(reward, cases, lambda case, scores: found.__setitem__(case.id, scores), in_flight)
    return found


def test_a_solution_is_the_node_that_a_search_would_hold() -> None:
    node = chain(case(-1, steps=3, problem="1 + 1?"))
    assert node.root.step.text == "1 + 1?"
    assert [step.text for step in node.steps] == ["step 0\n\n", "step 1\n\n", "step 2"]
    assert [n.finished for n in node.path] == [False, False, True]
    assert len({n.key for n in node.path}) == 3


class Counting(ToyReward):
    """Knows how many texts it was given at once; texts with "long" in them do not fit."""

    at_once = peak = 0

    async def score(self, problem: Problem, node: Node, seen: int) -> tuple[float, ...]:
        self.at_once += 1
        self.peak = max(self.peak, self.at_once)
        await asyncio.sleep(0.01)
        self.at_once -= 1
        if "long" in problem.text:
            raise PromptTooLong("too long")
        return await super().score(problem, node, seen)


def test_many_are_in_flight_and_no_more_than_allowed() -> None:
    reward = Counting()
    assert len(collect(reward, CASES, in_flight=4)) == 6
    assert reward.peak == 4


async def test_it_works_where_an_event_loop_runs_already() -> None:
    assert len(collect(ToyReward(), CASES)) == 6


def test_a_text_too_long_is_said_to_be_so() -> None:
    found = collect(Counting(), [CASES[0], case(0, problem="a long one", id="long")])
    assert found == {"0": (0.9, 0.9, 0.9), "long": None}


def test_a_model_that_gives_another_number_of_scores_is_refused() -> None:
    class Short(ToyReward):
        async def score(self, problem: Problem, node: Node, seen: int) -> tuple[float, ...]:
            return (await super().score(problem, node, seen))[:-1]

    with pytest.raises(EngineError, match="2 scores for the 3 steps of 0"):
        collect(Short(), CASES)


def run(path: Path, cases: list[Case], reward: Any = None, name: str = "mine", **model: Any) -> list[Scores]:
    known = data(cases, name)
    file = ScoreFile(path, {**MODEL, **model}, known)
    try:
        return [scores for _, scores in score_data(reward or ToyReward(), known, file)[name]]
    finally:
        file.close()


def test_a_second_run_scores_only_what_is_missing(tmp_path: Path) -> None:
    out = tmp_path / "scores.jsonl"
    run(out, CASES)
    with out.open("ab") as file:
        file.write(b'{"subset": "mine", "id": "torn')
    before = out.read_bytes()
    reward = ToyReward()
    more = [*CASES, case(-1, problem="a new one", id="new")]
    assert run(out, more, reward) == [(0.9, 0.9, 0.9)] * 7
    assert len(reward.calls) == 1
    kept, _, new = out.read_bytes().rpartition(before[: before.rindex(b"\n") + 1])
    assert kept == b""
    assert [json.loads(line)["id"] for line in new.splitlines()] == ["new"]


def test_a_solution_that_stands_there_twice_is_scored_once(tmp_path: Path) -> None:
    reward = ToyReward()
    twice = [*CASES, case(0, problem="problem 0", id="again")]
    assert run(tmp_path / "scores.jsonl", twice, reward) == [(0.9, 0.9, 0.9)] * 7
    assert len(reward.calls) == 6


def test_what_is_finished_is_on_disk_when_the_engine_fails(tmp_path: Path) -> None:
    class Dying(ToyReward):
        async def score(self, problem: Problem, node: Node, seen: int) -> tuple[float, ...]:
            if len(self.calls) == 3:
                raise EngineError("the engine is gone.")
            return await super().score(problem, node, seen)

    out = tmp_path / "scores.jsonl"
    with pytest.raises(EngineError, match="gone"):
        run(out, CASES, Dying())
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert len(rows) == 3
    assert all(row["scores"] == [0.9, 0.9, 0.9] for row in rows)


@pytest.mark.parametrize(
    ("again", "message"),
    [
        (lambda out: run(out, CASES, prm="other"), "made with prm = toy-prm, not other"),
        (lambda out: run(out, CASES, **{"prm sha256": "1f"}), "made with prm sha256 = , not 1f"),
        (lambda out: run(out, CASES, tokenizer="new"), "an earlier version, which did not keep the tokenizer"),
        (lambda out: run(out, CASES, dtype="float16"), "made with dtype = None, not float16"),
        (lambda out: run(out, CASES[1:]), "holds scores of other data"),
        (lambda out: run(out, CASES, name="math"), "holds scores of other data"),
    ],
)
def test_another_model_or_other_data_is_refused(tmp_path: Path, again: Callable[[Path], Any], message: str) -> None:
    out = tmp_path / "scores.jsonl"
    run(out, CASES)
    before = out.read_bytes()
    with pytest.raises(BadInput, match=message) as error:
        again(out)
    assert "name another file with --out" in str(error.value)
    assert out.read_bytes() == before


def test_the_subsets_of_one_data_set_share_a_file(tmp_path: Path) -> None:
    out = tmp_path / "scores.jsonl"
    run(out, CASES, name="math")
    run(out, CASES, name="gsm8k")
    assert len(out.read_text().splitlines()) == 12


def test_something_else_in_the_file_is_left_alone(tmp_path: Path) -> None:
    out = tmp_path / "notes.txt"
    out.write_text("my notes\n")
    with pytest.raises(BadInput, match="line 1 is no row of scores"):
        run(out, CASES)
    assert out.read_text() == "my notes\n"
    with pytest.raises(BadInput, match="cannot be written"):
        run(tmp_path / "no" / "such" / "folder", CASES)
