"""Rows shaped as those of the known multiple-choice and code data sets, made here."""

from __future__ import annotations

import csv
import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.bench.grading import graded
from benchmarks.datasets.dataset import read
from benchmarks.datasets.items import Item
from benchmarks.datasets.known import KNOWN
from tts import sandbox
from tts.answers.kinds.programs import task_of
from tts.errors import BadInput, MissingSandbox
from tts.trace import Trace
from tts.types import Candidate, Finish, Plan, Solution, Usage

ARC = {
    "id": "Mercury_1", "question": "Which is a star?", "answerKey": "3",
    "choices": {"text": ["Mars", "Moon", "Sun", "Io"], "label": ["1", "2", "3", "4"]},
}  # fmt: skip
MMLU_PRO = {
    "question_id": 70, "question": "Typical advertising ...", "options": [f"option {k}" for k in range(10)],
    "answer": "I", "answer_index": 8, "category": "business",
}  # fmt: skip
HUMAN_EVAL = {
    "task_id": "HumanEval/900",
    "prompt": 'def add(a: int, b: int) -> int:\n    """Add.\n    >>> add(1, 2)\n    3\n    """\n',
    "canonical_solution": "    return a + b\n", "entry_point": "add",
    "test": "def check(candidate):\n    assert candidate(2, 2) == 4\n",
}  # fmt: skip
MBPP = {
    "task_id": 11, "text": "Write a function to double.", "code": "def double(n):\n    return 2 * n",
    "test_list": ["assert double(2) == 4", "assert double(0) == 0"], "test_setup_code": "",
}  # fmt: skip


def item(path: Path, row: dict[str, Any]) -> Item:
    path.write_text(json.dumps(row) + "\n")
    return read(path).items[0]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "rows.jsonl"


def test_arc_writes_numbers_for_some_letters(file: Path) -> None:
    found = item(file, ARC)
    assert found.problem.text == "Which is a star?\n\nA. Mars\nB. Moon\nC. Sun\nD. Io"
    assert (found.gold, found.problem.kind, found.problem.id) == ("C", "choice", "Mercury_1")


def test_mmlu_pro_has_ten_options_and_a_subject(file: Path) -> None:
    found = item(file, MMLU_PRO)
    assert found.problem.text.endswith("I. option 8\nJ. option 9")
    assert (found.gold, found.subject, found.problem.kind) == ("I", "business", "choice")


def test_gpqa_is_read_from_csv_and_its_options_are_shuffled_alike_each_time(tmp_path: Path) -> None:
    file = tmp_path / "gpqa_diamond.csv"
    rows = [
        {
            "Record ID": f"rec{k}", "Question": f"Which of these, {k}?", "Correct Answer": "right\n",
            "Incorrect Answer 1": "a", "Incorrect Answer 2": "b", "Incorrect Answer 3": "c, d",
            "High-level domain": "Physics",
        }
        for k in range(12)
    ]  # fmt: skip
    with file.open("w", newline="") as out:
        writer = csv.DictWriter(out, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    items = read(file).items
    assert all(f"{each.gold}. right" in each.problem.text for each in items)
    assert len({each.gold for each in items}) > 1
    assert read(file).sha256 == read(file).sha256
    assert items[0].subject == "Physics"


def test_human_eval_shows_its_prompt_and_keeps_its_tests_as_gold(tmp_path: Path) -> None:
    file = tmp_path / "HumanEval.jsonl.gz"
    with gzip.open(file, "wt") as out:
        out.write(json.dumps(HUMAN_EVAL) + "\n")
    [found] = read(file).items
    assert task_of(found.problem.text).calls == (("add(1, 2)", "3"),)
    assert found.gold.endswith("check(add)\n")
    assert "candidate" not in found.problem.text
    assert found.problem.tests == ""  # a verifier sees the examples only


def test_mbpp_shows_its_tests_as_published(file: Path) -> None:
    found = item(file, MBPP)
    assert found.problem.text == (
        "You are an expert Python programmer, and here is your task: Write a function to double. Your code should pass "
        "these tests:\n\nassert double(2) == 4\nassert double(0) == 0"
    )
    assert (found.gold, found.problem.id) == ("assert double(2) == 4\nassert double(0) == 0", "MBPP/11")


@pytest.mark.parametrize(
    ("row", "gold", "kind"),
    [
        ({"input": "not ( True ) and ( True ) is", "target": "False"}, "False", "text"),
        ({"input": "Which?\nOptions:\n(A) one\n(B) two", "target": "(B)"}, "B", "choice"),
        ({"problem": "Capital?", "options": ["Oslo", "Rome"], "answer": "Rome"}, "B", "choice"),
        ({"problem": "Say hi.", "answer": "hello", "kind": "text"}, "hello", "text"),
        ({"problem": "Double it.", "tests": ["assert double(1) == 2"]}, "assert double(1) == 2", "code"),
        ({"problem": "Add.", "tests": [{"input": "1 2", "output": "3"}]}, '[{"input": "1 2", "output": "3"}]', "code"),
    ],
)
def test_rows_of_your_own_name_their_kind_or_show_it(file: Path, row: dict[str, Any], gold: str, kind: str) -> None:
    found = item(file, row)
    assert (found.gold, found.problem.kind) == (gold, kind)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({**ARC, "answerKey": "9"}, "none of its labels"),
        ({**MMLU_PRO, "answer": "Z"}, "neither a letter"),
        ({"problem": "x", "options": ["o"] * 11, "answer": "A"}, "11 options"),
        ({"problem": "x", "answer": "1", "kind": "maths"}, "no kind of answer|there is no answer kind"),
        ({"problem": "x", "tests": 3}, "neither Python assertions"),
    ],
)
def test_a_field_that_does_not_fit_is_named_with_its_row(file: Path, row: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput, match=rf"row 1 of .*({said})"):
        item(file, row)


def test_every_data_set_names_a_kind_and_a_pinned_revision() -> None:
    for known in KNOWN.values():
        assert len(known.hub.revision) == 40
        assert known.kind in ("math", "choice", "code")


def test_a_program_is_graded_by_its_tests(file: Path) -> None:
    try:
        sandbox.check()
    except MissingSandbox as error:
        pytest.skip(str(error))
    found = item(file, HUMAN_EVAL)
    programs = [
        "def add(a, b):\n    return a + b\n",
        "def add(a, b):\n    return b + a\n",
        "def add(a, b):\n    return 3\n",
        None,
    ]
    candidates = tuple(Candidate(f"/{k}", (), Finish.STOP, answer) for k, answer in enumerate(programs))
    plan = Plan("majority", kind="code", extract="auto")
    solution = Solution(found.problem, programs[0], 0.5, candidates, plan, Usage(), "complete", Trace())
    row = graded(solution, found, "mine", "job")
    assert row["correct"] is True
    assert [c["correct"] for c in row["candidates"]] == [True, True, False, False]
    assert [c["class"] for c in row["candidates"]] == [0, 0, 1, -1]
    assert row["plan"]["kind"] == "code"
