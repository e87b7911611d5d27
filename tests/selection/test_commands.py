"""The selector on the command line: output and errors."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks.datasets.dataset import load
from tests.command_line import MIA, Tts
from tests.selection.profiles import ladder
from tts.models.policies import DEFAULT_POLICY
from tts.records.outcomes import read
from tts.selection.profile import Profile
from tts.selection.profile_file import save
from tts.trace import Trace
from tts.types import Problem

BUS = "A bus has 30 people. At the next stop 12 people get on and then 9 people leave. How many people are there?"


def lab(**changes: Any) -> Profile:
    return replace(ladder(DEFAULT_POLICY, "lab-prm"), temperature=1.0, **changes)


@pytest.fixture
def profile(tmp_path: Path) -> str:
    save(lab(), tmp_path / "lab.json")
    return str(tmp_path / "lab.json")


def test_a_plan_is_a_table_of_80_columns_with_the_choice_and_its_reason(tts: Tts, profile: str) -> None:
    for arguments in (("--profile", profile), ("--profile", ""), ("--profile", "", "--prm", "none")):
        done = tts("plan", "-n", "64", *arguments, MIA)
        assert (done.code, done.err) == (0, "")
        assert max(map(len, done.out.splitlines())) <= 80
        assert "\nChoice  " in done.out
    table = tts("plan", "-n", "64", "--profile", profile, MIA).out
    assert "Difficulty  pass@1 about " in table
    assert [line for line in table.splitlines() if line.startswith(">")]


def test_a_plan_without_samples_names_the_greedy_answer_and_no_scope_with_samples(tts: Tts) -> None:
    done = tts("plan", "--max-flops", "1e9", BUS)
    rows = [line.split() for line in done.out.splitlines()]
    assert [">", "greedy", "answer", "1", "majority"] in [row[:5] for row in rows]
    assert "in scope by the text alone\n" in done.out


def test_a_plan_as_json_is_the_decision_as_the_trace_of_a_solution_has_it(
    tts: Tts, profile: str, tmp_path: Path
) -> None:
    row = json.loads(tts("plan", "-n", "64", "--profile", profile, "--json", MIA).out)
    assert row["usage"]["flops"] > 0
    tts("solve", "-n", "64", "--profile", profile, "--trace", str(tmp_path / "tree.jsonl"), MIA)
    _, second, *_ = Trace.load(tmp_path / "tree.jsonl").of("plan")
    assert {name: row[name] for name in second if name != "event"} == {
        name: value for name, value in second.items() if name != "event"
    }


def test_a_solution_says_what_was_decided_and_why(tts: Tts, profile: str) -> None:
    out = tts("solve", "-n", "8", "--profile", profile, MIA).out
    assert "that it is right" in out  # the scope's estimate, so the plan repeats no rate of the profile
    assert "Plan        auto, N up to 8: after 2 samples, " in out
    assert max(map(len, out.splitlines())) <= 80


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--profile", "none.json"],
            "cannot be read: No such file or directory; `tts calibrate` makes one",
        ),
        (["--profile", "{damaged}"], "is damaged: 'policy' of the profile must be a text"),
        (["--profile", "{newer}"], "has version 99, this program reads versions 2 to 4"),
        (["--profile", "{profile}", "--policy", "lab-200k"], "was measured with lab-2m and lab-prm, not with lab-200k"),
        (["--profile", "{profile}", "--prm", "none"], "not with lab-2m and no reward model"),
        (["--profile", "{profile}", "--strategy", "dvts"], "only the strategy auto reads a profile, not dvts"),
        (["--profile", "{larger}"], "was measured with a lab-2m of 123 parameters"),
        (["--total-flops", "1e9", "--strategy", "dvts"], "leave the strategy out"),
        (["--total-flops", "1e9", "--max-flops", "1e10"], "is more than total_flops"),
        (["--total-flops", "-1"], "total_flops must be a number above zero"),
        (["--lookahead", "2"], "there is no parameter of auto named 'lookahead'"),
    ],
)
def test_what_a_user_gets_wrong_is_one_sentence_and_exit_2(
    tts: Tts, profile: str, tmp_path: Path, arguments: list[str], message: str
) -> None:
    text = Path(profile).read_text()
    (tmp_path / "damaged.json").write_text(text.replace('"policy": "lab-2m"', '"policy": 1'))
    (tmp_path / "newer.json").write_text(text.replace('"version": 2', '"version": 99'))
    save(lab(policy_parameters=123), tmp_path / "larger.json")
    files = {name: str(tmp_path / f"{name}.json") for name in ("damaged", "newer", "larger")}
    done = tts("solve", "-n", "8", *(part.format(profile=profile, **files) for part in arguments), MIA)
    assert done.code == 2
    assert done.out == ""
    assert message in done.sentence


def test_a_file_with_one_pot_goes_on_where_it_was_cut_off(tts: Tts, profile: str, tmp_path: Path) -> None:
    source, out = tmp_path / "problems.txt", tmp_path / "answers.jsonl"
    source.write_text(f"{MIA}\n{BUS}\nTom has 12 eggs. He buys 8 more. How many eggs does he have?\n")
    arguments = ["solve", "-n", "8", "--file", str(source), "--out", str(out), "--profile", profile]
    arguments += ["--concurrency", "1", "--total-flops", "4e8"]
    assert tts(*arguments).code == 0
    whole = [json.loads(line) for line in out.read_text().splitlines()]
    out.write_text(out.read_text().splitlines(keepends=True)[0])
    assert tts(*arguments).code == 0
    again = [json.loads(line) for line in out.read_text().splitlines()]
    assert [row["candidates"] for row in again] == [row["candidates"] for row in whole]
    spent = [row["usage"]["flops"] for row in again]
    assert sum(spent) <= 4e8 + max(spent)
    other = tts(*arguments[:-1], "5e8")
    assert other.code == 2
    assert "answers made with total_flops = 400000000.0, not 500000000.0" in other.sentence


def test_a_benchmark_runs_auto_as_one_more_strategy_and_warns_of_what_the_profile_knows(
    tts: Tts, tmp_path: Path
) -> None:
    known = frozenset({Problem(load("lab-500").items[0].problem.text).id})
    save(lab(problems=known), tmp_path / "lab.json")
    out = tmp_path / "run"
    command = ["bench", "lab-500", "--limit", "3", "-n", "8", "--strategy", "majority,auto", "--out", str(out)]
    done = tts(*command, "--profile", str(tmp_path / "lab.json"))
    assert done.code == 0
    assert "1 of these 3 problems were used to fit the profile" in done.err
    assert "auto " in done.out
    rows = [outcome for outcome in read(out / "outcomes.jsonl") if outcome.plan.strategy == "auto"]
    assert len(rows) == 3
    assert all("by the profile" in row.plan.reason for row in rows)
    save(lab(problems=known, dataset="another"), tmp_path / "lab.json")
    fixed = tts(*command[:7], "majority", "--dry-run", "--profile", "lab.json")
    assert fixed.sentence.startswith("--profile goes with the strategy auto")
    changed = tts(*command, "--profile", str(tmp_path / "lab.json"))
    assert changed.code == 2
    assert "was made with profile sha256" in changed.err
