"""``tts bench`` with the built-in models."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.provenance import fingerprint
from tests.command_line import Tts
from tests.interrupt import interrupted
from tests.markdown import ROOT
from tts.records.outcomes import read

SMALL = ["bench", "lab-500", "--policy", "lab-200k", "--limit", "3"]


def test_all_strategies_run_and_resume_and_end_in_a_table(tts: Tts, tmp_path: Path) -> None:
    out = tmp_path / "runs" / "first"
    code, plan, _ = tts(*SMALL, "-n", "2,4", "--out", str(out), "--dry-run")
    assert code == 0
    assert "best-of-n/4" in plan
    assert "majority/2 is read from the 4 samples of best-of-n" in plan
    assert not out.exists()
    code, table, err = tts(*SMALL, "-n", "2,4", "--out", str(out))
    assert code == 0
    assert "a PART of it: 3 of 500 problems" in err
    assert table.startswith("lab-500, a PART of it")
    for name in ("best-of-n", "majority", "beam-search", "dvts"):
        assert f"{name} " in table
    before = (out / "outcomes.jsonl").read_bytes()
    outcomes = list(read(out / "outcomes.jsonl"))
    assert len(outcomes) == 3 * (1 + 9 * 2)  # samples at 4, and nine other strategies at 2 and 4
    code, text, err = tts(*SMALL, "-n", "2,4", "--out", str(out), "--json")
    assert code == 0
    assert "57 of 57 rows are already in" in err
    lines = json.loads(text)["lines"]
    assert len(lines) == 11 * 2
    assert {line["problems"] for line in lines} == {3}
    assert (out / "outcomes.jsonl").read_bytes() == before
    code, plan, _ = tts(*SMALL, "-n", "2,4", "--out", str(out), "--dry-run", "--json")
    assert {job["problems"] for job in json.loads(plan)["jobs"]} == {0}
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["settings"]["part"] == {"first": 3}
    assert len(manifest["settings"]["policy sha256"]) == 64
    assert manifest["calls"][0]["machine"]["versions"]["torch"]
    code, _, err = tts(*SMALL, "-n", "2,4", "--out", str(out), "--seed", "1")
    assert code == 2
    assert "was made with seed = 0, not 1" in err


def test_a_run_of_the_first_problems_takes_more_of_them_and_never_fewer(tts: Tts, tmp_path: Path) -> None:
    run = ["bench", "lab-500", "--policy", "lab-200k", "--levels", "1", "--strategy", "majority", "-n", "2"]
    run += ["--out", str(tmp_path / "run"), "--limit"]
    assert tts(*run, "2").code == 0
    before = (tmp_path / "run" / "outcomes.jsonl").read_bytes()
    more = tts(*run, "4")
    assert "2 of 4 rows are already in" in more.err
    rows = (tmp_path / "run" / "outcomes.jsonl").read_bytes()
    assert rows.startswith(before)
    alone = tmp_path / "alone"
    assert tts(*run[:-2], str(alone), "--limit", "4").code == 0
    assert {o.problem: o.answer for o in read(tmp_path / "run" / "outcomes.jsonl")} == {
        o.problem: o.answer for o in read(alone / "outcomes.jsonl")
    }
    settings = json.loads((tmp_path / "run" / "manifest.json").read_text())["settings"]
    assert (settings["part"], settings["problems"]) == ({"first": 4, "levels": [1]}, 4)
    for changed in ([*run, "3"], [*run[:5], "2", *run[6:], "4"]):
        refused = tts(*changed)
        assert refused.code == 2
        assert "was made with part = " in refused.err.splitlines()[-1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["bench"], "either the name of a data set"),
        (["bench", "lab-500"], "name a folder for the run with --out"),
        (["bench", "lab-5000"], "did you mean 'lab-500'"),
        (["bench", "none.jsonl", "--dry-run"], "the data none.jsonl cannot be read"),
        (["bench", "none.txt", "--dry-run"], "none of .jsonl, .jsonl.gz, .json, .csv, .tsv and .parquet"),
        (["bench", "--dry-run"], "either the name of a data set"),
        (["bench", "mine.jsonl", "--data", "x.jsonl", "--dry-run"], "either the name of a data set"),
        (["bench", "lab-500", "--data", "x.jsonl", "--dry-run"], "either the name of a data set"),
        (["bench", "lab-5000", "--dry-run"], "did you mean 'lab-500'"),
        (["bench", "--data", "none.jsonl", "--dry-run"], "cannot be read"),
        (["bench", "lab-500", "--levels", "a", "--dry-run"], "--levels is a list of numbers"),
        (["bench", "lab-500", "--strategy", "beam", "--dry-run"], "did you mean 'beam-search'"),
        (["bench", "lab-500", "--strategy", ",", "--dry-run"], "--strategy is empty"),
        (["bench", "lab-500", "--budget", "4,x", "--dry-run"], "list of whole numbers"),
        (["bench", "lab-500", "--budget", "0", "--dry-run"], "1 or more"),
        (["bench", "lab-500", "--strategy", "majority", "--beam-width", "2", "--dry-run"], "beam_width"),
        (["bench", "lab-500", "--extract", "last", "--dry-run"], "did you mean 'last-number'"),
        (["bench", "lab-500", "--concurrency", "0", "--limit", "1", "--out", "{}"], "concurrency must be"),
    ],
)
def test_what_a_user_gets_wrong_is_one_sentence_and_exit_2(
    tts: Tts, tmp_path: Path, arguments: list[str], message: str
) -> None:
    code, out, err = tts(*(argument.format(tmp_path / "run") for argument in arguments))
    assert code == 2
    assert out == ""
    assert message in err.splitlines()[-1]


def test_models_in_folders_are_run_and_told_apart_by_their_files(tts: Tts, tmp_path: Path) -> None:
    lab = ROOT / "tts/models/builtin"
    one = ["bench", "lab-500", "--limit", "1", "-n", "1", "--strategy", "best-of-n", "--engine", "transformers"]
    one += ["--policy", str(lab / "lab-200k"), "--prm", str(lab / "lab-prm"), "--out", str(tmp_path / "run")]
    code, plan, _ = tts(*one, "--dry-run", "--json")
    assert code == 0
    assert json.loads(plan)["jobs"][0]["most_paper_flops"] > 0
    assert tts(*one)[0] == 0
    settings = json.loads((tmp_path / "run" / "manifest.json").read_text())["settings"]
    assert settings["policy sha256"] == fingerprint("lab-200k", "policy")
    assert settings["prm sha256"] == fingerprint("lab-prm", "prm")


def test_a_file_of_ones_own_is_a_data_set(tts: Tts, tmp_path: Path) -> None:
    file = tmp_path / "mine.jsonl"
    file.write_text(
        json.dumps({"question": "Tom has 12 eggs. He buys 8 more. How many eggs does he have?", "answer": "20"})
    )
    code, text, _ = tts(
        "bench", "--data", str(file), "--policy", "lab-200k", "--strategy", "majority", "-n", "4", "--json",
        "--out", str(tmp_path / "run"),
    )  # fmt: skip
    assert code == 0
    [line] = json.loads(text)["lines"]
    assert (line["problems"], line["of"], line["failed"]) == (1, 1, 0)
    [outcome] = read(tmp_path / "run" / "outcomes.jsonl")
    assert (outcome.dataset, outcome.gold) == ("mine", "20")
    again = ["bench", str(file), "--policy", "lab-200k", "--strategy", "majority", "-n", "4", "--out"]
    assert "1 of 1 rows are already in" in tts(*again, str(tmp_path / "run")).err


def test_without_a_reward_model_all_means_what_needs_none(tts: Tts) -> None:
    code, text, _ = tts(*SMALL, "-n", "2,4", "--prm", "none", "--dry-run", "--json")
    assert code == 0
    assert [job["job"] for job in json.loads(text)["jobs"]] == [
        "adaptive-consistency/2",
        "majority/4",
        "adaptive-consistency/4",
        "deepconf/2",
        "deepconf/4",
    ]


def test_ctrl_c_keeps_what_is_finished_and_the_same_command_goes_on(tts: Tts, tmp_path: Path) -> None:
    out = tmp_path / "run"
    bench = [
        "bench", "lab-500", "--policy", "lab-200k", "--limit", "12", "--strategy", "best-of-n,beam-search", "-n", "8",
        "--concurrency", "2", "--out", str(out),
    ]  # fmt: skip
    kept = interrupted(out / "outcomes.jsonl", *bench)
    assert 2 <= kept < 24
    assert f"{kept} of 24 rows are already in" in tts(*bench).err
    outcomes = list(read(out / "outcomes.jsonl"))
    assert len({(outcome.plan.strategy, outcome.id) for outcome in outcomes}) == len(outcomes) == 24
