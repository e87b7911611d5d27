"""Comparisons at equal cost."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.study.compare import Draws, Point
from benchmarks.study.difficulty import ranks


def points(pairs: list[tuple[float, float]], problems: int = 4) -> list[Point]:
    return [Point(str(k), np.full(problems, right), np.full(problems, flops)) for k, (right, flops) in enumerate(pairs)]


def test_between_two_points_accuracy_grows_with_the_logarithm_of_the_cost() -> None:
    """50 % at 1e9 and 70 % at 1e11: 60 % at 1e10; 70 % above; nothing below."""
    drawn = Draws(4, 20).of(points([(0.7, 1e11), (0.5, 1e9)]))
    assert drawn.at(np.full(21, 1e10)) == pytest.approx(0.6)
    assert drawn.at(np.full(21, 1e13)) == pytest.approx(0.7)
    assert np.isnan(drawn.at(np.full(21, 1e8))).all()


def test_the_cost_of_an_accuracy_is_the_least_at_which_it_is_reached() -> None:
    """A dip on the way does not matter: 60 % is half way from 1e9 to 1e11."""
    drawn = Draws(4, 20).of(points([(0.5, 1e9), (0.7, 1e11), (0.6, 1e12)]))
    assert drawn.reaches(np.full(21, 0.6)) == pytest.approx(1e10)
    assert drawn.reaches(np.full(21, 0.4)) == pytest.approx(1e9)
    assert np.isnan(drawn.reaches(np.full(21, 0.8))).all()


def test_a_bootstrap_pairs_the_methods_by_problem() -> None:
    """One method is right exactly where the other is, and on one problem of four besides: never worse in any draw."""
    theirs = Point("theirs", np.array([1.0, 0.0, 0.0, 1.0]), np.full(4, 1e9))
    ours = Point("ours", np.array([1.0, 1.0, 0.0, 1.0]), np.full(4, 1e9))
    draws = Draws(4, 500)
    gain = draws.of([ours]).right[:, 0] - draws.of([theirs]).right[:, 0]
    assert gain[0] == 0.25
    assert gain.min() == 0.0


def test_equal_values_share_the_mean_of_their_ranks() -> None:
    assert ranks(np.array([3.0, 1.0, 3.0, 2.0])).tolist() == [2.5, 0.0, 2.5, 1.0]
