"""Base classes of strategies: sampling parameters, step parameters, branching parameters."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

from tts.answers.aggregate import check_aggregation
from tts.errors import BadInput
from tts.search.search import Search
from tts.search.strategy import AUTO, Strategy
from tts.types import Node, Until


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling(Strategy):
    """Parameters of all strategies.

    Attributes:
        temperature: sampling temperature; 0 is greedy.
        top_p: nucleus sampling mass, above 0 and at most 1.
    """

    temperature: float = 0.8
    top_p: float = 1.0

    def __post_init__(self) -> None:
        if not 0 <= self.temperature < math.inf:
            raise BadInput(f"temperature must be 0 or more, not {self.temperature!r}.")
        if not 0 < self.top_p <= 1:
            raise BadInput(f"top_p must be above 0 and at most 1, not {self.top_p!r}.")

    @property
    def sampling(self) -> dict[str, Any]:
        """Return the sampling arguments of ``search.expand``."""
        return {"temperature": self.temperature, "top_p": self.top_p}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stepwise(Sampling):
    """Parameters of strategies that search step by step.

    Attributes:
        max_steps: limit of rounds; the last one runs to the end of the solution.
        step_tokens: limit of tokens of one step; of steps that are sampled together, in the mean.
        aggregate: aggregation of a prefix's step scores into the score it is ranked by.
    """

    max_steps: int = 40
    step_tokens: int = 2048
    aggregate: str = "last"

    stepwise: ClassVar[bool] = True

    def __post_init__(self) -> None:
        Sampling.__post_init__(self)
        at_least("max_steps", self.max_steps, 1)
        at_least("step_tokens", self.step_tokens, 1)
        if not (self.adaptive and self.aggregate == AUTO):
            check_aggregation(self.aggregate)

    def step(self, round: int, steps: int = 1, *, ahead: bool = True) -> dict[str, Any]:
        """Return the arguments of the expansion of a round, counted from 1, and of the ``steps`` - 1 rounds after it.

        ``ahead`` is true if everything that the expansion finds is scored next.
        """
        until = Until.END if round + steps > self.max_steps else Until.STEP
        limit = steps * self.step_tokens
        return {"until": until, "steps": steps, "max_tokens": limit, "ahead": ahead, **self.sampling}


@dataclass(frozen=True, slots=True, kw_only=True)
class Branching(Stepwise):
    """Parameters of strategies that keep one of ``beam_width`` continuations.

    Attributes:
        beam_width: M, the continuations sampled of each kept prefix; N/M prefixes are kept.
        granularity: g, the steps between two scorings (VG-Search, arXiv 2505.11730): a kept prefix first grows g - 1
            unscored steps; 1 scores every step.
    """

    beam_width: int = 4
    granularity: int = 1

    def __post_init__(self) -> None:
        Stepwise.__post_init__(self)
        at_least("beam_width", self.beam_width, 1)
        at_least("granularity", self.granularity, 1)

    def shape(self, n: int) -> tuple[int, int]:
        """Return the number of prefixes kept each round, N/M rounded down, and M, at most the width ``n``."""
        branch = min(self.beam_width, n)
        return n // branch, branch

    def note(self, n: int) -> str:
        keep, branch = self.shape(n)
        if keep * branch == n:
            return ""
        return (
            f"a beam width of {branch} does not divide the budget {n}: "
            f"{keep} x {branch} = {keep * branch} samples are used."
        )

    async def grow(self, search: Search, nodes: list[Node]) -> list[Node]:
        """Extend kept prefixes of one depth by g - 1 unscored steps. What cannot grow stays in place."""
        going = [node for node in nodes if node.open and node.depth]
        if self.granularity == 1 or not going:
            return nodes
        steps = self.step(going[0].depth + 1, self.granularity - 1, ahead=False)
        grown = dict(zip(going, await search.expand(going, **steps), strict=True))
        return [child for node in nodes for child in grown.get(node) or [node]]


def at_least(name: str, value: object, least: int) -> None:
    """Raise BadInput if a parameter is not a whole number of at least ``least``."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise BadInput(f"{name} must be a whole number, {least} or more, not {value!r}.")


def within(name: str, value: float, low: float, high: float) -> None:
    """Raise BadInput if a parameter is not a number from ``low`` to ``high``."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        raise BadInput(f"{name} must be a number from {low:g} to {high:g}, not {value!r}.")
