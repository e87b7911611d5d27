"""Reward models of chosen quality, and what search gains with them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import pytest

from benchmarks.stats.intervals import auc
from benchmarks.study import reward_noise
from benchmarks.study.noisy_oracle import NoisyOracle, separation
from benchmarks.study.reward_noise import Setting, votes_at
from benchmarks.word_problems.generate import load

STEPS = ["right", "right", "wrong", "wrong"]


def labels(_: str, steps: Sequence[str]) -> list[bool]:
    return [step == "right" for step in steps]


def scores(oracle: NoisyOracle, problems: int) -> list[list[float]]:
    return [oracle(f"problem {k}", STEPS) for k in range(problems)]


def test_the_distance_of_the_means_gives_the_auc() -> None:
    # The AUC of two normal distributions a distance d apart is Phi(d / sqrt 2): Phi(1) = 0.8413 for d = sqrt 2.
    assert separation(0.8413447460685429) == pytest.approx(math.sqrt(2))
    assert separation(0.5) == 0
    assert separation(1) == math.inf


@pytest.mark.parametrize("wanted", [0.6, 0.8, 0.95])
def test_the_scores_have_the_auc_that_was_asked_for(wanted: float) -> None:
    found = [step for each in scores(NoisyOracle(labels, wanted), 2000) for step in each]
    # 8000 steps, half of them correlated in pairs: a standard error below 0.009 (Hanley and McNeil, 1982)
    assert auc(found, [True, True, False, False] * 2000) == pytest.approx(wanted, abs=0.03)


def test_without_noise_right_steps_score_one_and_wrong_ones_zero() -> None:
    assert NoisyOracle(labels, 1.0)("p", STEPS) == [1.0, 1.0, 0.0, 0.0]


def test_the_same_prefix_has_the_same_score_whatever_follows() -> None:
    oracle = NoisyOracle(labels, 0.8)
    assert oracle("p", STEPS)[:2] == oracle("p", STEPS[:2])
    assert oracle("p", STEPS) != oracle("q", STEPS)
    assert oracle("p", STEPS) != NoisyOracle(labels, 0.8, seed=1)("p", STEPS)


def test_shared_noise_makes_the_steps_after_an_error_alike() -> None:
    apart = [abs(each[2] - each[3]) for each in scores(NoisyOracle(labels, 0.8, shared=0.0), 300)]
    alike = [abs(each[2] - each[3]) for each in scores(NoisyOracle(labels, 0.8, shared=1.0), 300)]
    assert max(alike) < 1e-12
    assert sum(apart) / 300 > 0.1


def test_the_vote_for_fewer_tokens_is_the_mean_over_fewer_samples() -> None:
    [problem] = load("lab-validation")[:1]
    setting = Setting("lab-200k", [problem], 4, 2, 0)
    right = {"steps": problem.solution.split("\n\n"), "answer": problem.answer, "tokens": 10}
    wrong = {"steps": ["no step"], "answer": "1234567", "tokens": 10}
    rows = {problem.id: {"candidates": [right, wrong]}}
    oracle = setting.oracle(1.0)
    assert votes_at(setting, rows, oracle, 10) == [0.5]  # one sample: either of the two
    assert votes_at(setting, rows, oracle, 15) == [0.75]
    assert votes_at(setting, rows, oracle, 20) == [1.0]  # both: weights of 1 and 0


def test_a_study_resumes_and_refuses_other_settings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = [
        "--policy", "lab-200k", "--data", "lab-validation", "--levels", "1", "--limit", "2", "--n", "4",
        "--samples", "4", "--aucs", "0.8", "--searches", "beam-search", "--out", str(tmp_path / "out"),
    ]  # fmt: skip
    assert reward_noise.main(command) == 0
    first = capsys.readouterr().out
    assert "2 problems" in first
    (tmp_path / "out" / "table.txt").unlink()
    assert reward_noise.main(command) == 0  # from the rows, without the policy
    assert capsys.readouterr().out == first
    assert (tmp_path / "out" / "table.txt").read_text().strip() == first.strip()
    assert "lab-200k, beam-search, 0.8: " in (tmp_path / "out" / "gains.svg").read_text()
    assert reward_noise.main([*command, "--seed", "1"]) == 2
    assert "choose another --out" in capsys.readouterr().err
