"""Shared budgets: divided by one price, updated as problems end, exceeded at most by problems in progress."""

from __future__ import annotations

import asyncio
import math
from pathlib import Path
from typing import Any

import pytest

from tests.selection.profiles import ladder, toy_profile
from tests.toy import ToyPolicy, ToyReward
from tts import Solution, Solver
from tts.budget import TOTAL_FLOPS, Budget
from tts.errors import BadInput, BudgetError
from tts.selection.profile_file import save
from tts.selection.selector import Limits, expected, price_for
from tts.selection.shared_budget import EMPTY, POOR, SharedBudget

TOY = toy_profile()


def test_a_problem_gets_the_price_at_which_the_rest_would_just_use_up_what_is_left() -> None:
    shared = SharedBudget(Budget(256), 700.0, 10, TOY)  # 70 a problem: two samples, then a search where they disagree
    first = shared.open()
    assert first.budget.flop_price == price_for(TOY, 70.0, Limits())
    assert first.expected == pytest.approx(70.0)
    second = shared.open()  # 630 for nine while the first is under way
    assert second.budget.flop_price == first.budget.flop_price
    shared.close(first, 20.0)  # it was easy: 610 for eight
    price = shared.open().budget.flop_price
    assert price is not None
    assert price == price_for(TOY, (680 - 70) / 8, Limits())
    assert expected(TOY, price, Limits()).flops <= 680 / 8


def test_a_ceiling_is_set_only_where_a_plan_could_use_up_what_is_left() -> None:
    assert SharedBudget(Budget(256), 1e6, 2, TOY).open().budget.max_flops is None
    assert SharedBudget(Budget(256), 300.0, 2, TOY).open().budget.max_flops == 300.0


def test_the_ceiling_of_each_problem_holds_below_that_of_all() -> None:
    assert SharedBudget(Budget(256, max_flops=200.0), 300.0, 2, TOY).open().budget.max_flops == 200.0


def test_a_spent_budget_gives_nothing_and_says_so() -> None:
    shared = SharedBudget(Budget(256), 30.0, 4, TOY)
    share = shared.open()
    assert share.warning == POOR
    shared.close(share, 40.0)
    assert (shared.open().budget.max_flops, shared.open().warning) == (1.0, EMPTY)  # one FLOP buys nothing


def test_without_a_profile_all_get_the_same() -> None:
    shared = SharedBudget(Budget(16), 100.0, 4)
    assert [shared.open().budget.max_flops for _ in range(4)] == [25.0] * 4


def test_without_a_total_every_problem_has_the_whole_budget() -> None:
    shared = SharedBudget.of(Budget(16, max_flops=5.0), None, 4, TOY)
    assert shared.open().budget == shared.open().budget == Budget(16, max_flops=5.0)


def batch(tmp_path: Path, total: float, concurrency: int, **more: Any) -> list[Solution]:
    save(ladder("toy", "toy-prm"), tmp_path / "toy.json")
    solver = Solver(ToyPolicy(), ToyReward(), budget=8, profile=tmp_path / "toy.json", total_flops=total, **more)

    async def collect() -> list[Solution]:
        found = {k: s async for k, s in solver.stream([f"how far {k}" for k in range(30)], concurrency)}
        return [found[k] for k in sorted(found)]

    return asyncio.run(collect())


@pytest.mark.parametrize("share", [0.05, 0.3, 0.7])
def test_a_batch_does_not_pass_its_pot_by_more_than_what_was_under_way(tmp_path: Path, share: float) -> None:
    free = batch(tmp_path, 1e12, 1)
    total = share * sum(s.usage.flops for s in free)
    alone = batch(tmp_path, total, 1)
    assert sum(s.usage.flops for s in alone) <= total
    many = batch(tmp_path, total, 6)
    dearest = max(s.usage.flops for s in free)
    assert sum(s.usage.flops for s in many) <= total + 6 * dearest
    again = batch(tmp_path, total, 1)
    assert [s.trace.lines()[:-1] for s in alone] == [s.trace.lines()[:-1] for s in again]


def test_when_the_pot_is_empty_the_rest_is_left_out_and_nothing_fails(tmp_path: Path) -> None:
    solutions = batch(tmp_path, 3e5, 1)
    assert solutions[0].usage.flops > 0
    last = solutions[-1]
    assert (last.error, last.answer, last.usage.flops, last.stopped) == (None, None, 0, TOTAL_FLOPS)
    assert POOR in last.warnings


def test_what_an_earlier_call_spent_is_gone(tmp_path: Path) -> None:
    save(ladder("toy", "toy-prm"), tmp_path / "toy.json")
    solver = Solver(ToyPolicy(), ToyReward(), budget=8, profile=tmp_path / "toy.json", total_flops=1e7)

    async def first() -> Solution:
        async for _, solution in solver.stream(["how far"], spent=1e7):
            return solution
        raise AssertionError

    assert asyncio.run(first()).usage.flops == 0


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"total_flops": 0.0}, "total_flops must be a number above zero"),
        ({"total_flops": math.nan}, "total_flops must be a number above zero"),
        ({"total_flops": 1e9, "max_flops": 2e9}, "is more than total_flops"),
        ({"total_flops": 1e9, "strategy": "dvts"}, "not dvts: leave the strategy out"),
    ],
)
def test_budgets_that_contradict_each_other_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(BudgetError, match=message):
        Solver(ToyPolicy(), ToyReward(), **settings)


def test_a_pot_needs_models_whose_cost_is_known() -> None:
    from dataclasses import replace

    policy = ToyPolicy()
    policy.shape = replace(policy.shape, active=0)
    with pytest.raises(BadInput, match="the size of toy is unknown"):
        asyncio.run(Solver(policy, ToyReward(), total_flops=1e9).solve("how far"))
