"""Early rejection replayed on recorded step scores: calculations by hand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.study import early_rejection
from benchmarks.study.early_rejection import Rule, compared, fewer_samples, replayed, survivors
from tts.records.outcomes import Outcome
from tts.types import Candidate, Finish, Plan

FOUR = [(0.9, 0.9, 0.9), (0.2, 0.9), (0.8, 0.1, 0.9, 0.9), (0.7, 0.8, 0.2)]


def outcome(right: str, *scores: tuple[float, ...]) -> Outcome:
    """A problem whose samples are of class 0 where ``right`` has an r, else of class 1."""
    candidates = tuple(Candidate(f"{k}", (), Finish.STOP, right[k], s) for k, s in enumerate(scores))
    return Outcome(
        "one", "?", "r", Plan("best-of-n"), candidates, right=tuple(letter == "r" for letter in right),
        classes=tuple(0 if letter == "r" else 1 for letter in right),
    )  # fmt: skip


def test_without_a_rule_every_sample_ends_and_every_step_is_sampled() -> None:
    left, sampled = survivors(FOUR, Rule())
    assert left.tolist() == [True] * 4
    assert sampled == 3 + 2 + 4 + 3


def test_the_worse_half_of_the_open_prefixes_stops_after_each_chunk() -> None:
    # After step 1 all four are open; 0.9 and 0.8 stay. After step 2 the first (0.9) and the third (0.1) are open: the
    # third stops. Steps: 4 + 2 + 1.
    left, sampled = survivors(FOUR, Rule(alpha=0.5))
    assert left.tolist() == [True, False, False, False]
    assert sampled == 7


def test_finished_samples_stay_and_are_not_ranked() -> None:
    # After two steps the second sample has ended; of 0.9, 0.1 and 0.8 the worse third stops: ceil(0.75 * 3) = 3 stay
    # at alpha 0.25, ceil(0.5 * 3) = 2 at alpha 0.5.
    assert survivors(FOUR, Rule(2, alpha=0.25))[0].tolist() == [True, True, True, True]
    left, sampled = survivors(FOUR, Rule(2, alpha=0.5))
    assert left.tolist() == [True, True, False, True]
    assert sampled == 4 * 2 + 2 * 1


def test_a_bar_stops_every_open_prefix_whose_last_step_is_below_it() -> None:
    left, sampled = survivors(FOUR, Rule(bar=0.3))
    assert left.tolist() == [True, False, False, True]  # the last score of a finished sample stops nothing
    assert sampled == 3 + 1 + 2 + 3


def test_the_vote_is_that_of_the_samples_left() -> None:
    # Weights of the last scores: right 0.5, wrong 0.4 + 0.4. Without the sample that starts at 0.1: 0.5 against 0.4.
    one = outcome("rww", (0.9, 0.5), (0.8, 0.4), (0.1, 0.4))
    assert replayed([one], Rule()).right.tolist() == [0.0]
    found = replayed([one], Rule(bar=0.2))
    assert found.right.tolist() == [1.0]
    assert found.sampled.tolist() == [pytest.approx(5 / 6)]
    assert found.saved == pytest.approx(6 / 5)


def test_as_many_steps_of_fewer_samples_are_interpolated() -> None:
    # One of two samples: right in half of the draws. Both: the right one has the greater weight.
    pair = outcome("rw", (0.9,), (0.2,))
    assert fewer_samples([pair], 0.5).tolist() == [0.5]
    assert fewer_samples([pair], 1.0).tolist() == [1.0]
    assert fewer_samples([pair], 0.75).tolist() == [pytest.approx(0.75)]


def test_the_last_row_is_chosen_on_other_problems_than_it_is_played_on() -> None:
    # Stopping below 0.2 loses the right answer of the problems at even places, and nothing at the odd ones: chosen on
    # the odd ones it is played on the even ones and loses; chosen on the even ones it is not allowed.
    even, odd = outcome("rr", (0.1, 0.9), (0.1, 0.9)), outcome("rw", (0.9, 0.9), (0.1, 0.4))
    [rule, chosen] = list(compared([even, odd] * 10, [Rule(bar=0.2)]))
    assert rule["right"] == "50.0"
    assert chosen["right"] == "50.0"
    assert chosen["steps saved"] == "1.33 times"  # half of the steps of the even ones, all of the odd ones: 1 / 0.75


def test_recordings_without_step_scores_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = {
        "one score for each": {"problem": "p", "answer": "1", "completions": ["a", "b"], "scores": [[0.1], [0.2]]},
        "fewer than 2 samples": {"problem": "p", "answer": "1", "completions": ["a"], "scores": [[0.1, 0.2]]},
        "without scores": {"problem": "p", "answer": "1", "completions": ["a", "b"], "scores": [[], [0.2]]},
    }
    for what, row in rows.items():
        file = tmp_path / "recorded.jsonl"
        file.write_text(json.dumps(row) + "\n")
        assert early_rejection.main([str(file)]) == 2
        error = capsys.readouterr().err
        assert error.count("\n") == 1
        assert what in error or "one score for each solution" in error
