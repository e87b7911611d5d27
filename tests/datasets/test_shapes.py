"""Rows shaped as those of the known multiple-choice and code data sets, made here."""

from __future__ import annotations

import csv
import gzip
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks.bench.grading import graded
from benchmarks.datasets.dataset import load, read
from benchmarks.datasets.items import Item
from benchmarks.datasets.known import KNOWN
from tts import sandbox
from tts.answers.finding import Found, auto
from tts.answers.kinds.named import kind_of
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


BIG_BENCH = {  # the rows are made here, in the form of the subtasks named
    "boolean_expressions": ("not ( True ) is", "False", "one-of:true,false", "False"),
    "formal_fallacies": (
        "Is the argument valid?\nOptions:\n- valid\n- invalid",
        "invalid",
        "one-of:valid,invalid",
        "invalid",
    ),
    "navigate": ("Do you return?\nOptions:\n- Yes\n- No", "No", "one-of:yes,no", "No"),
    "date_understanding": ("Which day?\nOptions:\n(A) 01/02/2021\n(B) 03/02/2021", "(B)", "choice", "B"),
    "movie_recommendation": ("Which film?\nOptions:\n(A) Alien\n(B) Heat", "Heat", "choice", "B"),
    "multistep_arithmetic_two": ("((1 - 9) * 2) =", "-16", "number", "-16"),
    "dyck_languages": ("Complete. Input: [ <", "> ]", "text", "> ]"),
    "word_sorting": ("Sort: b a", "a b", "text", "a b"),
}
IF_EVAL = {
    "key": 1000, "prompt": "Write 3 words.", "instruction_id_list": ["length_constraints:number_words"],
    "kwargs": [{"relation": "at least", "num_words": 3, "keyword": None}],
}  # fmt: skip
UNCHECKED = {
    "key": 1001, "prompt": "Two rhymes.", "instruction_id_list": ["length_constraints:number_rhymes"],
    "kwargs": [{"num_rhymes": 2, "relation": "at least"}],
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
        ({"input": "not ( True ) and ( True ) is", "target": "False"}, "False", "one-of:true,false"),
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
        ({"problem": "x", "options": ["o"] * 27, "answer": "A"}, "27 options"),
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
        assert known.kind in ("math", "choice", "code", "instructions") or (known.kind == "auto" and known.subtasks)


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


@pytest.mark.parametrize("task", BIG_BENCH)
def test_the_kind_of_a_row_of_big_bench_hard_is_that_of_its_subtask(file: Path, task: str) -> None:
    problem, target, kind, gold = BIG_BENCH[task]
    found = item(file, {"input": problem, "target": target})
    assert (found.problem.text, found.problem.kind, found.gold) == (problem, kind, gold)


def test_eighteen_options_have_letters(file: Path) -> None:
    options = "\n".join(f"({letter}) colour {k}" for k, letter in enumerate("ABCDEFGHIJKLMNOPQR"))
    found = item(file, {"input": f"Which?\nOptions:\n{options}", "target": "(Q)"})
    assert (found.problem.kind, found.gold) == ("choice", "Q")
    kind = kind_of("choice", found.problem, auto)
    assert kind.right(found.gold, "Q")
    answer = kind.find("So it has colour 16.")
    assert isinstance(answer, Found)
    assert answer.answer == "Q"


def test_big_bench_hard_is_a_folder_of_the_authors_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    two = ("navigate", "word_sorting")
    rows = {
        task: [{"input": f"{BIG_BENCH[task][0]} {k}", "target": BIG_BENCH[task][1]} for k in (1, 2)] for task in two
    }
    known = replace(KNOWN["bbh"], subtasks=two, count=4, sha256="")
    monkeypatch.setitem(KNOWN, "bbh", known)
    monkeypatch.setenv("TTS_DATA", str(tmp_path))
    (tmp_path / "bbh").mkdir()
    (tmp_path / "bbh" / "navigate.json").write_text(json.dumps({"canary": "x", "examples": rows["navigate"]}))
    with pytest.raises(BadInput, match=r"has no bbh/word_sorting.json: bbh is a folder with the authors' 2 files"):
        load("bbh")
    (tmp_path / "bbh" / "word_sorting.json").write_text(json.dumps({"canary": "x", "examples": rows["word_sorting"]}))
    data = load("bbh")
    assert [(each.problem.id, each.subject) for each in data.items] == [
        ("navigate-000", "navigate"), ("navigate-001", "navigate"),
        ("word_sorting-000", "word_sorting"), ("word_sorting-001", "word_sorting"),
    ]  # fmt: skip
    assert data.kinds == "one-of:yes,no; text"
    monkeypatch.setitem(KNOWN, "bbh", replace(known, sha256="0" * 64))
    with pytest.raises(BadInput, match="are not those of bbh"):
        load("bbh")


def test_ifeval_leaves_out_what_is_not_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [json.dumps(row) + "\n" for row in (IF_EVAL, UNCHECKED, {**IF_EVAL, "key": 1002})]
    monkeypatch.setitem(KNOWN, "ifeval", replace(KNOWN["ifeval"], count=3, sha256=""))
    monkeypatch.setenv("TTS_DATA", str(tmp_path))
    (tmp_path / "ifeval.jsonl").write_text("".join(lines))
    data = load("ifeval")
    assert [each.problem.id for each in data.items] == ["1000", "1002"]
    assert data.items[0].gold == '[["length_constraints:number_words", {"relation": "at least", "num_words": 3}]]'
    left = "without the 1 with an instruction that is not checked here"
    assert data.words == f"ifeval, a PART of it: 2 of 3 problems ({left})"
    assert data.choose(limit=1).words == f"ifeval, a PART of it: 1 of 3 problems ({left}, first 1)"
    (tmp_path / "mine.jsonl").write_text("".join(lines))
    with pytest.raises(
        BadInput, match=r"the problem 1001 of .*'length_constraints:number_rhymes', which is not checked here"
    ):
        read(tmp_path / "mine.jsonl")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"kwargs": []}, "not one object of `kwargs` for each"),
        (
            {"kwargs": [{"relation": "at least"}]},
            "arguments of the instruction 'length_constraints:number_words' do not",
        ),
        ({"kwargs": [{"relation": "more than", "num_words": 3}]}, "neither 'at least' nor 'less than'"),
        ({"kwargs": [{"relation": "at least", "num_words": "3"}]}, "do not fit"),
    ],
)
def test_instructions_that_do_not_fit_are_named_with_their_row(file: Path, change: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput, match=rf"row 1 of .*{said}"):
        item(file, {**IF_EVAL, **change})
