"""Divides one pot of FLOPs among many problems by one price (:mod:`tts.selection.selector`), corrected as they end."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from tts.selection.profile import Profile
from tts.selection.selector import Limits, cheapest, expected, price_for

EMPTY = "total_flops was spent before this problem's turn came."
POOR = "total_flops is too little for an answer to every problem: the cheapest ones are given while it lasts."


@dataclass(frozen=True, slots=True, eq=False)
class Share:
    """What one problem gets.

    Attributes:
        price: accuracy that a FLOP has to bring; None without a profile.
        ceiling: FLOPs that it may not pass; infinite where the pot holds more than any plan takes.
        expected: what it is expected to cost.
        warning: a sentence for the user where the pot is too small; else empty.
    """

    price: float | None
    ceiling: float
    expected: float
    warning: str = ""


@dataclass(slots=True)
class Pot:
    """FLOPs for ``waiting`` problems, of width ``n`` at most.

    A problem gets the price at which those that wait would just use up what is left, less what those under way are
    expected to take. When the pot is empty the rest gets nothing, so that it is never passed by more than the problems
    then under way had been expected to leave. Without a profile all get the same share.
    """

    left: float
    waiting: int
    n: int
    profile: Profile | None = None
    flying: set[Share] = field(default_factory=set)

    def open(self) -> Share:
        """The share of the next problem."""
        free = max(self.left - sum(share.expected for share in self.flying), 0.0)
        each = free / max(self.waiting, 1)
        self.waiting -= 1
        share = Share(None, each, each, "" if each else EMPTY) if self.profile is None else self._priced(free, each)
        self.flying.add(share)
        return share

    def _priced(self, free: float, each: float) -> Share:
        assert self.profile is not None
        limits = Limits(self.n)
        price = price_for(self.profile, each, limits)
        mean = expected(self.profile, price, limits).flops
        warning = EMPTY if not free else POOR if each < cheapest(self.profile) else ""
        return Share(price, free if free < _dearest(self.profile, self.n) else math.inf, min(mean, free), warning)

    def close(self, share: Share, spent: float) -> None:
        """A problem has ended, and what it spent is known."""
        self.flying.discard(share)
        self.left -= spent


def _dearest(profile: Profile, n: int) -> float:
    """More than any plan takes of one problem: all the stages there are one after another, and the dearest end."""
    limits = Limits(n)
    stages = [[max(move.flops) for move in stage.ways if limits.width(stage, move)] for stage in profile.stages]
    return 4 * sum(max(costs, default=0.0) for costs in stages)
