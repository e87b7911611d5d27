"""What a report takes from a run: methods by the names of their jobs, and samples as their rows grade them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmarks.recordings.plans import plan_words
from benchmarks.recordings.reading import read as recorded
from benchmarks.report.curves import Curve, curves
from benchmarks.report.html import cases
from benchmarks.report.runs import Runs, load
from tests.report.run import PROBLEMS, make, read, write


def curve(runs: Runs, name: str) -> Curve:
    [found] = [curve for curve in curves(runs) if curve.name == name]
    return found


@pytest.fixture(scope="module")
def chosen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of three strategies, and of a selector that took each of them in turn."""
    folder = make(tmp_path_factory.mktemp("chosen"), ("best-of-n", 8), ("beam-search", 4), ("majority", 8), slip=0.6)
    rows = read(folder)
    by = {(row["plan"]["strategy"], row["id"]): row for row in rows}
    for k, problem in enumerate(PROBLEMS):
        taken = by[("best-of-n", "majority", "beam-search")[k % 3], problem.id]
        rows.append(taken | {"job": "auto/8", "plan": taken["plan"] | {"reason": "the cheapest of the good ones"}})
    write(folder, rows)
    return folder


def test_plans_that_a_selector_chose_are_one_method_by_the_name_of_its_job(chosen: Path) -> None:
    runs = load([chosen])
    auto = curve(runs, "auto")
    rows = [row for row in read(chosen) if row["job"] == "auto/8"]
    assert [point.n for point in auto.points] == [8]
    assert auto.top.right == tuple(float(row["correct"]) for row in rows)
    assert auto.top.flops == pytest.approx(sum(row["usage"]["flops"] for row in rows) / len(rows))
    assert (auto.arm.policy, auto.arm.prm, auto.arm.vote) == ("toy", "toy-prm", "chosen")
    assert not auto.arm.independent  # some of its candidates were searched for, so none of them are drawn from
    # and the methods that it chose from are what they are without it
    write(chosen / "alone", [row for row in read(chosen) if row["job"] != "auto/8"])
    for other in curves(load([chosen / "alone"])):
        assert curve(runs, other.name).points == other.points


def test_the_cases_show_what_the_selector_chose_for_that_problem(chosen: Path) -> None:
    runs = load([chosen])
    picked = cases.pick(runs, curves(runs))
    assert picked
    by_job = {(row["job"], row["id"]): row for row in read(chosen)}
    for case in picked:
        shown = dict(case.outcomes)
        assert shown["auto"].plan.strategy == by_job["auto/8", case.id]["plan"]["strategy"]
        assert [c.answer for c in shown["auto"].candidates] == [
            c["answer"] for c in by_job["auto/8", case.id]["candidates"]
        ]
    searches = [search for case in picked for search in cases.view(case, cases.Traces(runs.paths)).searches]
    assert any(search.about.startswith("beam-search, N = 4, ") for search in searches)


def test_a_replay_takes_the_plans_of_a_job_as_one_too(chosen: Path) -> None:
    plans = [plan_words(outcome) for outcome in recorded(chosen)]
    assert plans.count("auto, N = 8, a plan for each problem") == len(PROBLEMS)


def test_samples_say_which_answers_are_the_same_or_are_compared(tmp_path: Path) -> None:
    folder = make(tmp_path / "compared", ("best-of-n", 8), slip=0.6)
    rows = read(folder)
    for row in rows:
        spellings = list(dict.fromkeys(c["answer"] for c in row["candidates"]))
        for candidate in row["candidates"]:
            candidate["class"] = spellings.index(candidate["answer"])
    write(tmp_path / "graded", rows)
    compared, graded = (curves(load([path])) for path in (folder, tmp_path / "graded"))
    assert [c.points for c in compared] == [c.points for c in graded]
    for row in rows:  # what the row says holds, even that nobody has a voice
        for candidate in row["candidates"]:
            candidate["class"] = -1
    write(tmp_path / "silent", rows)
    assert {right for point in curve(load([tmp_path / "silent"]), "majority").points for right in point.right} == {0.0}


def with_ceiling(row: dict[str, Any]) -> dict[str, Any]:
    return row | {"stopped": "max_tokens"}


def test_under_a_ceiling_nothing_is_derived_from_a_larger_run(tmp_path: Path) -> None:
    folder = make(tmp_path / "run", ("best-of-n", 2), ("best-of-n", 8), slip=0.6)
    rows = read(folder)
    small = [float(row["correct"]) for row in rows if row["job"] == "best-of-n/2"]
    points = curve(load([folder]), "best-of-n").points
    assert [(point.n, point.derived) for point in points] == [(2, False), (8, False)]
    assert points[0].right == tuple(small)
    write(tmp_path / "one", [with_ceiling(row) for row in rows if row["job"] == "best-of-n/8"])
    assert [point.n for point in curve(load([tmp_path / "one"]), "best-of-n").points] == [8]
