"""A profile fitted to pools whose rates are known."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from benchmarks.calibrate.build import rounded
from benchmarks.calibrate.evaluate import choose
from benchmarks.calibrate.fit import Fit, Shape, shapes
from benchmarks.calibrate.optimism import lowered, shift
from benchmarks.calibrate.rates import Bins, curves
from benchmarks.recordings.pool import Searched
from benchmarks.simulate.simulator import GradedSimulator, estimate
from benchmarks.stats.vote_rules import DEFAULT
from tests.calibrate.synthetic import EACH, candidates, pool
from tts.answers.aggregate import aggregate
from tts.selection.profile import Profile, Stage, StageKey

EVERYTHING = Shape(unscored=True, searches=True)


def stages(**options: object) -> dict[StageKey, Stage]:
    found = Fit(GradedSimulator.of(pool(**options), orders=8), shape=EVERYTHING).stages()  # type: ignore[arg-type]
    return Profile("", "", 0, 0, 1.0, 1.0, found).by_key


def test_costs_are_the_prompts_once_and_each_sample_and_score_once() -> None:
    known = stages(chances=[0.5] * 30, m=8, searched=[0.5] * 30)
    start = known[0, False, 0]
    by_name = {(ending.strategy, ending.n): ending.flops[0] for ending in start.endings}
    assert by_name["majority", 4] == pytest.approx(4 * EACH + EACH / 10)
    assert by_name["best-of-n", 4] == pytest.approx(4 * EACH * 1.1 + 2 * EACH / 10)
    assert by_name["beam-search", 4] == pytest.approx(4 * EACH * 1.1 + 2 * EACH / 10)
    advances = {(each.n, each.scored): each.flops for each in known[4, False, 0].advances}
    assert advances[8, False] == pytest.approx([4 * EACH] * len(known[4, False, 0].share))
    assert advances[4, True] == pytest.approx([4 * EACH / 10 + EACH / 10] * len(known[4, False, 0].share))
    [search] = [ending for ending in known[4, True, 0].endings if ending.strategy == "beam-search"]
    assert search.flops == pytest.approx([4 * EACH * 1.1] * len(known[4, True, 0].share))


def test_hopeless_and_certain_problems_are_told_apart_and_their_rates_found() -> None:
    # half the problems are never right and half always: the belief knows, and what is certain stays so
    known = stages(chances=[0.0] * 40 + [1.0] * 40, m=8)
    for stage in (known[4, False, 0], known[4, True, 0]):
        assert stage.right.mean[0] < 0.1
        assert stage.right.mean[-1] > 0.9
        assert float(np.dot(stage.share, stage.right.mean)) == pytest.approx(0.5, abs=0.02)
        assert stage.scale is not None
        assert stage.scale.found.mean[0] == pytest.approx(0.0, abs=1e-9)
        assert stage.scale.found.mean[-1] == pytest.approx(1.0, abs=1e-9)
        for advance in stage.advances:
            assert advance.chance[0][-1] < 0.05
            assert advance.chance[-1][0] < 0.05


def test_the_beginning_expects_what_one_sample_and_the_search_are_known_to_reach() -> None:
    # a sample is right with a chance of 0.6 and 0.2 by turns; over all orders one sample is right as often as the
    # samples are on the mean. Four candidates of the search are right with 0.95 each, so that its vote nearly always is
    chances, searched = [0.6, 0.2] * 60, [0.95] * 120
    share = np.mean([entry.pass_at_1 for entry in pool(chances, m=8, prm_accuracy=0.8, searched=searched).entries])
    known = stages(chances=chances, m=8, prm_accuracy=0.8, searched=searched)
    by_name = {(ending.strategy, ending.n): ending.right for ending in known[0, False, 0].endings}
    one = by_name["majority", 1]
    assert one.low[0] < 0.4 < one.high[0]
    assert one.mean[0] == pytest.approx(share, abs=0.02)
    assert by_name["beam-search", 4].mean[0] > 0.95


def test_rates_rise_with_the_belief_and_intervals_hold_them() -> None:
    known = stages(chances=np.random.default_rng(1).random(100).tolist(), m=8, prm_accuracy=0.8, searched=[0.5] * 100)
    for stage in known.values():
        for curve in (stage.right, *(ending.right for ending in stage.endings)):
            assert all(a <= b + 1e-12 for a, b in pairwise(curve.mean))
            ends = zip(curve.low, curve.mean, curve.high, strict=True)
            assert all(0 <= low <= mean <= high <= 1 for low, mean, high in ends)
        for advance in stage.advances:
            assert np.sum(advance.chance, axis=1) == pytest.approx(1.0)


def test_a_vote_that_is_surely_better_is_chosen_and_else_the_usual_one() -> None:
    # scores that are wrong three times of four: who counts is right more often than who weighs by them, and who weighs
    # a low one more is right most often
    graded = GradedSimulator.of(pool([0.6] * 100, m=16, prm_accuracy=0.25), orders=8)
    rule = Fit(graded).samples
    assert rule.vote == "weighted"
    assert aggregate((0.1,), rule.aggregate) > aggregate((0.9,), rule.aggregate) + 0.2
    graded = GradedSimulator.of(pool([0.6] * 100, m=16, prm_accuracy=1.0), orders=8)
    assert Fit(graded).samples == DEFAULT


def test_estimates_tell_problems_apart_and_are_right_on_average() -> None:
    # half the problems are never right; the others are right by every second sample, so that more samples help them
    graded = GradedSimulator.of(pool([0.0] * 60 + [0.5] * 60, m=16), orders=8)
    found = Profile("", "", 0, 0, 1.0, 1.0, Fit(graded, shape=Shape(estimates=True)).stages()).by_key[2, True, 0]
    assert found.belief is not None
    features = graded.features(found)
    for move in found.endings:
        assert move.estimate is not None
        stated, right = estimate(move.estimate, features), graded.right(found, move)
        assert stated.mean() == pytest.approx(right.mean(), abs=0.01)
        # of the others a quarter looks like the first ones, as neither of two samples is right
        assert stated[:60].mean() < 0.2 < 0.7 < stated[60:].mean()


def test_few_problems_get_no_estimates() -> None:
    """A regression has some fifteen coefficients."""
    assert not any(shape.estimates for shape in shapes(pool([0.5] * 199, m=2), scored=True))
    assert any(shape.estimates for shape in shapes(pool([0.5] * 200, m=2), scored=True))


def test_without_estimates_a_profile_has_none() -> None:
    found = Fit(GradedSimulator.of(pool([0.5] * 30, m=8), orders=4)).stages()
    assert not any(ending.estimate for stage in found for ending in stage.endings)


def test_without_the_reward_model_there_are_neither_scores_nor_searches() -> None:
    graded = GradedSimulator.of(pool([0.5] * 40, m=8, searched=[0.5] * 40), orders=4)
    found = Fit(graded, scored=False).stages()
    assert not any(stage.scored for stage in found)
    assert {ending.strategy for stage in found for ending in stage.endings} == {"majority"}
    assert not {"weight", "best"} & {name for stage in found if stage.belief for name in stage.belief.weights}


def test_searches_follow_a_look_where_that_pays_on_other_problems() -> None:
    # samples are always right or always wrong; a search is always right, and dearer than many samples: who looks first
    # pays for the search on half the problems only
    chances = [0.0, 1.0] * 30
    shape, _, held_out = choose(
        GradedSimulator.of(pool(chances, m=8, searched=[1.0] * 60, dear=10), orders=4), scored=True
    )
    assert shape.searches
    right, flops = held_out.right.mean(axis=1), held_out.flops.mean(axis=1)
    assert flops[right > 0.95].min() < 0.75 * 40 * EACH


def test_what_promises_more_and_keeps_nothing_is_left_out() -> None:
    # the search's candidates are no better than samples and cost ten times as much
    chances = np.random.default_rng(2).random(60).tolist()
    shape, _, _ = choose(GradedSimulator.of(pool(chances, m=8, searched=chances, dear=10), orders=4), scored=True)
    assert not shape.searches


def test_a_search_is_repeated_where_that_pays_on_other_problems() -> None:
    # samples of half of the problems are always wrong, and every second run of the search finds their answer
    chances, rng = [0.0, 1.0] * 30, np.random.default_rng(5)
    found = pool(chances, m=2)
    runs = (
        tuple(Searched(candidates(rng, 4, float(each or rng.random() < 0.5)), 4 * EACH, EACH) for _ in range(3))
        for each in chances
    )
    entries = tuple(replace(e, searches={("dvts", 4): r}) for e, r in zip(found.entries, runs, strict=True))
    graded = GradedSimulator.of(replace(found, entries=entries, parameters={("dvts", 4): {}}), orders=3)
    shape, _, held_out = choose(graded, scored=True)
    assert shape.repeated == ("dvts", 4)
    # half are right without a search, 3 of 4 after one run, 15 of 16 after three; certain ones get none
    right, flops = held_out.right.mean(axis=1), held_out.flops.mean(axis=1)
    assert right.max() > 0.85
    assert flops.max() < 0.75 * 3 * 5 * EACH
    known = {stage.key: stage for stage in map(rounded, Fit(graded, shape=shape).stages())}
    assert [move.key for move in known[1, True, 2].advances] == [(1, True, 3)]
    assert known[1, True, 3].searches.width == 12


def test_rates_after_a_look_are_lowered_until_they_promise_what_is_kept() -> None:
    # a profile that believes every sample to be right more often than any is: its log odds are raised by 0.5
    graded = GradedSimulator.of(pool(np.random.default_rng(3).random(60).tolist(), m=8), orders=4)
    honest = Profile("", "", 0, 0, 1.0, 1.0, Fit(graded).stages())
    boastful = lowered(honest, -0.5)
    everyone = np.arange(60)
    once = shift(graded, [(honest, everyone)], [1e-5])
    assert shift(graded, [(boastful, everyone)], [1e-5]) == pytest.approx(once + 0.5, abs=0.1)
    assert shift(graded, [(lowered(honest, 1.0), everyone)], [1e-5]) == 0
    for before, after in zip(honest.stages[1:], lowered(honest, 0.5).stages[1:], strict=True):
        odds = [p / (1 - p) / (q / (1 - q)) for p, q in zip(before.right.mean, after.right.mean, strict=True)]
        assert odds == pytest.approx([math.exp(0.5)] * len(odds), rel=1e-3)
    assert lowered(honest, 0.5).stages[0] == honest.stages[0]


def test_orders_of_one_problem_count_as_one() -> None:
    bins = Bins.at((), np.full((50, 16), 0.5))
    assert bins.problems == pytest.approx([50])
    halves = Bins.at((0.5,), np.repeat([[0.2, 0.8]], 50, axis=0))
    assert halves.problems == pytest.approx([50, 50])


@pytest.mark.parametrize("count", [1, 3, 10, 40])
def test_no_bin_is_empty_however_many_beliefs_are_the_same(count: int) -> None:
    belief = np.repeat([0.2, 0.2, 0.5, 0.7, 0.70001, 0.9], 5)[:, None]
    bins = Bins.of(belief, count)
    assert bins.share.min() > 0
    assert bins.share.sum() == pytest.approx(1)
    assert len(bins) <= min(count, 5)
    assert [int(np.searchsorted(bins.edges, value, side="right")) for value in belief[:, 0]] == bins.place[
        :, 0
    ].tolist()


def test_a_rate_is_drawn_to_the_curve_of_its_neighbours_as_the_prior_says() -> None:
    # at one width and in one bin the curve is the rate itself, whatever the prior; with many bins a wild rate moves
    one = Bins.at((), np.full((40, 4), 0.7))
    [curve] = curves(np.array([[0.3]]), [4], one)
    assert curve.mean[0] == pytest.approx(0.3, abs=0.005)
    many = Bins.of(np.linspace(0.02, 0.98, 200)[:, None], 8)
    raw = many.belief.copy()
    raw[4] += 0.15
    [free] = curves(raw[None], [4], many, prior=0.0)
    [held] = curves(raw[None], [4], many, prior=1e9)
    assert free.mean[4] > held.mean[4] + 0.05


def test_a_belief_stays_in_its_bin_when_the_last_digits_of_the_estimate_change() -> None:
    """Three beliefs, as after one sample; the borders are 0.3 and 0.6, half way between them."""
    belief = np.repeat([[0.2], [0.4], [0.8]], 10, axis=0)
    bins = Bins.of(belief, 5)
    assert bins.edges == pytest.approx((0.3, 0.6))
    for moved in (-1e-5, 1e-5):
        assert (Bins.at(bins.edges, belief + moved).place == bins.place).all()
