"""What the user allows (Budget) and what is spent of it (Ledger): the worst case is reserved before a request is sent
and settled to the true cost after, so no ceiling is ever passed, whatever runs side by side."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from tts.errors import BudgetError, StrategyError

COMPLETE = "complete"
MAX_TOKENS = "max_tokens"
MAX_FLOPS = "max_flops"
MAX_SECONDS = "max_seconds"


@dataclass(frozen=True, slots=True)
class Budget:
    """How much one problem may cost.

    Attributes:
        n: width, the papers' unit: at most ``n`` sampled trajectories' worth of continuations at each depth.
        max_tokens: most tokens the policy may sample.
        max_flops: most FLOPs of policy and reward model together, as :mod:`tts.cost` counts them.
        max_seconds: wall time; samples finished by then are kept.
    """

    n: int = 16
    max_tokens: int | None = None
    max_flops: float | None = None
    max_seconds: float | None = None

    def __post_init__(self) -> None:
        if isinstance(self.n, bool) or not isinstance(self.n, int) or self.n < 1:
            raise BudgetError(f"a budget is a whole number of samples, 1 or more, not {self.n!r}.")
        for name in ("max_tokens", "max_flops", "max_seconds"):
            value = getattr(self, name)
            if value is not None and not (value > 0 and math.isfinite(value)):
                raise BudgetError(f"{name} must be a number above zero, not {value!r}.")


@dataclass(frozen=True, slots=True)
class Price:
    """Sampled tokens and FLOPs of one request."""

    tokens: int = 0
    flops: int = 0


@dataclass(eq=False, slots=True)
class Hold:
    """An amount set aside in a ledger until ``settle`` replaces it with what was really spent."""

    ledger: Ledger
    price: Price

    def settle(self, actual: Price | None = None, *, keep: Price | None = None) -> None:
        """Spend ``actual`` (nothing by default) and go on holding ``keep`` (nothing by default)."""
        self.ledger._settle(self, actual or Price(), keep or Price())


@dataclass(slots=True)
class Ledger:
    """The account of one search, or of one fork of it, against its own ceilings."""

    width: int
    tokens: float = math.inf
    flops: float = math.inf
    deadline: float = math.inf
    clock: Callable[[], float] = time.monotonic
    spent: Price = field(default_factory=Price)
    held: Price = field(default_factory=Price)

    @classmethod
    def of(cls, budget: Budget, clock: Callable[[], float] = time.monotonic) -> Ledger:
        """A fresh ledger; the seconds count from now."""
        return cls(
            width=budget.n,
            tokens=math.inf if budget.max_tokens is None else budget.max_tokens,
            flops=math.inf if budget.max_flops is None else budget.max_flops,
            deadline=math.inf if budget.max_seconds is None else clock() + budget.max_seconds,
            clock=clock,
        )

    @property
    def tokens_left(self) -> float:
        return self.tokens - self.spent.tokens - self.held.tokens

    @property
    def flops_left(self) -> float:
        return self.flops - self.spent.flops - self.held.flops

    @property
    def seconds_left(self) -> float:
        return self.deadline - self.clock()

    def short_of(self, price: Price) -> str | None:
        """The ceiling that ``price`` would pass, or None when it fits."""
        if self.seconds_left <= 0:
            return MAX_SECONDS
        if price.tokens > self.tokens_left:
            return MAX_TOKENS
        if price.flops > self.flops_left:
            return MAX_FLOPS
        return None

    def reserve(self, price: Price) -> Hold | None:
        """Set ``price`` aside; None when it does not fit."""
        if self.short_of(price):
            return None
        self.held = Price(self.held.tokens + price.tokens, self.held.flops + price.flops)
        return Hold(self, price)

    def fork(self, parts: int) -> list[Ledger]:
        """Split the width and what is left of each ceiling into ``parts`` equal shares, spent independently.

        The shares are taken out of this ledger for good, so results do not depend on which part runs first.
        """
        if not 1 <= parts <= self.width:
            raise StrategyError(f"a width of {self.width} cannot be split into {parts} parts.")
        tokens = self.tokens_left if math.isinf(self.tokens) else self.tokens_left // parts
        flops = self.flops_left if math.isinf(self.flops) else self.flops_left // parts
        shares = [Ledger(self.width // parts, tokens, flops, self.deadline, self.clock) for _ in range(parts)]
        if not math.isinf(self.tokens):
            self.tokens -= tokens * parts
        if not math.isinf(self.flops):
            self.flops -= flops * parts
        return shares

    def _settle(self, hold: Hold, actual: Price, keep: Price) -> None:
        self.held = Price(
            self.held.tokens - hold.price.tokens + keep.tokens, self.held.flops - hold.price.flops + keep.flops
        )
        self.spent = Price(self.spent.tokens + actual.tokens, self.spent.flops + actual.flops)
        hold.price = keep
