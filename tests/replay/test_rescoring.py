"""`tts replay --prm` and `--adaptive`: new scores for recorded solutions, and where sampling would have stopped."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.replay.adaptive import adaptive
from tests.command_line import Tts
from tts.records.outcomes import Outcome
from tts.types import Candidate, Finish, Plan

CODE = r"""
from pathlib import Path

def shortest(problem, solution):
    with open(Path(__file__).with_suffix(".log"), "a") as log:
        log.write(solution + "\n")
    return 1 / len(solution)

def growing(problem, steps):
    return [1 / (len(steps) - k) for k in range(len(steps))]

def broken(problem, solution):
    raise RuntimeError("no")
"""

LONG, SHORT = "First I think.\n\nThen I say: the answer is $\\boxed{8}$.", "$\\boxed{7}$"


@pytest.fixture
def code(tmp_path: Path) -> Path:
    file = tmp_path / "scores.py"
    file.write_text(CODE)
    return file


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """One problem whose recorded scores favour the wrong answer 8, which has the longer solution."""
    row = {"problem": "What is 3 + 4?", "answer": "7", "unique_id": "a", "completions": [LONG, SHORT, "no answer"],
           "scores": [[0.9], [0.1], [0.5]]}  # fmt: skip
    file = tmp_path / "recorded.jsonl"
    file.write_text(json.dumps(row) + "\n")
    return file


def accuracy(out: str, vote: str) -> float:
    [found] = [row["accuracy"] for row in json.loads(out) if row["vote"] == vote and row["n"] == 3]
    return float(found)


def test_another_reward_model_decides_a_recorded_vote(tts: Tts, recording: Path, code: Path) -> None:
    asked = ("replay", str(recording), "--vote", "best", "--aggregate", "last", "--json")
    assert accuracy(tts(*asked).out, "best") == 0.0
    assert accuracy(tts(*asked, "--prm", f"{code}:shortest", "--allow-code").out, "best") == 1.0


def test_only_what_votes_is_scored_and_once(tts: Tts, recording: Path, code: Path, tmp_path: Path) -> None:
    asked = ("replay", str(recording), "--prm", f"{code}:shortest", "--allow-code", "--out", str(tmp_path / "s.jsonl"))
    assert tts(*asked).code == 0
    assert sorted(code.with_suffix(".log").read_text().splitlines()) == sorted([*LONG.split("\n"), SHORT])
    again = tts(*asked)
    assert again.sentence == f"2 of 2 solutions are scored in {tmp_path / 's.jsonl'} already."
    assert len(code.with_suffix(".log").read_text().splitlines()) == 4  # lines of the two solutions: no new calls


def test_of_the_first_n_nothing_else_is_scored(tts: Tts, recording: Path, code: Path) -> None:
    asked = ("replay", str(recording), "--prm", f"{code}:shortest", "--allow-code", "--budget", "1", "--json")
    assert [row["n"] for row in json.loads(tts(*asked).out)] == [1, 1, 1]
    assert SHORT not in code.with_suffix(".log").read_text()


def test_steps_are_scored_one_by_one(tts: Tts, recording: Path, code: Path, tmp_path: Path) -> None:
    out = tmp_path / "s.jsonl"
    tts("replay", str(recording), "--prm", f"{code}:growing", "--allow-code", "--out", str(out))
    found = [json.loads(line)["scores"] for line in out.read_text().splitlines()]
    assert sorted(found) == [[0.5, 1.0], [1.0]]


def test_one_score_a_solution_has_one_aggregation(tts: Tts, recording: Path, code: Path) -> None:
    out = tts("replay", str(recording), "--prm", f"{code}:shortest", "--allow-code", "--json").out
    assert [(row["vote"], row["aggregate"]) for row in json.loads(out) if row["n"] == 3] == [
        ("majority", None), ("best", "last"), ("weighted", "last"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--prm", "scores.py:shortest"], "allow it with --allow-code"),
        (["--prm", "confidence:tail"], "reads how a policy sampled a solution"),
        (["--prm", "scores.py:broken", "--allow-code"], "failed with RuntimeError: no"),
        (["--out", "s.jsonl"], "name it with --prm"),
    ],
)
def test_what_cannot_score_is_one_sentence(
    tts: Tts, recording: Path, code: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], sentence: str
) -> None:
    monkeypatch.chdir(code.parent)
    done = tts("replay", str(recording), *arguments)
    assert done.code == 2
    assert sentence in done.sentence


def test_scores_of_other_parameters_are_refused(tts: Tts, recording: Path, tmp_path: Path) -> None:
    from benchmarks.prm_eval.scoring import identity

    assert identity("judge:lab-1m", None, {"repeats": 2})["prm"] == "judge:lab-1m repeats=2"
    out = tmp_path / "s.jsonl"
    out.write_text(json.dumps({"subset": "recorded", "id": "a", "key": "0", "scores": [1.0],
                               "model": identity("judge:lab-1m", None, {"repeats": 4})}) + "\n")  # fmt: skip
    done = tts("replay", str(recording), "--prm", "judge:lab-1m", "--prm-parameter", "repeats=2", "--out", str(out))
    assert "holds scores made with prm = judge:lab-1m repeats=4, not judge:lab-1m repeats=2" in done.sentence


def samples(classes: str, right: str) -> Outcome:
    """Return a problem whose samples have these classes of answers, one digit each."""
    candidates = tuple(Candidate(str(k), (), Finish.STOP, each) for k, each in enumerate(classes))
    verdicts, numbers = tuple(each == right for each in classes), tuple(map(int, classes))
    plan = Plan("majority", n=len(classes))
    return Outcome("p", "?", right, plan, candidates, right=verdicts, classes=numbers)


def test_adaptive_consistency_stops_at_four_equal_answers() -> None:
    # Four of four: Beta(5, 1) lies above a half with 1 - 2^-5 = 97 %. The majority of all 16 is the right answer, 1.
    found = adaptive([samples("0000111111111111", "1")], 16)
    assert (found.samples.value, found.accuracy.value, found.against.value) == (4.0, 0.0, -1.0)


def test_adaptive_consistency_goes_on_while_answers_differ() -> None:
    # Two of four lead by one: Beta(3, 2) lies above a half with 69 %. Of eight, 3 against 3. Then all 16 are drawn.
    found = adaptive([samples("0012011233000000", "0"), samples("0000", "0")], 16)
    assert (found.samples.value, found.accuracy.value) == (10.0, 1.0)  # the mean of 16 and 4


def test_random_orders_stop_at_a_mean_of_places(tts: Tts, recording: Path) -> None:
    found = adaptive([samples("0000111111111111", "1")], 16, subsets=True)
    assert 4.0 < found.samples.value < 16.0
    assert found.accuracy.value > 0.9
    out = tts("replay", str(recording), "--vote", "majority", "--adaptive", "--json").out
    row = json.loads(out)[-1]
    assert (row["vote"], row["n"], row["samples"]) == ("adaptive-consistency", 3, 3.0)
