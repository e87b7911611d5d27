"""``tts calibrate`` with the built-in models, and from recordings."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.word_problems.generate import DATA
from tests.command_line import MIA, Tts
from tts.models.files import BUILT_IN
from tts.selection.profile_file import load

FEW = [
    "calibrate",
    "--policy",
    "lab-200k",
    "--data",
    "lab-validation",
    "--limit",
    "20",
    "-n",
    "4",
    "--strategy",
    "dvts",
]


def recorded(path: Path, problems: int = 24, samples: int = 4) -> Path:
    """A file as search-and-learn writes it; the k-th problem has k mod 5 right samples."""
    rows = [
        {
            "problem": f"How much is thing {k}?",
            "answer": "3",
            "completions": [f"So \\boxed{{{3 if j < k % 5 else 4 + j}}}." for j in range(samples)],
            "scores": [[0.9] if j < k % 5 else [0.2] for j in range(samples)],
        }
        for k in range(problems)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_the_grid_is_run_once_and_the_profile_fitted_again_from_what_is_there(tts: Tts, tmp_path: Path) -> None:
    out = tmp_path / "mine.json"
    code, plan, _ = tts(*FEW, "--out", str(out), "--dry-run")
    assert code == 0
    assert {"best-of-n/4", "dvts/4", "best-of-n/1"} <= set(plan.split())
    assert not list(tmp_path.iterdir())
    code, text, err = tts(*FEW, "--out", str(out))
    assert code == 0, err
    assert "lab-200k with lab-prm: 20 problems of lab-validation" in text
    assert "majority N = 1 greedy" in text
    profile = load(out)
    assert (profile.policy, profile.prm, profile.temperature) == ("lab-200k", "lab-prm", 1.0)
    assert profile.policy_parameters == 248_512  # 1668 tokens of 64 numbers, and 141 760 in three layers and a norm
    assert len(profile.problems) == 20
    assert {(0, False, 0), (4, True, 0)} <= set(profile.by_key)
    assert profile.greedy
    assert {"majority", "best-of-n", "dvts"} == {ending.strategy for ending in profile.stages[0].endings}
    rows = (tmp_path / "mine-run" / "outcomes.jsonl").read_bytes()
    code, _, err = tts(*FEW, "--out", str(out))
    assert code == 0
    assert "60 of 60 rows are already in" in err
    assert (tmp_path / "mine-run" / "outcomes.jsonl").read_bytes() == rows
    bare = tmp_path / "bare.json"
    code, text, _ = tts(
        "calibrate", "--from", str(tmp_path / "mine-run"), "--prm", "none", "--out", str(bare), "--json"
    )
    assert code == 0
    assert json.loads(text)["prm"] == ""
    assert not any(stage.scored for stage in load(bare).stages)


@pytest.mark.parametrize("how", ["a folder", "a description", "LAB-200K"])
def test_a_model_of_ones_own_is_calibrated_and_solved_with(tts: Tts, tmp_path: Path, how: str) -> None:
    """Runs record a model's name, which is not the path that was typed."""
    weights, described, out = tmp_path / "own", tmp_path / "mine.json", tmp_path / "profile.json"
    weights.symlink_to(BUILT_IN / "lab-200k")
    described.write_text('{"model": "lab-200k", "max_tokens": 200}')
    typed, name = {
        "a folder": (str(weights), "lab-200k"),
        "a description": (str(described), "mine"),
        "LAB-200K": (how, "lab-200k"),
    }[how]
    few = ["--data", "lab-validation", "--limit", "20", "--budget", "4", "--strategy", "best-of-n"]
    models = ["--policy", typed, "--prm", "lab-prm", "--engine", "transformers"]
    code, _, err = tts("calibrate", *few, *models, "--out", str(out))
    assert code == 0, err
    assert load(out).policy == name
    code, text, err = tts("solve", *models, "--profile", str(out), "-n", "4", "--json", MIA)
    assert code == 0, err
    assert json.loads(text)["plan"]["policy"] == name
    code, _, err = tts("calibrate", "--from", str(tmp_path / "profile-run"), "--policy", "lab-1m", "--out", str(out))
    assert code == 2
    assert f"these runs are of the policy {name}, not of lab-1m" in err


