"""The scope that a profile carries: problems far from those that it was measured on are said to be."""

from __future__ import annotations

from benchmarks.calibrate.reach import measured_scope

SHOPS = [
    f"A shop has {a} red hats and sells {b} of them. How many hats are left?" for a in range(20, 40) for b in (3, 7)
]


def test_no_problem_of_the_profile_is_far_and_one_of_another_kind_is() -> None:
    scope = measured_scope(SHOPS, "some-policy", "")
    assert scope is not None
    assert not any(scope.far(text) for text in SHOPS)
    assert scope.far("A shop has 25 red hats and sells 7 of them. How many hats are left?") == ()
    assert "unknown" in scope.far("Evaluate the determinant of a skew-symmetric matrix.")
    assert scope.look(SHOPS[0]) is None, "limits give no probability"


def test_a_number_beyond_all_that_were_measured_is_far() -> None:
    scope = measured_scope(SHOPS, "some-policy", "")
    assert scope is not None
    assert scope.far("A shop has 90000 red hats and sells 3 of them. How many hats are left?") == ("large",)


def test_a_policy_with_a_fitted_scope_keeps_it_and_without_texts_there_is_none() -> None:
    assert measured_scope(SHOPS, "lab-1m", "lab-prm") is None
    assert measured_scope((), "some-policy", "") is None
