"""Figures of orchestrations: shares solved, costs, calls of each tool; paired differences between two of them."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from benchmarks.orchestra.rollouts import Trajectory
from benchmarks.orchestra.stories import FAMILIES, MixedTask
from benchmarks.stats.intervals import Interval, accuracy, difference


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one system did on one task: whether it solved it, dollars, seconds, and calls by tool.

    `priced` is how many calls had a price, and `paid` their dollars; `cost` has the policy's own tokens too.
    """

    solved: bool
    cost: float
    seconds: float
    calls: Mapping[str, int]
    priced: int = 0
    paid: float = 0.0

    @classmethod
    def of(cls, trajectory: Trajectory) -> Outcome:
        rollout = trajectory.rollout
        return cls(
            rollout.solved, rollout.cost, rollout.seconds, dict(rollout.calls), trajectory.priced, trajectory.paid
        )


def right(outcomes: Sequence[Outcome]) -> Interval:
    """Return the share of tasks solved."""
    return accuracy([float(each.solved) for each in outcomes])


def gain(ours: Sequence[Outcome], theirs: Sequence[Outcome]) -> Interval:
    """Return the difference of the shares solved, paired by task."""
    return difference([float(each.solved) for each in ours], [float(each.solved) for each in theirs])


def cost(outcomes: Sequence[Outcome]) -> float:
    """Return the mean dollars of a task."""
    return statistics.fmean(each.cost for each in outcomes)


def within(outcomes: Sequence[Outcome], allowed: float) -> list[Outcome]:
    """Return the outcomes under a ceiling of dollars a task: what cost more is not solved."""
    return [replace(each, solved=each.solved and each.cost <= allowed) for each in outcomes]


def shares(outcomes: Sequence[Outcome]) -> dict[str, float]:
    """Return each tool's share of the calls, the largest first; names that are no tool's are one."""
    counts: Counter[str] = Counter()
    for each in outcomes:
        counts.update(each.calls)
    total = sum(counts.values()) or 1
    return {name: count / total for name, count in counts.most_common()}


def summary(tasks: Sequence[MixedTask], trajectories: Sequence[Trajectory]) -> dict[str, Any]:
    """Return the figures of a model card: shares solved in all and by kind of task, cost, calls."""
    outcomes = [Outcome.of(each) for each in trajectories]
    found: dict[str, Any] = {"solved": _share(outcomes)}
    for family in FAMILIES:
        part = [o for task, o in zip(tasks, outcomes, strict=True) if task.family == family]
        if part:
            found[f"solved, {family}"] = _share(part)
    found["dollars a task"] = cost(outcomes)
    return found | {f"share of calls, {name}": share for name, share in list(shares(outcomes).items())[:6]}


def _share(outcomes: Sequence[Outcome]) -> dict[str, float]:
    found = right(outcomes)
    return {"share": found.value, "low": found.low, "high": found.high, "n": len(outcomes)}