def test_recorded_candidates_make_a_profile_for_the_model_that_is_named(tts: Tts, tmp_path: Path) -> None:
    out = tmp_path / "profile.json"
    given = ["calibrate", "--from", str(recorded(tmp_path / "r.jsonl")), "--out", str(out)]
    code, _, err = tts(*given)
    assert code == 2
    assert "name it with --policy" in err
    code, text, err = tts(*given, "--policy", "llama-3.2-1b", "--prm", "skywork-1.5b", "--json")
    assert code == 0, err
    assert "estimated from the length of the texts" in err
    # one sample is right in 0, 1, 2, 3, 4 of 4 cases by turns: of 24 problems (5*0 + 5*1 + 5*2 + 5*3 + 4*4) / 4 / 24
    [one] = [row for row in json.loads(text)["plans"] if row["strategy"] == "majority" and row["n"] == 1]
    assert one["accuracy"] == pytest.approx(46 / 96, abs=0.08)
    assert (load(out).policy, load(out).prm) == ("llama-3.2-1b", "skywork-1.5b")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "name the problems to calibrate on"),
        (["--data", "math500"], "math500 is a test set"),
        (["--data", "lab-500"], "lab-500 is a test set"),
        (["--data", str(DATA / "lab-500.jsonl")], "lab-500 is a test set"),
        (["--data", "lab-hard"], "lab-hard is a test set"),
        (["--data", "none.jsonl"], "cannot be read"),
        (["--data", "lab-calibratoin"], "did you mean 'lab-calibration'?"),
        (["--data", "lab-validation", "--limit", "5"], "5 problems are too few"),
        (["--data", "lab-validation", "--temperature", "0"], "all samples are equal"),
        (["--data", "lab-validation", "--strategy", "dvts,deepconf"], "deepconf has scores of its own"),
        (["--data", "lab-validation", "--out", "x.txt"], "a profile is a .json file"),
        (["--from", "nowhere"], "cannot be read"),
        (["--from", "{few}", "--policy", "lab-1m"], "2 problems are too few"),
        (["--from", "{one}", "--policy", "lab-1m"], "one sample per problem"),
        (["--from", "{enough}", "--dry-run"], "leave --dry-run out"),
    ],
)
def test_what_a_user_gets_wrong_is_one_sentence_and_exit_2(
    tts: Tts, tmp_path: Path, arguments: list[str], message: str
) -> None:
    files = {
        "few": recorded(tmp_path / "few.jsonl", 2),
        "one": recorded(tmp_path / "one.jsonl", 24, 1),
        "enough": recorded(tmp_path / "enough.jsonl"),
    }
    given = [argument.format(**files) for argument in arguments]
    code, out, err = tts("calibrate", *([] if "--out" in given else ["--out", str(tmp_path / "p.json")]), *given)
    assert code == 2
    assert out == ""
    assert message in err.splitlines()[-1]


def test_a_function_is_calibrated_with_samples_alone_unless_it_scores_steps(tts: Tts, tmp_path: Path) -> None:
    rules = tmp_path / "rules.py"
    rules.write_text(
        "def whole(problem, solution):\n    return 1 / (1 + len(solution))\n\n"
        "def each(problem, steps):\n    return [0.5 for _ in steps]\n"
    )
    shown = {}
    for name in ("whole", "each"):
        given = ["--prm", f"{rules}:{name}", "--allow-code", "--out", str(tmp_path / "x.json"), "--dry-run", "--json"]
        code, text, err = tts(*FEW[:-2], *given)
        assert code == 0, err
        shown[name] = {f"{job['strategy']}/{job['n']}" for job in json.loads(text)["jobs"]}
    assert shown == {
        "whole": {"best-of-n/4", "best-of-n/1"},
        "each": {"best-of-n/4", "best-of-n/1", "beam-search/4", "dvts/4"},
    }
    code, _, err = tts(*FEW, "--prm", f"{rules}:whole", "--allow-code", "--out", str(tmp_path / "x.json"), "--dry-run")
    assert code == 2
    assert "is an outcome reward model, which scores finished solutions only" in err.splitlines()[-1]


def test_two_samples_of_a_problem_make_a_profile_and_no_estimates(tts: Tts, tmp_path: Path) -> None:
    given = ["calibrate", "--from", str(recorded(tmp_path / "r.jsonl", samples=2)), "--policy", "lab-1m"]
    code, text, err = tts(*given, "--prm", "judge:lab-1m", "--out", str(tmp_path / "p.json"))
    assert code == 0, err
    assert "The estimates on such problems:\nnothing: it takes four samples of a problem or more." in text
    assert load(tmp_path / "p.json").prm == "judge:lab-1m"
