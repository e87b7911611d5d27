"""Ranking of the solutions of one problem: calculations by hand, and the report's verdict on search."""

from __future__ import annotations

import pytest

from benchmarks.prm_eval import measure
from benchmarks.prm_eval.protocol import Subset
from benchmarks.prm_eval.ranking import rankings
from tests.prm_eval.cases import Scored, apart, scored


def boxed(answer: int) -> str:
    return f" \\boxed{{{answer}}}"


ONE = [
    scored(-1, 0.9, 0.8, problem="one", ending=boxed(1)),
    scored(1, 0.9, 0.3, problem="one", ending=boxed(2)),
    scored(1, 0.5, 0.3, problem="one", ending=boxed(2)),
]
TWO = [scored(-1, 0.2, 0.9, problem="two", ending=boxed(3)), scored(0, 0.4, 0.95, problem="two", ending=boxed(4))]


def test_ranking_by_hand() -> None:
    # Last scores: problem one 0.8 right, 0.3 and 0.3 wrong: both pairs in order, the best is right. Problem two 0.9
    # right, 0.95 wrong: neither. A solution at random is right in 1/3 and 1/2.
    found = rankings([Subset([*ONE, *TWO])])
    assert found is not None
    assert (found.problems, found.mixed, found.there) == (2, 2, 1.0)
    assert found.random == pytest.approx((1 / 3 + 1 / 2) / 2)
    last = found.by["last"]
    assert last.pairs is not None
    assert last.pairs.value == pytest.approx(0.5)
    assert last.chosen.value == pytest.approx(0.5)
    assert last.gain.value == pytest.approx(0.5 - (1 / 3 + 1 / 2) / 2)
    # Votes: problem one's majority is 2 (wrong), by weights 0.8 against 0.6 it is 1 (right); problem two ties, so half
    # of the time the right one is taken; by weights it is the wrong one.
    assert found.majority == pytest.approx((0 + 1 / 2) / 2)
    assert last.vote is not None
    assert last.vote.value == pytest.approx(0.5)
    assert last.vote_gain is not None
    assert last.vote_gain.value == pytest.approx(0.25)


def test_ties_count_half_and_share_the_choice() -> None:
    found = rankings([Subset([scored(-1, 0.7), scored(0, 0.7)])])
    assert found is not None
    assert found.by["last"].pairs is not None
    assert found.by["last"].pairs.value == 0.5
    assert found.by["last"].chosen.value == 0.5


def test_the_same_problem_in_two_subsets_is_two_problems() -> None:
    subsets = [Subset([scored(-1, 0.7)]), Subset([scored(0, 0.7)])]
    assert rankings(subsets) is None


def test_without_answers_votes_are_left_out() -> None:
    found = rankings([Subset([scored(-1, 0.7), scored(0, 0.2)])])
    assert found is not None
    assert found.majority is None
    assert found.by["last"].vote is None


def many(right: float, wrong: float) -> list[Scored]:
    """Forty problems with a right solution and two wrong ones of one answer; the majority is wrong."""
    return [
        row
        for k in range(40)
        for row in (
            scored(-1, right, problem=f"{k}", ending=boxed(1)),
            scored(0, wrong, problem=f"{k}", ending=boxed(2)),
            scored(0, wrong, problem=f"{k}", ending=boxed(2)),
        )
    ]


def test_the_report_says_plainly_whether_search_can_pay() -> None:
    # 0.9 against twice 0.2: the weighted vote is right everywhere, the majority vote nowhere.
    good = " ".join(measure({"mine": many(0.9, 0.2)}).text().split())
    assert "On these solutions, yes: the vote weighted by the last score is right in 100.0 % of the problems" in good
    assert "The difference is +100.0 points [+100.0, +100.0]." in good
    assert "On these solutions, unclear" in measure({"mine": many(0.2, 0.9)}).text()
    assert "Unknown: only 0 problems with both" in measure({"mine": apart([(0, (0.2,))] * 3)}).text()


def turned(k: int) -> list[Scored]:
    """A problem whose right solution has the better product, and whose wrong one has the better last score."""
    return [
        scored(-1, 0.9, 0.8, problem=f"{k}", ending=boxed(1)),
        scored(0, 0.5, 0.9, problem=f"{k}", ending=boxed(2)),
    ]


def test_the_report_names_the_vote_rule_to_use() -> None:
    found = measure({"mine": [row for k in range(40) for row in turned(k)]})
    assert found.ranking is not None
    assert found.ranking.rule is not None
    assert found.ranking.rule.aggregate != "last"
    assert found.ranking.rule_gain is not None
    assert found.ranking.rule_gain.value == 1.0
    assert "+100.0 points" in found.text()
    plain = measure({"mine": many(0.9, 0.2)})
    assert "--vote weighted --aggregate last, the default" in " ".join(plain.text().split())
