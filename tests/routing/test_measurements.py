"""The measurements' own arithmetic: hull and area by hand, folds, and a bootstrap over data sets."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.routing.choosing import FOLDS, folds
from benchmarks.routing.cost import area, cost_of, hull
from benchmarks.routing.quality import bootstrap, by_data_set
from tests.routing.samples import SUMS, WORDS, outcomes


def test_the_hull_is_concave_and_never_falls() -> None:
    # (2, 0.5) lies below the line from (1, 0.4) to (3, 0.8); (4, 0.7) costs more than (3, 0.8) and is worse.
    points = [(4.0, 0.7), (1.0, 0.4), (3.0, 0.8), (2.0, 0.5)]
    assert hull(points) == [(1.0, 0.4), (3.0, 0.8)]


def test_the_area_is_the_mean_height_between_two_costs() -> None:
    # From 1 to 3 the height rises from 0.4 to 0.8 (mean 0.6), from 3 to 5 it stays: (2 x 0.6 + 2 x 0.8) / 4.
    assert area([(1.0, 0.4), (3.0, 0.8)], 1.0, 5.0) == pytest.approx(0.7)


def test_the_cost_of_an_accuracy_is_read_off_the_hull() -> None:
    assert cost_of([(1.0, 0.4), (3.0, 0.8)], 0.6) == pytest.approx(2.0)
    assert cost_of([(1.0, 0.4), (3.0, 0.8)], 0.9) == float("inf")


def test_every_query_is_left_out_once_and_equal_texts_together() -> None:
    table = outcomes((*SUMS, *WORDS, *SUMS))
    masks = folds(table)
    assert len(masks) == FOLDS  # two data sets: none is left out whole
    assert (np.sum(masks, axis=0) == 1).all()
    half = len(SUMS)
    assert all((mask[:half] == mask[-half:]).all() for mask in masks)


def test_data_sets_count_the_same_in_a_bootstrap() -> None:
    # One data set of 90 right answers, one of 10 wrong ones: a half, without spread within either.
    found = bootstrap(np.array([1.0] * 90 + [0.0] * 10), ["a"] * 90 + ["b"] * 10)
    assert (found.value, found.low, found.high) == (0.5, 0.5, 0.5)


def test_the_best_model_of_a_data_set_is_chosen_on_its_training_part() -> None:
    train, test = outcomes(), outcomes((SUMS[0], WORDS[0]))
    assert by_data_set(train, test).tolist() == [0, 1]  # the adder, the speller
