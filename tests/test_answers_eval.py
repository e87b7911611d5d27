"""The evaluation of grading, on cases of other projects and our own."""

from __future__ import annotations

import gzip
import json
import time
from pathlib import Path

import pytest

from benchmarks.answers_eval import Case, Plain, cases, found_by_rule, measure, ours, rows_of, solutions
from tests.bench.shared import GRADER, needs_grader
from tts.answers.equivalence import grade
from tts.errors import BadInput

TRAPS = [
    ("100", "1"), ("1", "100"), ("[2,5)", "(2,5)"), ("(2,5)", "[2,5]"), (r"\text{east}", r"\text{west}"),
    ("(a+5)(b+2)", "(+5)(b+2)"), (r"3 \pm 2\sqrt{2}", r"3 + 2\sqrt{2}"), ("025", "24"), ("0.5", "50"),
    (r"\frac{1}{2}", r"\frac{2}{1}"), ("1,3", "13"), ("4", r"4,\frac{7}{2}"), ("x<4", "4"), ("10^{3}", "10^{4}"),
]  # fmt: skip

SAME = [
    ("025", "25"), ("25", "025"), (r"3 \pm 2\sqrt{2}", r"3 - 2\sqrt{2}, 3 + 2\sqrt{2}"),
    ("4.5e33", r"4.5\times10^{33}"),
    (r"x^2-2x+2", "x²-2x+2"), ("±3", r"\pm 3"), (r"10,\!080", "10080"), ("12", r"12^{\mathrm{th}} \text{ grade}"),
]  # fmt: skip


@needs_grader
@pytest.mark.slow
def test_ours_is_better_than_plain_math_verify_both_ways_on_the_cases_of_other_projects() -> None:
    row = rows_of(list(measure(cases(GRADER / "dev.jsonl"))))[-1]
    assert row["source"] == "all"
    assert row["cases"] == 441
    assert row["ours accepts wrong"] < row["plain accepts wrong"]
    assert row["ours rejects right"] < row["plain rejects right"]


@needs_grader
def test_of_what_models_really_answered_nothing_wrong_is_accepted() -> None:
    known = [case for case in cases(GRADER / "real_pairs_dev.jsonl") if case.expected is not None]
    accepted = [case for case in known if not case.expected and ours(case)]
    rejected = [case for case in known if case.expected and not ours(case)]
    assert len(known) > 1800
    # those that their recorded grader and math-verify called wrong are right
    assert {(case.gold, case.pred) for case in accepted} == {
        ("12", r"12^{\mathrm{th}} \text{ grade}"),
        (r"3\sqrt{13}", "3√13"),
        (r"\sqrt{5}", "√5"),
        (r"\sqrt{53}", "√53"),
        (r"-\sqrt{3}", r"\sin 100^\circ \left(-\frac{1}{\cos 80^\circ} + 4\right)"),
    }
    assert rejected == []


@needs_grader
def test_of_the_pairs_of_public_reports_few_are_judged_otherwise() -> None:
    known = cases(GRADER / "reports_dev.jsonl")
    assert len(known) == 269
    assert sum(ours(case) for case in known if not case.expected) <= 5
    assert sum(not ours(case) for case in known if case.expected) <= 15


@pytest.mark.parametrize(("gold", "answer"), TRAPS)
def test_none_of_the_known_traps_passes(gold: str, answer: str) -> None:
    assert not grade(gold, answer)


@pytest.mark.parametrize(("gold", "answer"), SAME)
def test_what_is_only_written_otherwise_is_right(gold: str, answer: str) -> None:
    assert grade(gold, answer)


PATHOLOGICAL = [
    r"\boxed{" * 200 + "1" + "}" * 200,
    "{" * 10**6,
    "9^{9^{9^{9}}}",
    "(" * 900 + "1" + ")" * 900,
    "10^{999999999}",
    "1" * 10**6,
    r"\frac{1}{" * 150 + "2" + "}" * 150,
    "x" * 10**6,
    r"\sqrt{" * 300 + "2" + "}" * 300,
    "7!!!!!!",
    r"\sum_{k=1}^{10^{9}} k^{k}",
    "\x00\ud800",
]


@pytest.mark.parametrize("answer", PATHOLOGICAL, ids=lambda text: repr(text[:12]))
def test_pathological_answers_are_wrong_in_a_moment(answer: str) -> None:
    start = time.process_time()
    assert not grade("x+1", answer)
    assert time.process_time() - start < 3


def test_cases_are_counted_by_source_and_by_kind_of_mistake() -> None:
    verdicts = [
        (Case("1", "1", True, "a"), True, False),
        (Case("1", "2", False, "a"), False, True),
        (Case("1", "2", False, "b"), True, False),
        (Case("1", "2", None, "b"), True, True),
    ]
    rows = {row.pop("source"): row for row in rows_of(verdicts)}
    names = ("cases", "ours accepts wrong", "plain accepts wrong", "ours rejects right", "plain rejects right")
    assert [rows["a"][name] for name in names] == [2, 0, 1, 0, 1]
    assert [rows["b"][name] for name in names] == [1, 1, 0, 0, 0]
    assert [rows["all"][name] for name in names] == [3, 1, 1, 0, 1]
    assert rows["all"]["disputed"] == 1


def test_responses_texts_and_answers_are_read_as_what_they_are(tmp_path: Path) -> None:
    file = tmp_path / "cases.jsonl"
    rows = [
        {"gold": "4", "pred": "so 5, no: \\boxed{4}", "expected": True, "kind": "response", "source": "us:file"},
        {"gold": "4", "pred": "so it is 4", "expected": False, "kind": "response"},
        {"gold": "$4$", "pred": "so it is 4", "expected": True, "kind": "text"},
        {"gold": "4", "pred": "4.0", "expected": True},
        {"gold": "4", "pred": "5", "labels": {"x": False, "y": False}, "math_verify": False, "agree": True},
        {"gold": "4", "pred": "4,5", "labels": {"x": True}, "math_verify": False, "agree": False},
    ]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = cases(file)
    assert [case.expected for case in found] == [True, False, True, True, False, None]
    assert found[0].source == "us"
    assert [ours(case) for case in found] == [True, False, True, True, False, False]
    file.write_text('{"gold": "1"}\n')
    with pytest.raises(BadInput, match="not a case"):
        cases(file)


def test_plain_math_verify_is_killed_where_it_hangs_and_goes_on() -> None:
    plain = Plain(seconds=10)
    try:
        assert plain.grade(Case("1/2", "0.5", True))
        first = plain._process
        assert first is not None
        first.kill()
        assert not plain.grade(Case("1", "1", True))  # no verdict is no
        assert plain.grade(Case("1", "1", True))
    finally:
        plain.close()


def test_recorded_solutions_show_what_each_rule_finds(tmp_path: Path) -> None:
    row = {"answer": "4", "samples": [{"text": r"\boxed{4}"}, {"text": "So it is 4."}, {"text": "The answer is 5."}]}
    file = tmp_path / "recorded.jsonl.gz"
    file.write_bytes(gzip.compress(json.dumps(row).encode()))
    pairs = solutions(file)
    assert pairs is not None
    assert [(row["rule"], row["right %"], row["none %"]) for row in found_by_rule(pairs)] == [
        ("boxed", "33.3", "66.7"), ("last-number", "66.7", "0.0"), ("auto", "66.7", "0.0")
    ]  # fmt: skip
