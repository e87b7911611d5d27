"""The selector against calculations by hand and against brute force over all policies."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.selection.profiles import curve, toy_profile
from tts.selection.estimator import Estimator
from tts.selection.features import Evidence
from tts.selection.profile import Advance, Ending, Profile, Stage
from tts.selection.selector import Limits, Move, best_moves, decide, expected, price_for, price_of_budget

TOY = toy_profile()
AGREEING = Evidence([0, 0], None, [10, 10], 5)
DISAGREEING = Evidence([0, -1, 1], None, [10, 10, 9], 5)
"""1 of 3: a belief of 1 / (1 + (2.5 / 1.5) ** 2), below one half."""


def test_free_flops_go_where_most_is_right_and_the_cheaper_of_equals_is_taken() -> None:
    # from the beginning: two samples, then beam search everywhere: (0.7 + 0.96) / 2 = 0.83 for 120 FLOPs;
    # beam search at once: 0.83 for 100 FLOPs
    choice = expected(TOY, 0.0, Limits())
    assert isinstance(choice.move, Ending)
    assert (choice.right, choice.flops) == (0.83, 100.0)


def test_at_a_price_easy_problems_are_stopped_and_hard_ones_searched() -> None:
    # two samples, price 0.001. Hard: stop 0.3; four samples 0.9 x 0.4 + 0.1 x 0.97 - 0.02 = 0.437; search 0.7 - 0.1
    # Easy: stop 0.95; four samples 0.1 x 0.4 + 0.9 x 0.97 - 0.02 = 0.893; search 0.96 - 0.1
    hard, easy = best_moves(TOY, 0.001, Limits())[2, False, 0].choices
    assert isinstance(hard.move, Ending)
    assert hard.worth == pytest.approx(0.6)
    assert easy.move is None
    assert easy.worth == 0.95
    # from the beginning (0.6 + 0.95) / 2 - 0.02 = 0.755, above 0.83 - 0.1 for the search at once; cost 20 + 100 / 2
    choice = expected(TOY, 0.001, Limits())
    assert choice.worth == pytest.approx(0.755)
    assert (choice.right, choice.flops) == pytest.approx((0.825, 70.0))
    assert (choice.low, choice.high) == pytest.approx((0.805, 0.845))


def test_the_price_for_a_mean_cost_is_where_the_next_dearer_plan_stops_paying() -> None:
    # the search at once (0.83 for 100) is worth less than looking first (0.825 for 70) from 0.005 / 30 a FLOP on;
    # searching hard problems (0.7 for 100) less than two samples more (0.457 for 20) from 0.243 / 80 on
    step = 2 ** (1 / 16)
    assert price_for(TOY, 100.0, Limits()) == 0.0
    assert 0.005 / 30 <= price_for(TOY, 99.0, Limits()) <= 0.005 / 30 * step
    assert 0.243 / 80 <= price_for(TOY, 69.0, Limits()) <= 0.243 / 80 * step
    assert expected(TOY, price_for(TOY, 1.0, Limits()), Limits()).flops == 10.0  # the cheapest answer there is


def test_a_budget_alone_is_worth_half_a_point() -> None:
    assert price_of_budget(TOY, Limits()) == 0.005 / 100
    assert price_of_budget(TOY, Limits(2)) == 0.005 / 20


def test_a_search_beside_the_samples_may_be_a_quarter_narrower_than_measured() -> None:
    stage = TOY.by_key[2, False, 0]
    [beam] = stage.endings
    assert [Limits(n).width(stage, beam) for n in (7, 6, 5, 4)] == [4, 4, 3, 0]
    assert [Limits(n).width(stage, stage.advances[0]) for n in (5, 4, 3)] == [4, 4, 0]


def test_ceilings_are_rounded_down_by_less_than_a_fifth() -> None:
    for flops in (1.0, 1.19, 3e9, 7.7e17):
        assert flops / 2 ** (1 / 4) <= Limits.of(8, flops).flops <= flops
    assert Limits.of(8, 0.0).flops == Limits.of(8, -3.0).flops == 0.0
    assert Limits.of(8) == Limits(8)


def test_what_is_decided_comes_with_all_that_was_considered() -> None:
    # agreement 2 of 2: belief 1 / (1 + exp(-2 log(2.5 / 0.5))) = 25 / 26, above the edge at one half; 1 of 2: one half
    easy = decide(TOY, TOY.by_key[2, False, 0], AGREEING, 0.001, Limits())
    assert (easy.bin, easy.choice.move) == (1, None)
    assert easy.belief == pytest.approx(25 / 26)
    assert easy.difficulty == (0.9, 0.7, 1.0)
    assert [type(option.move).__name__ for option in easy.options] == ["NoneType", "Advance", "Ending"]
    assert easy.choice in easy.options
    hard = decide(TOY, TOY.by_key[2, False, 0], DISAGREEING, 0.001, Limits())
    assert hard.bin == 0
    assert hard.belief == pytest.approx(1 / (1 + (2.5 / 1.5) ** 2))
    assert isinstance(hard.choice.move, Ending)


def test_below_the_cost_of_any_answer_the_cheapest_is_taken_and_that_is_said() -> None:
    poor = decide(TOY, TOY.stages[0], None, 0.001, Limits.of(64, 5.0))
    assert isinstance(poor.choice.move, Advance)
    assert (poor.choice.move.n, poor.within) == (1, False)
    assert decide(TOY, TOY.stages[0], None, 0.001, Limits(1)).within


# ------------------------------------------------------------------------------------------------ against brute force


def at_random(draw: random.Random) -> Profile:
    """Stages of 0, 1 and 2 samples, two bins each; a search from every stage."""

    def shares(count: int) -> tuple[float, ...]:
        first = draw.random()
        return (1.0,) if count == 1 else (first, 1 - first)

    def costs(count: int) -> tuple[float, ...]:
        return tuple(draw.uniform(1, 50) for _ in range(count))

    def stage(n: int, bins: int, *further: int) -> Stage:
        advances = [Advance(m, False, costs(bins), tuple(shares(2) for _ in range(bins))) for m in further]
        ending = Ending("beam-search", 4, curve(*(draw.random() for _ in range(bins))), costs(bins))
        belief = Estimator(0.0, {"agreement": 1.0}) if n else None
        right = curve(*(draw.random() for _ in range(bins)))
        return Stage(
            n, False, (0.5,) * (bins - 1), shares(bins), right, belief=belief, advances=tuple(advances),
            endings=(ending,),
        )  # fmt: skip

    return toy_profile(stages=(stage(0, 1, 1, 2), stage(1, 2, 2), stage(2, 2)))


def policies(profile: Profile) -> Iterator[dict[tuple[int, int], Move]]:
    """Every way to fix a move for every bin of every stage."""
    places = [(stage.n, bin) for stage in profile.stages for bin in range(len(stage.share))]
    moves = [[*stage.moves, *([None] if stage.n else [])] for stage in profile.stages for _ in range(len(stage.share))]
    for chosen in itertools.product(*moves):
        yield dict(zip(places, chosen, strict=True))


def walked(profile: Profile, policy: dict[tuple[int, int], Move], n: int, bin: int, price: float) -> float:
    """What a fixed policy is worth from a bin of a stage, followed forwards."""
    move, stage = policy[n, bin], profile.by_key[n, False, 0]
    if move is None:
        return stage.right.mean[bin]
    if isinstance(move, Ending):
        return move.right.mean[bin] - price * move.flops[bin]
    chances = enumerate(move.chance[bin])
    return sum(c * walked(profile, policy, move.n, b, price) for b, c in chances) - price * move.flops[bin]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("price", [0.0, 0.002, 0.02])
def test_backward_induction_finds_what_trying_every_policy_finds(seed: int, price: float) -> None:
    profile = at_random(random.Random(seed))
    best = max(walked(profile, policy, 0, 0, price) for policy in policies(profile))
    assert expected(profile, price, Limits()).worth == pytest.approx(best, abs=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_no_policy_of_the_same_cost_is_more_often_right(seed: int) -> None:
    """What one price buys is the most that its mean cost can buy (the multiplier of Lagrange)."""
    profile = at_random(random.Random(seed))
    for flops in (5.0, 15.0, 30.0):
        found = expected(profile, price_for(profile, flops, Limits()), Limits())
        for policy in policies(profile):
            right = walked(profile, policy, 0, 0, 0.0)
            cost = right - walked(profile, policy, 0, 0, 1.0)
            assert cost > found.flops + 1e-9 or right <= found.right + 1e-9


# --------------------------------------------------------------------------------- with estimates of single problems


def certain(rate: float) -> Estimator:
    """The same probability for every problem."""
    return Estimator(math.log(rate / (1 - rate)), {})


def estimating(sampled: float, searched: float) -> Profile:
    """The toy profile, with estimates for two more samples (20 FLOPs) and for the search (100) after two samples."""
    first, one, two, four = TOY.stages
    [beam] = two.endings
    more = Ending("majority", 4, curve(0.4, 0.97), (20.0, 20.0), "majority", estimate=certain(sampled))
    endings = more, replace(beam, estimate=certain(searched))
    return toy_profile(stages=(first, one, replace(two, endings=endings), four))


@pytest.mark.parametrize(
    ("evidence", "price", "sampled", "searched", "move"),
    [
        # belief 25 / 26 = 0.962: 0.97 - 0.02 is below it, 0.97 - 0.002 above it
        (AGREEING, 0.001, 0.97, 0.97, None),
        (AGREEING, 0.0001, 0.97, 0.97, "look"),
        (AGREEING, 0.0001, 0.97, 0.99, "search"),
        # a hard problem, belief 0.265, is searched by its bin (0.7 - 0.1); by an estimate of 0.3 it is not
        (DISAGREEING, 0.001, 0.1, 0.3, None),
        (DISAGREEING, 0.001, 0.3, 0.3, "look"),
        (DISAGREEING, 0.001, 0.3, 0.5, "search"),
    ],
)
def test_an_estimate_for_the_problem_itself_decides_before_the_rates_of_its_bin(
    evidence: Evidence, price: float, sampled: float, searched: float, move: str | None
) -> None:
    profile = estimating(sampled, searched)
    decision = decide(profile, profile.by_key[2, False, 0], evidence, price, Limits())
    kinds = {type(None): None, Advance: "look", Ending: "search"}
    assert kinds[type(decision.choice.move)] == move
    assert decision.choice in decision.options
    rights = [option.right for option in decision.options if not isinstance(option.move, Advance)]
    counted = 0.95 if evidence is AGREEING else 0.3  # the rate of the bin, to which the endings' gains are added
    gains = [0.0, sampled - (decision.belief or 0.0), searched - (decision.belief or 0.0)]
    assert rights == pytest.approx([min(1.0, max(0.0, counted + gain)) for gain in gains])


def test_an_estimate_is_not_followed_beyond_the_limits() -> None:
    profile = estimating(0.97, 0.99)
    stage = profile.by_key[2, False, 0]
    assert decide(profile, stage, AGREEING, 0.0, Limits(4)).choice.move == stage.advances[0]
    assert decide(profile, stage, AGREEING, 0.0, Limits(3)).choice.move is None
