"""The reward of ToolOrchestra (arXiv 2511.21689) as a pure function of a group of rollouts.

A rollout that solves its task gets the weighted mean of its outcome, its cheapness, its speed and the use of tools that
the user prefers, each scaled to 0..1 within the group; one that does not gets 0. The released code has the signs of
cost and latency wrong and overwrites one term by another; here the reward never rises with cost or latency.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tts.errors import BadInput

LEAST_SPREAD = 0.1
"""Standard deviation of the rewards of a group, above which it teaches something (the paper's filter)."""


@dataclass(frozen=True, slots=True)
class Rollout:
    """What a trajectory came to: whether it solved its task, dollars, seconds, and how often it called each tool."""

    solved: bool
    cost: float = 0.0
    seconds: float = 0.0
    calls: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Weights:
    """What counts, each 0 or more; ``tools`` weighs calls of tools that the user likes to see used."""

    outcome: float = 1.0
    cost: float = 0.0
    latency: float = 0.0
    tools: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if min(self.outcome, self.cost, self.latency, *self.tools.values()) < 0 or self.total <= 0:
            raise BadInput("the weights of a reward are 0 or more, and one at least is above 0.")

    @property
    def total(self) -> float:
        return self.outcome + self.cost + self.latency + sum(self.tools.values())


def rewards(group: Sequence[Rollout], weights: Weights) -> list[float]:
    """Return the reward of each rollout of one task, 0 to 1."""
    cheap = _scaled([-rollout.cost for rollout in group])
    fast = _scaled([-rollout.seconds for rollout in group])
    used = {name: _scaled([float(rollout.calls.get(name, 0)) for rollout in group]) for name in weights.tools}
    return [
        (
            weights.outcome
            + weights.cost * cheap[k]
            + weights.latency * fast[k]
            + sum(weight * used[name][k] for name, weight in weights.tools.items())
        )
        / weights.total
        if rollout.solved
        else 0.0
        for k, rollout in enumerate(group)
    ]


def kept(found: Sequence[float], least: float = LEAST_SPREAD) -> list[float]:
    """Return the rewards of a group; the mean for each where their spread teaches nothing, so that no one is better."""
    if statistics.pstdev(found) > least:
        return list(found)
    return [statistics.fmean(found)] * len(found)


def _scaled(values: Sequence[float]) -> list[float]:
    """Scale to 0..1 within the group; equal values are all 1, because none is worse than another."""
    low, high = min(values), max(values)
    return [1.0 if high == low else (value - low) / (high - low) for value in values]
