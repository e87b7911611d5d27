"""Outcomes: what is written is what is read."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from tests.toy import ToyPolicy, ToyReward
from tts import Solver
from tts.budget import Budget
from tts.errors import BadInput
from tts.records.outcomes import outcome_of, read, row_of


def row(**about: Any) -> dict[str, Any]:
    solver = Solver(ToyPolicy(), ToyReward(), "dvts", Budget(8))
    solution = asyncio.run(solver.solve("How much?"))
    right = tuple(candidate.answer == "3" for candidate in solution.candidates)
    return row_of(solution, gold="3", correct=solution.answer == "3", right=right, **about)


def write(path: Path, *lines: str, end: str = "\n") -> Path:
    path.write_text("\n".join(lines) + end)
    return path


def test_a_row_read_back_is_the_solution_and_its_grades() -> None:
    made = row(dataset="counting", level=2, subject="sums")
    found = outcome_of(json.loads(json.dumps(made)))
    assert (found.dataset, found.level, found.subject, found.gold) == ("counting", 2, "sums", "3")
    assert found.plan.strategy == "dvts"
    assert found.plan.n == 8
    assert [c.scores for c in found.candidates] == [tuple(c["scores"]) for c in made["candidates"]]
    assert found.right == tuple(c.answer == "3" for c in found.candidates)
    assert found.usage.flops == made["usage"]["flops"]


def test_a_torn_last_line_is_passed_over(tmp_path: Path) -> None:
    line = json.dumps(row())
    file = write(tmp_path / "o.jsonl", line, line, line[: len(line) // 2], end="")
    assert len(list(read(file))) == 2


def test_a_line_of_something_else_is_named(tmp_path: Path) -> None:
    file = write(tmp_path / "o.jsonl", json.dumps(row()), '{"question": "?"}')
    with pytest.raises(BadInput, match=r"line 2 of .* holds no outcome"):
        list(read(file))


def test_a_file_that_is_not_there_is_said_to_be_so(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot be read"):
        list(read(tmp_path / "none.jsonl"))
