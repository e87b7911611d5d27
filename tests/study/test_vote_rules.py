"""Vote rules compared over recordings, and the choice of one."""

from __future__ import annotations

import numpy as np

from benchmarks.stats.vote_rules import DEFAULT, MAJORITY, VoteRule, best_rule
from benchmarks.study.vote_rules import gain, rows, votes
from tests.study.test_early_rejection import outcome

# The right answer has the better product (0.72 against 0.45), the wrong one the better last score.
TURNED = outcome("rw", (0.9, 0.8), (0.5, 0.9))


def test_a_rule_votes_by_its_own_aggregation() -> None:
    assert votes([TURNED], DEFAULT).tolist() == [0.0]
    assert votes([TURNED], VoteRule("weighted", "prod")).tolist() == [1.0]
    assert votes([TURNED], VoteRule("best", "min")).tolist() == [1.0]


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
    assert len(found) == 9


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
