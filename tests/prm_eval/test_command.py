"""`tts prm-eval` with the built-in models: output, errors, interruption and resuming."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.prm_eval import evaluate, load
from benchmarks.prm_eval.evaluation import measure
from benchmarks.prm_eval.published import PUBLISHED
from benchmarks.prm_eval.sources import PROCESSBENCH
from tests.command_line import Tts
from tests.interrupt import interrupted
from tests.markdown import ROOT, blocks
from tests.prm.checkpoints import make
from tests.prm_eval.cases import apart

PRM = ("prm-eval", "--prm", "lab-prm")


@pytest.fixture(scope="module")
def scores(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The scores of the laboratory's first solutions, made once."""
    out = tmp_path_factory.mktemp("scores") / "lab.jsonl"
    evaluate("lab-prm", "lab", limit=120, out=out)
    return out


def test_the_report_fits_a_terminal_and_says_what_it_is_of(tts: Tts, scores: Path) -> None:
    done = tts(*PRM, "--data", "lab", "--limit", "120", "--out", str(scores))
    assert done.code == 0
    assert done.sentence == f"120 of 120 solutions are scored in {scores} already."
    assert max(map(len, done.out.splitlines())) <= 80
    assert "lab: 120 solutions of 20 problems" in done.out
    assert "A part only   the first 120 only" in done.out
    assert "Threshold 0.5, not chosen on any data" in done.out
    assert "Can search with it pay?" in done.out


def test_json_holds_every_figure(tts: Tts, scores: Path) -> None:
    row = json.loads(tts(*PRM, "--data", "lab", "--limit", "120", "--out", str(scores), "--json").out)
    assert set(row["first_error"]["lab"]) >= {"erroneous", "correct", "error_accuracy", "correct_accuracy", "f1"}
    assert row["steps"]["auc"]["low"] <= row["steps"]["auc"]["value"] <= row["steps"]["auc"]["high"]
    assert sum(b["steps"] for b in row["steps"]["bins"]) == row["steps"]["steps"]
    assert set(row["ranking"]["by"]) == {"last", "min", "prod", "mean"}


def test_the_built_in_reward_model_tells_right_steps_from_wrong_ones(scores: Path) -> None:
    report = evaluate("lab-prm", "lab", limit=120, out=scores)
    assert report.steps.auc is not None
    assert report.steps.auc.value > 0.9  # its card has 0.96 on other held-out problems
    assert report.steps.brier is not None
    assert report.steps.brier.value < report.steps.brier_base


def test_solutions_longer_than_the_context_are_counted(tts: Tts, tmp_path: Path) -> None:
    row = {"problem": "Tom has 2 eggs. He buys 3 more. How many?", "steps": ["Add 3: 2+3=5."], "label": -1}
    rows = [row, row | {"steps": ["Add 3: 2+3=6."], "label": 0}, row | {"problem": "Tom has 2 eggs. " * 300}]
    (tmp_path / "mine.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    done = tts(*PRM, "--data", str(tmp_path / "mine.jsonl"))
    assert done.code == 0
    assert "1 of mine: too long for the model" in done.out
    assert "2 solutions of 1 problem\n" in done.out


def test_bad_rows_and_fields_nobody_looks_at_are_named_and_the_rest_is_measured(tts: Tts, tmp_path: Path) -> None:
    row = {"problem": "Tom has 2 eggs. He buys 3 more. How many?", "steps": ["Add 3: 2+3=5."], "label": -1, "note": 1}
    lines = [json.dumps(row), "oops", json.dumps(row | {"label": 0})]
    (tmp_path / "mine.jsonl").write_text("\n".join(lines))
    done = tts(*PRM, "--data", str(tmp_path / "mine.jsonl"))
    assert done.code == 2
    assert "mine.jsonl, line 2: it is not JSON: " in done.err
    assert "fields that are not looked at: note." in done.err
    assert "1 row of" in done.err
    assert "2 solutions" in done.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["prm-eval"], "Missing option '--prm'"),
        (["prm-eval", "--prm", "lab-prn", "--data", "lab"], "did you mean 'lab-prm'?"),
        (["prm-eval", "--prm", "lab-1m", "--data", "lab"], "lab-1m is a policy"),
        ([*PRM, "--data", "labb"], "did you mean 'lab'?"),
        ([*PRM, "--data", "lab", "--subset", "labs"], "did you mean 'lab'?"),
        ([*PRM, "--data", "nowhere.jsonl"], "the file nowhere.jsonl cannot be read: No such file or directory."),
        ([*PRM, "--data", "lab", "--limit", "0"], "1 or more, not 0"),
        ([*PRM, "--data", "lab", "--threshold", "7"], "from 0 to 1, not 7"),
        ([*PRM, "--data", "lab", "--engine", "transformer", "--limit", "1"], "did you mean 'transformers'?"),
        ([*PRM, "--data", "lab", "--device", "cuda:77", "--limit", "1"], "CUDA"),
        ([*PRM, "--data", "lab", "--out", "/no/such/folder/x.jsonl"], "cannot be written"),
    ],
)
def test_what_a_user_gets_wrong_is_one_sentence_and_exit_2(tts: Tts, arguments: list[str], message: str) -> None:
    done = tts(*arguments)
    assert done.code == 2
    assert done.out == ""
    assert message in done.sentence


