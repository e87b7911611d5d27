"""Logistic and isotonic regression against independent solutions."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from benchmarks.stats.regression import logistic, rising, sigmoid


def test_a_logistic_regression_on_one_yes_or_no_feature_has_the_odds_of_the_two_groups() -> None:
    # 3 of 10 right where the feature is 0, 8 of 10 where it is 1: the bias is log(3/7), the slope log(8/2) - log(3/7)
    x = np.array([[0.0]] * 10 + [[1.0]] * 10)
    y = np.array([1.0] * 3 + [0.0] * 7 + [1.0] * 8 + [0.0] * 2)
    bias, [slope] = logistic(x, y, np.ones(20), ridge=1e-9)
    assert bias == pytest.approx(math.log(3 / 7), abs=1e-6)
    assert slope == pytest.approx(math.log(8 / 2) - math.log(3 / 7), abs=1e-6)


def test_weights_count_rows_and_shares_stand_for_rows_of_right_and_wrong() -> None:
    whole = logistic(np.array([[0.0], [0.0], [1.0], [2.0]]), np.array([1.0, 0.0, 1.0, 0.0]), np.ones(4), 1.0)
    shared = logistic(np.array([[0.0], [1.0], [2.0]]), np.array([0.5, 1.0, 0.0]), np.array([2.0, 1.0, 1.0]), 1.0)
    assert whole[0] == pytest.approx(shared[0], abs=1e-9)
    assert whole[1] == pytest.approx(shared[1], abs=1e-9)


def test_the_ridge_is_paid_by_the_coefficients_of_standardised_features() -> None:
    # the penalised likelihood of a grid of coefficients, the bias being found at each by halving
    rng = np.random.default_rng(0)
    x = rng.normal(5.0, 2.0, (40, 1))
    y = (rng.random(40) < sigmoid(x[:, 0] - 5)).astype(float)
    z = (x[:, 0] - x.mean()) / x.std()
    ridge = 3.0

    def least(slope: float) -> tuple[float, float]:
        low, high = -10.0, 10.0
        for _ in range(60):
            bias = (low + high) / 2
            if (sigmoid(bias + slope * z) - y).sum() + 0.01 * ridge * bias > 0:
                high = bias
            else:
                low = bias
        t = bias + slope * z
        return (np.logaddexp(0, t) - y * t).sum() + ridge * (slope**2 + 0.01 * bias**2) / 2, bias

    best = min(np.arange(0.0, 4.0, 0.01).tolist(), key=lambda slope: least(slope)[0])
    bias, [slope] = logistic(x, y, np.ones(40), ridge)
    assert slope * x.std() == pytest.approx(best, abs=0.01)
    assert bias + slope * x.mean() == pytest.approx(least(best)[1], abs=0.02)


@pytest.mark.parametrize("y", [np.ones(6), np.zeros(6), np.array([0.0, 0, 0, 1, 1, 1])])
def test_what_is_all_right_or_told_apart_without_a_slip_still_has_an_end(y: np.ndarray) -> None:
    x = np.stack([np.arange(6.0), np.full(6, 7.0)], axis=1)
    bias, slopes = logistic(x, y, np.ones(6), ridge=1.0)
    assert np.isfinite([bias, *slopes]).all()
    assert slopes[1] == 0  # the same everywhere
    p = sigmoid(bias + x @ slopes)
    assert ((p > 0.5) == (y > 0.5)).all()


@pytest.mark.parametrize("seed", range(20))
def test_pooling_neighbours_finds_the_nearest_rising_sequence(seed: int) -> None:
    # brute force: of all ways to cut the sequence into blocks of their means, the nearest of those that rise
    rng = np.random.default_rng(seed)
    values, weights = rng.random(6), rng.random(6) + 0.1
    best, nearest = math.inf, None
    for cuts in itertools.product((False, True), repeat=5):
        edges = [0, *(k + 1 for k, cut in enumerate(cuts) if cut), 6]
        means = [np.average(values[a:b], weights=weights[a:b]) for a, b in itertools.pairwise(edges)]
        if any(a > b for a, b in itertools.pairwise(means)):
            continue
        found = np.repeat(means, np.diff(edges))
        if (loss := float(weights @ (found - values) ** 2)) < best:
            best, nearest = loss, found
    assert rising(values, weights) == pytest.approx(nearest)
