"""Budgets and the ledger: reservations never exceed a ceiling."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tts.budget import MAX_FLOPS, MAX_SECONDS, MAX_TOKENS, Amount, Budget, Ledger
from tts.errors import BudgetError


@pytest.mark.parametrize("n", [0, -1, 2.5, True, "8"])
def test_a_width_is_a_whole_number_from_one(n: object) -> None:
    with pytest.raises(BudgetError, match="1 or more"):
        Budget(n)  # type: ignore[arg-type]


@pytest.mark.parametrize("ceiling", ["max_tokens", "max_flops", "max_seconds"])
@pytest.mark.parametrize("value", [0, -1, math.nan, math.inf])
def test_ceilings_are_finite_and_above_zero(ceiling: str, value: float) -> None:
    with pytest.raises(BudgetError, match=ceiling):
        Budget(1, **{ceiling: value})  # type: ignore[arg-type]


def test_what_is_held_counts_until_it_is_settled() -> None:
    ledger = Ledger.of(Budget(4, max_tokens=100))
    hold = ledger.reserve(Amount(80))
    assert hold is not None
    assert ledger.reserve(Amount(30)) is None
    assert ledger.short_of(Amount(30)) == MAX_TOKENS
    hold.settle(Amount(10))
    assert ledger.tokens_left == 90
    assert ledger.reserve(Amount(90)) is not None


def test_part_of_a_hold_can_be_kept() -> None:
    ledger = Ledger.of(Budget(4, max_flops=100))
    hold = ledger.reserve(Amount(0, 90))
    assert hold is not None
    hold.settle(Amount(0, 30), keep=Amount(0, 50))
    assert ledger.flops_left == 20
    hold.settle()
    assert ledger.flops_left == 70
    assert ledger.short_of(Amount(0, 71)) == MAX_FLOPS


def test_a_deadline_passes_by_the_clock() -> None:
    now = [0.0]
    ledger = Ledger.of(Budget(4, max_seconds=5), clock=lambda: now[0])
    assert ledger.reserve(Amount(1)) is not None
    now[0] = 5.0
    assert ledger.reserve(Amount(1)) is None
    assert ledger.short_of(Amount()) == MAX_SECONDS


@given(
    tokens=st.integers(1, 1000),
    parts=st.integers(1, 8),
    requests=st.lists(st.tuples(st.integers(0, 7), st.integers(0, 300), st.floats(0, 1)), max_size=60),
)
def test_no_order_of_requests_over_forks_passes_the_ceiling(
    tokens: int, parts: int, requests: list[tuple[int, int, float]]
) -> None:
    parent = Ledger.of(Budget(8, max_tokens=tokens))
    forks = parent.fork(parts)
    open_holds = []
    for which, amount, share in requests:
        fork = forks[which % parts]
        if hold := fork.reserve(Amount(amount)):
            open_holds.append((hold, int(amount * share)))
        if len(open_holds) > 3:
            done, used = open_holds.pop(0)
            done.settle(Amount(used))
        assert sum(f.spent.tokens + f.held.tokens for f in forks) + parent.spent.tokens <= tokens