def test_a_complete_processbench_stands_beside_the_published_figures() -> None:
    found: dict[str, Any] = {
        name: apart([(0, (0.2,)), (-1, (0.9,)), (0, (0.7,)), (-1, (0.8,))]) for name in PROCESSBENCH
    }
    report = measure(found, prm="my-prm", data="processbench")
    text = report.text()
    assert max(map(len, text.splitlines())) <= 80
    assert all(name in text for name in PUBLISHED)
    table = [line.split()[0] for line in text.splitlines() if line.startswith(("my-prm ", "Qwen2.5", "Sky"))]
    assert table[-1] == "my-prm"  # F1 100 at a threshold of 0.75
    part = measure(found, prm="my-prm", data="processbench", part="the first 4 only").text()
    assert "Skywork" not in part


def test_the_page_shows_the_published_figures_and_python_that_runs(capsys: pytest.CaptureFixture[str]) -> None:
    page = (ROOT / "docs" / "PRM_EVAL.md").read_text(encoding="utf-8")
    for name, figures in PUBLISHED.items():
        shown = name.replace(" *", " (second hand)")
        assert f"| {shown} | {' | '.join(map(str, figures))} |" in page
    [python] = [block for block in blocks(page) if block.language == "python"]
    exec(compile(python.code, "docs/PRM_EVAL.md", "exec"), {"__name__": "example"})
    assert "Interval(value=" in capsys.readouterr().out


def test_data_loaded_in_python_are_evaluated(scores: Path) -> None:
    assert evaluate("lab-prm", load("lab", limit=120), out=scores).solutions == 120


def test_ctrl_c_keeps_what_is_finished_and_the_next_call_goes_on(tts: Tts, tmp_path: Path) -> None:
    out = tmp_path / "scores.jsonl"
    score = [*PRM, "--data", "lab", "--out", str(out)]
    assert 2 <= interrupted(out, *score) < 1200
    keys = {json.loads(line)["key"] for line in out.read_text().splitlines()}
    first = [case for case in load("lab", limit=40).subsets["lab"] if case.key in keys]
    done = tts(*score, "--limit", "40")
    assert done.code == 0
    assert f"{len(first)} of 40 solutions are scored" in done.err
    assert "lab: 40 solutions" in done.out


def test_a_model_of_whole_solutions_is_refused(tts: Tts, tmp_path: Path) -> None:
    name, _ = make("outcome", tmp_path)
    done = tts("prm-eval", "--prm", name, "--data", "lab", "--limit", "2", "--engine", "transformers")
    assert done.code == 2
    assert "scores whole solutions, not steps: name a process reward model" in done.err


def test_a_function_of_steps_is_measured_like_a_reward_model(tmp_path: Path) -> None:
    file = tmp_path / "rules.py"
    file.write_text("def length(problem, steps):\n    return [1 / (1 + len(step)) for step in steps]\n")
    report = evaluate(f"{file}:length", "lab", limit=6, allow_code=True, out=tmp_path / "scores.jsonl")
    assert report.solutions == 6
    assert report.prm == f"{file}:length"


@pytest.mark.parametrize(
    ("prm", "sentence"),
    [
        ("rules.py:length", "allow it with --allow-code"),
        ("confidence:mean", "reads how a policy sampled a solution"),
        ("judge:nobody", "there is no policy named 'nobody'"),
        ("judge:qwen3-4b-thinking", "thinks before it answers"),
    ],
)
def test_a_scorer_that_cannot_be_measured_is_refused_before_anything_is_loaded(
    prm: str, sentence: str, tts: Tts
) -> None:
    done = tts("prm-eval", "--prm", prm, "--data", "lab", "--limit", "2")
    assert done.code == 2
    assert sentence in done.sentence


def test_a_hub_that_nobody_knows_is_not_tried_again_and_again(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "TTS_DATA"}
    environment |= {"HF_ENDPOINT": "http://hub.invalid", "HF_HOME": str(tmp_path), "HF_HUB_OFFLINE": "0"}
    done = subprocess.run(
        [sys.executable, "cli.py", *PRM], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "Retrying" not in done.stderr
    assert "`hf download Qwen/ProcessBench" in done.stderr.splitlines()[-1]
