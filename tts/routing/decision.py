"""The decision over a pool: which model and which search, by expected quality within the budget."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from tts.budget import Budget
from tts.routing.arms import DOLLARS, FLOPS, Arm
from tts.routing.choice import Expected

_LEAST = 0.5  # chance to stay within a ceiling that an arm must have


@dataclass(frozen=True, slots=True)
class Ceilings:
    """Limits of one problem that an arm must keep.

    Attributes:
        n: limit of N; an arm that names no N runs at this one.
        cost: limit of the predicted cost, in the pool's unit; infinite without one.
        seconds: limit of the predicted latency.
        unit: of ``cost``: dollars or FLOPs.
    """

    n: int
    cost: float = math.inf
    seconds: float = math.inf
    unit: str = FLOPS

    @classmethod
    def of(cls, budget: Budget, unit: str) -> Ceilings:
        """Return the limits of a budget. One in another unit than the pool's is left to the ledger alone."""
        limits = {DOLLARS: budget.max_cost, FLOPS: budget.max_flops}
        chosen = unit or (DOLLARS if budget.max_cost is not None else FLOPS)
        cost, seconds = limits[chosen], budget.max_seconds
        return cls(budget.n, math.inf if cost is None else cost, math.inf if seconds is None else seconds, chosen)

    def within(self, cost: np.ndarray, cost_spread: np.ndarray, latency: np.ndarray, spread: np.ndarray) -> np.ndarray:
        """Compute the chance that each arm keeps both limits, if its costs are log-normal; unknown costs keep them."""
        found: np.ndarray = _below(self.cost, cost, cost_spread) * _below(self.seconds, latency, spread)
        return found

    def narrow(self, arm: Arm, expected: Expected) -> bool:
        """Return whether an arm needs a larger N and would keep the other limits at this one."""
        if arm.n is None or arm.n <= self.n:
            return False
        share = self.n / arm.n
        return (expected.cost or 0.0) * share <= self.cost and (expected.latency or 0.0) <= self.seconds

    def refusal(self, arm: Arm, expected: Expected) -> str:
        """Say why an arm may not run; empty if it may."""
        if arm.n is not None and arm.n > self.n:
            return f"needs N = {arm.n}"
        if expected.cost is not None and expected.cost > self.cost:
            return f"costs {expected.cost:.3g} {self.unit}"
        if expected.latency is not None and expected.latency > self.seconds:
            return f"takes {expected.latency:.3g} seconds"
        return "" if expected.within >= _LEAST else f"keeps the ceilings with {expected.within:.0%} only"


@dataclass(frozen=True, slots=True)
class Decision:
    """What the pool would do with a problem.

    Attributes:
        arms: the arms that may run, best first; if none may, all of them.
        refused: the others, with the reason.
        ceilings: limits of the problem.
        described: the arm of each name.
        overall: name of the arm that is best over all problems, if the choice is cautious; otherwise empty.
    """

    arms: tuple[Expected, ...]
    refused: tuple[tuple[Expected, str], ...]
    ceilings: Ceilings
    described: dict[str, Arm]
    overall: str = ""

    @classmethod
    def of(cls, ranked: Sequence[Expected], arms: Sequence[Arm], ceilings: Ceilings) -> Decision:
        """Divide ranked arms into those that may run and the others."""
        described = {arm.name: arm for arm in arms}
        reasons = [(each, ceilings.refusal(described[each.arm], each)) for each in ranked]
        allowed = tuple(each for each, reason in reasons if not reason)
        refused = tuple((each, reason) for each, reason in reasons if reason)
        return cls(allowed, refused, ceilings, described)

    @property
    def order(self) -> list[Expected]:
        """Return all arms in the order in which they are tried.

        After those that may run come those that only need a larger N, best first, then the others, cheapest first.
        """
        rest = [each for each, _ in self.refused]
        narrowed = [each for each in rest if self.ceilings.narrow(self.described[each.arm], each)]
        others = [each for each in rest if each not in narrowed]
        return [*self.arms, *narrowed, *sorted(others, key=lambda each: math.inf if each.cost is None else each.cost)]

    def without(self, names: Collection[str]) -> Decision:
        """Return the decision among the other arms."""
        arms = tuple(each for each in self.arms if each.arm not in names)
        return replace(self, arms=arms, refused=tuple(pair for pair in self.refused if pair[0].arm not in names))

    @property
    def chosen(self) -> Expected:
        return self.order[0]

    @property
    def arm(self) -> Arm:
        """Return the chosen arm, with the N that it runs at."""
        arm = self.described[self.chosen.arm]
        return replace(arm, n=min(arm.n or self.ceilings.n, self.ceilings.n))

    @property
    def reason(self) -> str:
        """Explain the choice in one sentence, without the full stop."""
        first = self.chosen
        words = f"{first.arm}: {percent(first)} % right expected"
        if (cost := amount(first.cost, first.cost_low, first.cost_high)) != "-":
            words += f" for {cost} {self.ceilings.unit}"
        if not self.arms:
            why = next((reason for each, reason in self.refused if each.arm == first.arm), "is left")
            return f"{words}; no arm is within the budget, and this one {why}"
        if len(self.arms) > 1:
            second = self.arms[1]
            words += f"; next {second.arm} with {percent(second)} %"
            if second.high > first.low:
                words += " (the intervals overlap, so the choice between these two is uncertain)"
        words += caution(first.arm, self.overall)
        if self.refused:
            better = [each for each in self.refused if each[0].quality > first.quality]
            words += f"; {len(self.refused)} of {len(self.described)} arms are beyond the budget"
            if better:
                words += f", such as {better[0][0].arm}, which {better[0][1]}"
        return words

    def row(self) -> dict[str, Any]:
        """Convert the decision to JSON types."""
        finite = {name: value for name, value in asdict(self.ceilings).items() if value != math.inf}
        return {
            "model": self.chosen.arm,
            "arm": self.arm.row(),
            "reason": self.reason,
            "budget": finite,
            "models": [each.row() for each in self.arms],
            "refused": [{**each.row(), "why": reason} for each, reason in self.refused],
        }


def caution(chosen: str, overall: str) -> str:
    """Explain a cautious choice by the arm that is best over all problems; empty without one."""
    if not overall:
        return ""
    if chosen == overall:
        return "; it is the best over all problems, and no other gains more than the uncertainty"
    return f"; its gain over {overall}, the best over all problems, is larger than the uncertainty"


def percent(arm: Expected) -> str:
    """Format the expected quality with its interval."""
    return f"{100 * arm.quality:.1f} [{100 * arm.low:.1f}, {100 * arm.high:.1f}]"


def amount(value: float | None, low: float | None, high: float | None) -> str:
    """Format a cost with the interval of 95 % of such problems."""
    if value is None:
        return "-"
    return f"{value:.3g}" if low is None or high is None else f"{value:.3g} [{low:.3g}, {high:.3g}]"


def _below(limit: float, value: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """Compute the chance that a log-normal cost is at most ``limit``; without a spread it is 0 or 1."""
    if math.isinf(limit):
        return np.ones_like(value)
    away = np.log(limit / np.maximum(value, 1e-300))
    width = np.maximum(np.nan_to_num(spread, nan=0.0), 1e-9)
    chance = np.array([0.5 * (1 + math.erf(z / math.sqrt(2))) for z in (away / width).ravel()]).reshape(value.shape)
    return np.where(np.isnan(value), 1.0, chance)
