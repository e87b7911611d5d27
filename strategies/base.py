"""The settings that strategies share: how they sample, and how they go step by step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from tts.errors import BadInput
from tts.search.strategy import Strategy
from tts.types import Until


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling(Strategy):
    """Settings that all strategies share.

    Attributes:
        temperature: of the policy; 0 is greedy.
        top_p: nucleus mass, above 0 and at most 1.
    """

    temperature: float = 0.8
    top_p: float = 1.0

    def __post_init__(self) -> None:
        if self.temperature < 0:
            raise BadInput(f"temperature must be 0 or more, not {self.temperature!r}.")
        if not 0 < self.top_p <= 1:
            raise BadInput(f"top_p must be above 0 and at most 1, not {self.top_p!r}.")

    @property
    def sampling(self) -> dict[str, Any]:
        """The sampling arguments of ``search.expand``."""
        return {"temperature": self.temperature, "top_p": self.top_p}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stepwise(Sampling):
    """Settings of strategies that go step by step and keep one continuation in ``beam_width``.

    Attributes:
        beam_width: M, the continuations sampled of each kept prefix; N/M prefixes are kept.
        max_steps: rounds at most; the last one runs to the end of the solution.
        step_tokens: most tokens of one step.
        aggregate: how the step scores of a prefix become the one it is ranked by.
    """

    beam_width: int = 4
    max_steps: int = 40
    step_tokens: int = 2048
    aggregate: str = "last"

    stepwise: ClassVar[bool] = True

    def __post_init__(self) -> None:
        Sampling.__post_init__(self)
        for name, value in (
            ("beam_width", self.beam_width), ("max_steps", self.max_steps), ("step_tokens", self.step_tokens),
        ):  # fmt: skip
            at_least(name, value, 1)

    def shape(self, n: int) -> tuple[int, int]:
        """Return the prefixes kept each round, N/M rounded down, and M, never more than the width ``n``."""
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

    def step(self, round: int, *, ahead: bool = True) -> dict[str, Any]:
        """Return the arguments of the expansion in a round, counted from 1.

        ``ahead`` is true where all that the expansion finds is scored next.
        """
        until = Until.END if round == self.max_steps else Until.STEP
        return {"until": until, "max_tokens": self.step_tokens, "ahead": ahead, **self.sampling}


def at_least(name: str, value: object, least: int) -> None:
    """Raise BadInput where a parameter is no whole number of at least ``least``."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise BadInput(f"{name} must be a whole number, {least} or more, not {value!r}.")
