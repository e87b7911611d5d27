"""Vote rules compared over recordings, and the choice of one."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.stats.candidates import Candidates
from benchmarks.stats.vote_rules import DEFAULT, MAJORITY, VoteRule, best_rule, fitted_rule, held_out
from benchmarks.study.vote_rules import gain, graded, rows, votes
from tests.study.test_early_rejection import outcome
from tts.answers.aggregate import aggregate

# The right answer has the better product (0.72 against 0.45), the wrong one the better last score.
TURNED = outcome("rw", (0.9, 0.8), (0.5, 0.9))


def test_a_rule_votes_by_its_own_aggregation() -> None:
    assert votes([graded(TURNED)], DEFAULT).tolist() == [0.0]
    assert votes([graded(TURNED)], VoteRule("weighted", "prod")).tolist() == [1.0]
    assert votes([graded(TURNED)], VoteRule("best", "min")).tolist() == [1.0]


def test_problems_of_several_recordings_are_drawn_together() -> None:
    # One problem in all recordings is one observation: its interval has no width, whatever the number of recordings.
    same = gain(np.array([1.0, 0.0]), np.array([0.0, 0.0]), ["p", "p"])
    assert (same.value, same.low, same.high) == (0.5, 0.5, 0.5)
    apart = gain(np.array([1.0, 0.0]), np.array([0.0, 0.0]), ["p", "q"])
    assert (apart.low, apart.high) == (0.0, 1.0)


def test_the_table_has_a_row_for_each_rule() -> None:
    found = {(row["vote"], row["aggregate"]): row for row in rows([[TURNED], [TURNED]])}
    assert found["weighted", "last"]["over the default"] == "-"
    assert found["weighted", "prod"]["over the default"] == "+100.0 points [+100.0, +100.0]"
    assert len(found) == 10


def test_a_rule_is_chosen_only_if_it_is_significantly_better() -> None:
    even, odd = np.tile([0.0, 1.0], 50), np.tile([1.0, 0.0], 50)
    better = even.copy()
    better[:2] = 1.0  # +1 point: one problem of a hundred
    assert best_rule({DEFAULT: even, MAJORITY: odd}) is DEFAULT
    assert best_rule({DEFAULT: even, MAJORITY: better}) is DEFAULT
    assert best_rule({DEFAULT: even, MAJORITY: np.ones(100)}) is MAJORITY


def test_a_rule_is_written_as_options() -> None:
    assert str(VoteRule("best", "prod")) == "--vote best --aggregate prod"
    assert str(MAJORITY) == "--vote majority"


def drawn(seed: int, problems: int, each: int = 20) -> list[Candidates]:
    """Solutions that are right with a probability of 1 / (1 + exp(3 - 2 last - 4 prod))."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(problems):
        steps = rng.random((each, 2))
        scores = {"last": steps[:, 1], "min": steps.min(1), "prod": steps.prod(1), "mean": steps.mean(1)}
        chance = 1 / (1 + np.exp(3 - 2 * scores["last"] - 4 * scores["prod"]))
        right = rng.random(each) < chance
        none = np.zeros(each, dtype=np.int64)
        found.append(Candidates(none, scores, right, none))
    return found


def test_a_fitted_rule_weighs_solutions_by_the_probability_that_they_are_right() -> None:
    rule, fresh = fitted_rule(drawn(0, 2000)), drawn(1, 500)
    assert rule.vote == "weighted"
    stated = np.concatenate([each.scored_by(rule.aggregate) for each in fresh])
    scores = {how: np.concatenate([each.scores[how] for each in fresh]) for how in ("last", "prod")}
    true = 1 / (1 + np.exp(3 - 2 * scores["last"] - 4 * scores["prod"]))
    assert np.abs(stated - true).mean() < 0.01  # 40 000 solutions: a rate of one half has a standard error of 0.0025
    assert np.abs(stated - scores["last"]).mean() > 0.1


def test_scores_of_a_fitted_rule_are_those_of_a_search() -> None:
    [each], steps = drawn(2, 1, each=1), np.random.default_rng(2).random((1, 2))
    name = "logistic:bias=-1:last=2:min=1:prod=-0.5:mean=0.25"
    assert each.scored_by(name)[0] == pytest.approx(aggregate(steps[0].tolist(), name))


def test_solutions_without_scores_are_left_out_of_the_fit() -> None:
    few = drawn(3, 40)
    silent = Candidates(
        np.zeros(1, dtype=np.int64),
        {how: np.array([np.nan]) for how in few[0].scores},
        np.ones(1, dtype=bool),
        np.ones(1, dtype=np.int64),
    )
    assert fitted_rule([*few, silent]) == fitted_rule(few)
    assert fitted_rule([silent]) == DEFAULT


def test_no_problem_is_played_by_a_rule_that_was_fitted_to_it() -> None:
    few = drawn(4, 6)
    names = ["a", "b", "c", "a", "b", "c"]  # in two recordings; a and c are one half, b is the other
    rules = {fitted_rule([few[k] for k in part]): part for part in ([0, 2, 3, 5], [1, 4])}
    found = held_out(few, lambda rule: np.array([k in rules[rule] for k in range(6)], dtype=float), names)
    assert found.tolist() == [0.0] * 6
