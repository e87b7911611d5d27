"""The live measurements' arithmetic on toy samples: joint votes, equal FLOPs, and model and search in one choice."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.routing.live import Live, outcomes_of
from benchmarks.routing.prices import best_fixed, best_setting, points
from benchmarks.routing.samples import Samples
from benchmarks.stats.candidates import Candidates
from tests.routing.samples import SUMS, WORDS, outcomes
from tts.routing.clusters import ClusterRouter
from tts.types import Usage


def drawn(*answers: int, gold: int = 1) -> Candidates:
    return Candidates.of(answers, {}, [answer == gold for answer in answers], [10] * len(answers))


def samples() -> Samples:
    """Two problems; 'good' is right on the first, 'bad' is not, both are split on the second."""
    candidates = {
        "good": [drawn(1, 1, 1, 1), drawn(1, 1, 2, 2)],
        "bad": [drawn(2, 2, 2, 2), drawn(1, 1, 2, 2)],
    }
    usage = Usage(policy_tokens=40, policy_flops=400, paper_flops=400)
    return Samples(("a", "b"), ("good", "bad"), {"good": 4, "bad": 4}, candidates, {n: [usage] * 2 for n in candidates})


def test_the_larger_share_wins_a_joint_vote() -> None:
    assert samples().together(0, {"good": 3, "bad": 1}) == 1.0
    assert samples().together(0, {"good": 1, "bad": 3}) == 0.0


def test_a_tie_favours_no_policy() -> None:
    # Two votes each: the answer seen first wins, in random order. 100 draws: 0.5 within 5 standard errors of 0.05.
    assert samples().together(0, {"good": 2, "bad": 2}) == pytest.approx(0.5, abs=0.25)


def test_equal_flops_are_a_mixture_of_two_numbers_of_samples() -> None:
    live = object.__new__(Live)
    live.test = samples()
    costs = [float(live.test.flops("good", n).mean()) for n in (1, 2)]
    values, flops = live.at_flops("good", sum(costs) / 2)
    assert flops == pytest.approx(sum(costs) / 2)
    one, two = live.test.voted("good", 1), live.test.voted("good", 2)
    assert values == pytest.approx((one + two) / 2)
    # Less than one sample is one, and more than all are all.
    assert live.at_flops("good", 1.0)[0] == pytest.approx(one)
    assert live.at_flops("good", 1e9)[0] == pytest.approx(live.test.voted("good", 4))


def test_an_arm_is_a_policy_with_a_number_of_votes() -> None:
    whole = outcomes_of(samples(), [("good", 4), ("bad", 4)])  # costs that are whole numbers
    assert np.isnan(whole.latency).all()
    table = outcomes_of(samples(), [("good", 1), ("bad", 4)])
    assert table.arms == ("good@majority/1", "bad@majority/4")
    assert table.quality[:, 0] == pytest.approx([1.0, 0.5])
    assert (table.cost[:, 0] < table.cost[:, 1]).all()
    assert np.isnan(table.latency).all()


def test_the_best_fixed_arm_costs_no_more_than_allowed() -> None:
    right, costs = np.array([0.5, 0.9, 0.7]), np.array([1.0, 9.0, 2.0])
    assert [best_fixed(right, costs, most) for most in (0.5, 1.0, 5.0, 9.0)] == [-1, 0, 2, 1]


def test_auto_takes_the_cheap_arm_where_it_is_as_good_and_is_compared_at_equal_flops() -> None:
    """One cluster of sums and one of words: the adder is right on one, the speller on the other, each at cost 0.01."""
    table, kinds = outcomes(), [[1.0, 0.0], [0.0, 1.0]]
    vectors = np.array([kinds[0]] * len(SUMS) + [kinds[1]] * len(WORDS))
    setting, curve = best_setting([ClusterRouter(k=2, nearest=1, strength=0.0)], [0.0, 100.0], vectors, table)
    assert setting.caution == 0.0
    assert curve.arms == ("adder", "speller", "generalist")
    found = points(setting, (vectors, vectors), table, table)
    cheapest, best = found[0], found[-1]
    assert [cheapest.flops, best.flops] == pytest.approx([0.001, 0.01])
    assert (cheapest.fixed, cheapest.gain.value) == ("generalist", 0.0)
    assert (best.auto.value, best.right, best.gain.value) == (1.0, 0.5, 0.5)
