"""The decision over a pool: ceilings, the chance to keep them, and the reason."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from tts.budget import Budget
from tts.errors import BadInput
from tts.routing.arms import DOLLARS, FLOPS, Arm
from tts.routing.choice import Expected
from tts.routing.decision import Ceilings, Decision
from tts.routing.outcomes import ArmOutcomes, Entry

SMALL = Expected("small", 0.6, 0.5, 0.7, 10.0, 1.0, 0.6, 5.0, 20.0)
LARGE = Expected("large", 0.8, 0.7, 0.9, 100.0, 5.0, 0.8, 50.0, 200.0)
ARMS = (Arm("small", "small", n=4), Arm("large", "large", n=16))


def decided(ceilings: Ceilings) -> Decision:
    return Decision.of([LARGE, SMALL], ARMS, ceilings)


def test_the_best_arm_within_the_budget_is_chosen_and_better_ones_are_named() -> None:
    assert decided(Ceilings(16)).chosen.arm == "large"
    for ceilings, why in (
        (Ceilings(8), "needs N = 16"),
        (Ceilings(16, cost=50), "costs 100 FLOPs"),
        (Ceilings(16, seconds=2), "takes 5 seconds"),
    ):
        decision = decided(ceilings)
        assert decision.chosen.arm == "small"
        assert decision.reason.endswith(f"1 of 2 arms are beyond the budget, such as large, which {why}")


def test_an_arm_that_keeps_a_ceiling_too_seldom_does_not_run() -> None:
    rare = replace(LARGE, within=0.4)
    decision = Decision.of([rare, SMALL], ARMS, Ceilings(16))
    assert [why for _, why in decision.refused] == ["keeps the ceilings with 40% only"]


def test_the_chance_to_keep_a_ceiling_is_that_of_a_log_normal_cost() -> None:
    # log(20 / 10) = 0.693 is one standard deviation: 84.13 %. An unknown cost keeps any ceiling.
    unknown = np.full(2, np.nan)
    cost, spread = np.array([10.0, np.nan]), np.array([math.log(2), np.nan])
    within = Ceilings(1, cost=20.0).within(cost, spread, unknown, unknown)
    assert within == pytest.approx([0.84134, 1.0], abs=1e-4)


def test_a_ceiling_in_another_unit_than_the_pools_is_left_to_the_ledger() -> None:
    budget = Budget(4, max_flops=7.0, max_cost=3.0)
    assert Ceilings.of(budget, FLOPS).cost == 7
    assert Ceilings.of(budget, DOLLARS).cost == 3
    assert Ceilings.of(Budget(4, max_cost=3.0), FLOPS).cost == math.inf
    assert Ceilings.of(Budget(4, max_cost=3.0), "").cost == 3


def test_a_decision_is_json_with_the_arm_the_reason_and_what_was_refused() -> None:
    row = json.loads(json.dumps(decided(Ceilings(8)).row()))
    assert (row["model"], row["arm"]["n"], row["budget"]) == ("small", 4, {"n": 8, "unit": "FLOPs"})
    assert [each["why"] for each in row["refused"]] == ["needs N = 16"]


def test_costs_in_dollars_and_in_flops_are_not_mixed() -> None:
    entries = [Entry("q", "a", 1.0, 1.0, unit=DOLLARS), Entry("q", "b", 1.0, 1.0, unit=FLOPS)]
    with pytest.raises(BadInput, match="do not compare"):
        ArmOutcomes.gathered(entries)
    assert ArmOutcomes.gathered(entries[:1]).unit == DOLLARS
