"""The budget of a problem (Budget) and its accounts (Ledger).

Before a request the ledger reserves the worst case; afterwards it settles the true cost. So no ceiling is exceeded,
whatever runs concurrently.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from tts.aio import Stop
from tts.errors import BudgetError

COMPLETE = "complete"
MAX_TOKENS = "max_tokens"
MAX_FLOPS = "max_flops"
TOTAL_FLOPS = "total_flops"
MAX_SECONDS = "max_seconds"
MAX_COST = "max_cost"
INTERRUPTED = "interrupted"
_BILLION = 10**9


@dataclass(frozen=True, slots=True)
class Budget:
    """Limits of the cost of one problem.

    Attributes:
        n: width, the papers' unit: at most ``n`` continuations at each depth.
        max_tokens: limit of sampled tokens.
        max_flops: limit of FLOPs of policy and reward model together, as :mod:`tts.cost` counts them.
        max_seconds: limit of wall time; samples finished by then are kept.
        max_cost: limit of dollars, by the policy's prices; every request is billed its whole prompt.
        max_solution_tokens: limit of the tokens of any one solution.
        flop_price: accuracy that one more FLOP must gain, used by adaptive strategies; None leaves it to the strategy.
    """

    n: int = 16
    max_tokens: int | None = None
    max_flops: float | None = None
    max_seconds: float | None = None
    flop_price: float | None = None
    max_cost: float | None = None
    max_solution_tokens: int | None = None

    def __post_init__(self) -> None:
        if isinstance(self.n, bool) or not isinstance(self.n, int) or self.n < 1:
            raise BudgetError(f"a budget is a whole number of samples, 1 or more, not {self.n!r}.")
        for name in ("max_tokens", "max_flops", "max_seconds", "max_cost", "max_solution_tokens"):
            value = getattr(self, name)
            if value is not None and not (value > 0 and math.isfinite(value)):
                raise BudgetError(f"{name} must be a number above zero, not {value!r}.")
        if self.flop_price is not None and not self.flop_price >= 0:
            raise BudgetError(f"flop_price must be 0 or more, not {self.flop_price!r}.")


@dataclass(frozen=True, slots=True)
class Amount:
    """Sampled tokens, FLOPs and billionths of a dollar of one request."""

    tokens: int = 0
    flops: int = 0
    cost: int = 0

    def __add__(self, other: Amount) -> Amount:
        return Amount(self.tokens + other.tokens, self.flops + other.flops, self.cost + other.cost)

    def __sub__(self, other: Amount) -> Amount:
        return Amount(self.tokens - other.tokens, self.flops - other.flops, self.cost - other.cost)


@dataclass(eq=False, slots=True)
class Hold:
    """An amount reserved in a ledger until ``settle`` replaces it with the true cost."""

    ledger: Ledger
    amount: Amount

    def settle(self, actual: Amount | None = None, *, keep: Amount | None = None) -> None:
        """Spend ``actual`` (default: nothing) and keep ``keep`` reserved (default: nothing)."""
        self.ledger._settle(self, actual or Amount(), keep or Amount())


@dataclass(slots=True)
class Ledger:
    """The ceilings of one search or fork, and what is spent and reserved."""

    tokens: float = math.inf
    flops: float = math.inf
    deadline: float = math.inf
    clock: Callable[[], float] = time.monotonic
    flop_price: float | None = None
    cost: float = math.inf
    spent: Amount = field(default_factory=Amount)
    held: Amount = field(default_factory=Amount)
    stop: Stop | None = None

    @classmethod
    def of(cls, budget: Budget, clock: Callable[[], float] = time.monotonic, stop: Stop | None = None) -> Ledger:
        """Open a ledger; the seconds count from now. No time is left once ``stop`` was asked for."""
        return cls(
            tokens=math.inf if budget.max_tokens is None else budget.max_tokens,
            flops=math.inf if budget.max_flops is None else budget.max_flops,
            deadline=math.inf if budget.max_seconds is None else clock() + budget.max_seconds,
            clock=clock,
            flop_price=budget.flop_price,
            cost=math.inf if budget.max_cost is None else math.floor(budget.max_cost * _BILLION),
            stop=stop,
        )

    @property
    def tokens_left(self) -> float:
        return self.tokens - self.spent.tokens - self.held.tokens

    @property
    def flops_left(self) -> float:
        return self.flops - self.spent.flops - self.held.flops

    @property
    def cost_left(self) -> float:
        """Billionths of a dollar."""
        return self.cost - self.spent.cost - self.held.cost

    @property
    def seconds_left(self) -> float:
        return -math.inf if self.interrupted else self.deadline - self.clock()

    @property
    def interrupted(self) -> bool:
        """Return whether the user asked to stop."""
        return self.stop is not None and self.stop.asked

    @property
    def out_of_time(self) -> str:
        """Name what ends the time. Without a deadline that is always the user, in a replay too."""
        return INTERRUPTED if self.interrupted or math.isinf(self.deadline) else MAX_SECONDS

    def short_of(self, amount: Amount) -> str | None:
        """Return the ceiling that ``amount`` would exceed, or None if it fits."""
        if self.seconds_left <= 0:
            return self.out_of_time
        if amount.tokens > self.tokens_left:
            return MAX_TOKENS
        if amount.flops > self.flops_left:
            return MAX_FLOPS
        if amount.cost > self.cost_left:
            return MAX_COST
        return None

    def reserve(self, amount: Amount) -> Hold | None:
        """Reserve ``amount``; None if it does not fit."""
        if self.short_of(amount):
            return None
        self.held += amount
        return Hold(self, amount)

    def fork(self, parts: int) -> list[Ledger]:
        """Split what is left of each ceiling into ``parts`` equal shares, spent independently.

        The shares leave this ledger permanently, so results do not depend on which part runs first.
        """
        tokens = self.tokens_left if math.isinf(self.tokens) else self.tokens_left // parts
        flops = self.flops_left if math.isinf(self.flops) else self.flops_left // parts
        cost = self.cost_left if math.isinf(self.cost) else self.cost_left // parts
        shares = [
            Ledger(tokens, flops, self.deadline, self.clock, self.flop_price, cost, stop=self.stop)
            for _ in range(parts)
        ]
        if not math.isinf(self.tokens):
            self.tokens -= tokens * parts
        if not math.isinf(self.flops):
            self.flops -= flops * parts
        if not math.isinf(self.cost):
            self.cost -= cost * parts
        return shares

    def _settle(self, hold: Hold, actual: Amount, keep: Amount) -> None:
        self.held = self.held - hold.amount + keep
        self.spent += actual
        hold.amount = keep
