"""Estimators against hand calculations and published values."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from benchmarks.stats.intervals import (
    accuracy,
    auc,
    auc_draws,
    by_group,
    cluster_weights,
    difference,
    difficulty,
    mean,
    pass_at_k,
    percentile,
    wilson,
)


def test_wilson_gives_the_textbook_interval() -> None:
    # 5 of 10: centre (0.5 + z2/20) / (1 + z2/10) = 0.5, half width z sqrt(0.025 + z2/400) / (1 + z2/10) = 0.2634.
    interval = wilson(5, 10)
    assert (interval.value, round(interval.low, 4), round(interval.high, 4)) == (0.5, 0.2366, 0.7634)


@pytest.mark.parametrize(("successes", "low", "high"), [(0, 0.0, 0.2775), (10, 0.7225, 1.0)])
def test_wilson_stays_within_bounds(successes: int, low: float, high: float) -> None:
    interval = wilson(successes, 10)
    assert (round(interval.low, 4), round(interval.high, 4)) == (low, high)


def test_pass_at_k_is_the_share_of_subsets_with_a_right_sample() -> None:
    right = [True, False, False, True, False]
    for k in range(1, 6):
        subsets = list(itertools.combinations(right, k))
        assert pass_at_k(5, 2, k) == pytest.approx(sum(map(any, subsets)) / len(subsets))


def test_a_paired_difference_is_narrower_than_an_unpaired_one() -> None:
    theirs = [float(k % 2) for k in range(100)]
    ours = [1.0 if k < 20 else value for k, value in enumerate(theirs)]
    gain = difference(ours, theirs)
    assert gain.value == pytest.approx(0.1)
    assert 0.03 < gain.low < 0.1 < gain.high < 0.17
    assert mean(ours).high - mean(ours).low > gain.high - gain.low


def test_auc_is_the_share_of_pairs_in_order_and_ties_count_half() -> None:
    # Three of the four (true, false) pairs are in order; then one of four is a tie.
    assert auc([0.9, 0.4, 0.6, 0.1], [True, True, False, False]) == pytest.approx(0.75)
    assert auc([0.9, 0.6, 0.6, 0.1], [True, True, False, False]) == pytest.approx(3.5 / 4)


def test_a_weight_in_the_auc_is_as_good_as_a_copy() -> None:
    scores, labels = [0.9, 0.4, 0.6, 0.1], [True, True, False, False]
    weights = np.array([[1, 2, 3, 0], [0, 0, 1, 1]], dtype=float)
    copies = auc([0.9, 0.4, 0.4, 0.6, 0.6, 0.6], [True, True, True, False, False, False])
    found = auc_draws(np.array(scores), np.array(labels), weights)
    assert found[0] == pytest.approx(copies)
    assert np.isnan(found[1])  # nothing true was drawn


def test_a_cluster_is_drawn_with_all_its_members() -> None:
    weights = cluster_weights(["a", "b", "a", "c"], draws=500, seed=0)
    assert weights.shape == (501, 4)
    assert (weights[0] == 1).all()
    assert (weights[:, 0] == weights[:, 2]).all()
    assert (weights[1:, [0, 1, 3]].sum(axis=1) == 3).all()
    assert weights[1:, 1].mean() == pytest.approx(1, abs=0.1)


def test_draws_without_a_value_are_left_out_of_an_interval() -> None:
    found = percentile(np.array([0.5, np.nan, *np.linspace(0, 1, 101)]))
    assert found is not None
    assert (found.value, found.low, found.high) == pytest.approx((0.5, 0.025, 0.975))
    assert percentile(np.array([np.nan, 0.5])) is None


def test_difficulties_are_those_of_the_paper() -> None:
    # arXiv 2502.06703: easy 50 to 100 %, medium 10 to 50 %, hard 0 to 10 %
    assert [difficulty(share) for share in (1.0, 0.5, 0.49, 0.1, 0.09, 0.0)] == [
        "easy", "easy", "medium", "medium", "hard", "hard"
    ]  # fmt: skip


def test_groups_have_an_interval_each() -> None:
    found = by_group([1.0, 0.0, 1.0, 0.5], [1, 2, 1, 2])
    assert found[1] == (wilson(2, 2), 2)
    assert found[2] == (mean([0.0, 0.5]), 2)  # no share of right and wrong: a bootstrap over problems
    assert accuracy([1.0, 0.0]) == wilson(1, 2)


def test_nonsense_is_refused() -> None:
    with pytest.raises(ValueError, match="no proportion"):
        wilson(3, 2)
    with pytest.raises(ValueError, match="at least 5"):
        pass_at_k(4, 1, 5)
    with pytest.raises(ValueError, match="true and false"):
        auc([0.1, 0.9], [True, True])
    with pytest.raises(ValueError, match="cannot be paired"):
        difference([1.0], [1.0, 0.0])
