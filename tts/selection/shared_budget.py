"""Shared budget: divides FLOPs among problems by one price (:mod:`tts.selection.selector`), updated as they end."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

from tts.aio import Stop
from tts.budget import MAX_FLOPS, TOTAL_FLOPS, Budget
from tts.errors import BudgetError
from tts.selection.profile import Profile
from tts.selection.selector import Limits, cheapest, expected, price_for
from tts.types import Solution

EMPTY = "total_flops was spent before this problem started."
POOR = "total_flops is too small to answer every problem: the cheapest answers are given until it is spent."


@dataclass(frozen=True, slots=True, eq=False)
class Share:
    """The share of one problem.

    Attributes:
        budget: its own budget: the price of a FLOP, and the ceiling.
        expected: FLOPs that it is expected to cost.
        warning: a sentence for the user if the shared budget is too small; else empty.
        stop: what the user asks through to end the search with what it has.
        reload: whether a model whose process has ended is loaded again for it.
        bounded: whether the ceiling of FLOPs is the shared one, not the problem's own.
    """

    budget: Budget
    expected: float = 0.0
    warning: str = ""
    stop: Stop | None = None
    reload: bool = True
    bounded: bool = False

    def named(self, solution: Solution) -> Solution:
        """Return the solution of the problem; where the shared ceiling ended it, it says so."""
        ended = self.bounded and solution.stopped == MAX_FLOPS
        return replace(solution, stopped=TOTAL_FLOPS) if ended else solution


@dataclass(slots=True)
class SharedBudget:
    """A budget per problem, and FLOPs for all of them together.

    A problem gets the price at which the waiting problems are expected to use exactly what is left, minus the expected
    cost of problems in progress. If nothing is left, the others get nothing, so the total is exceeded at most by the
    error of the expectation for problems in progress. Without a profile all shares are equal.

    Attributes:
        budget: budget of each problem.
        left: FLOPs left for all; infinite without a shared ceiling.
        waiting: number of problems without a share.
        profile: profile that determines the price.
    """

    budget: Budget
    left: float = math.inf
    waiting: int = 1
    profile: Profile | None = None
    flying: set[Share] = field(default_factory=set)

    @classmethod
    def of(
        cls, budget: Budget, total_flops: float | None, problems: int, profile: Profile | None, spent: float = 0.0
    ) -> SharedBudget:
        """Return the shared budget of so many problems; ``spent`` FLOPs of the total are already used."""
        return cls(budget, math.inf if total_flops is None else total_flops - spent, problems, profile)

    def open(self) -> Share:
        """Return the share of the next problem."""
        if math.isinf(self.left):
            return Share(self.budget)
        free = max(self.left - sum(share.expected for share in self.flying), 0.0)
        each = free / max(self.waiting, 1)
        self.waiting -= 1
        share = self._equal(each) if self.profile is None else self._priced(self.profile, free, each)
        self.flying.add(share)
        return share

    def close(self, share: Share, spent: float) -> None:
        """Settle the share of a finished problem."""
        self.flying.discard(share)
        self.left -= spent

    def _equal(self, each: float) -> Share:
        budget = self._bounded(each)
        return Share(budget, each, "" if each else EMPTY, bounded=budget is not self.budget)

    def _priced(self, profile: Profile, free: float, each: float) -> Share:
        limits = Limits(self.budget.n)
        price = price_for(profile, each, limits)
        mean = expected(profile, price, limits).flops
        warning = EMPTY if not free else POOR if each < cheapest(profile) else ""
        ceiling = free if free < _dearest(profile, self.budget.n) else math.inf
        budget = self._bounded(ceiling)
        bounded = budget is not self.budget
        return Share(replace(budget, flop_price=price), min(mean, free), warning, bounded=bounded)

    def _bounded(self, ceiling: float) -> Budget:
        own = math.inf if self.budget.max_flops is None else self.budget.max_flops
        return replace(self.budget, max_flops=max(ceiling, 1.0)) if ceiling < own else self.budget


def check_total(total_flops: float | None, budget: Budget, strategy: str, adaptive: bool) -> None:
    """Check the total. Raises BudgetError for one that makes no sense."""
    if total_flops is None:
        return
    if not (total_flops > 0 and math.isfinite(total_flops)):
        raise BudgetError(f"total_flops must be a number above zero, not {total_flops!r}.")
    if not adaptive:
        raise BudgetError(
            f"only the strategy auto can divide total_flops, not {strategy}: leave the strategy out, or "
            "limit each problem with max_flops."
        )
    if budget.max_flops is not None and budget.max_flops > total_flops:
        raise BudgetError(
            f"max_flops, {budget.max_flops:g} for one problem, is more than total_flops, {total_flops:g} for all: "
            "leave one out."
        )


def _dearest(profile: Profile, n: int) -> float:
    """Return an upper bound of any plan's cost for one problem: all stages in turn, and the most expensive ending."""
    limits = Limits(n)
    stages = [[max(move.flops) for move in stage.moves if limits.width(stage, move)] for stage in profile.stages]
    return 4 * sum(max(costs, default=0.0) for costs in stages)
