"""What every strategy has: a width, sampling settings, and what the rest of the engine may ask of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from tts.errors import BadInput
from tts.types import Until


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampled:
    """Settings that all strategies share.

    Attributes:
        n: the budget N: how many trajectories' worth of samples.
        temperature: of the policy; 0 is greedy.
        top_p: nucleus mass, above 0 and at most 1.
    """

    n: int = 16
    temperature: float = 0.8
    top_p: float = 1.0

    needs_reward: ClassVar[bool] = True
    stepwise: ClassVar[bool] = False  # whether it goes on from steps, which a chat-only server cannot
    independent: ClassVar[bool] = False  # whether fewer of its samples are what a smaller width would have found
    vote: ClassVar[str] = "weighted"

    def __post_init__(self) -> None:
        at_least("n", self.n, 1)
        if self.temperature < 0:
            raise BadInput(f"temperature must be 0 or more, not {self.temperature!r}.")
        if not 0 < self.top_p <= 1:
            raise BadInput(f"top_p must be above 0 and at most 1, not {self.top_p!r}.")

    @property
    def note(self) -> str:
        """A sentence for the user where the strategy does not use exactly what was asked for; else empty."""
        return ""

    @property
    def sampling(self) -> dict[str, Any]:
        return {"temperature": self.temperature, "top_p": self.top_p}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stepwise(Sampled):
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
        Sampled.__post_init__(self)
        for name in ("beam_width", "max_steps", "step_tokens"):
            at_least(name, getattr(self, name), 1)

    @property
    def branch(self) -> int:
        """The beam width in use: never more than n."""
        return min(self.beam_width, self.n)

    @property
    def keep(self) -> int:
        """Prefixes kept each round, N/M rounded down."""
        return self.n // self.branch

    @property
    def note(self) -> str:
        used = self.keep * self.branch
        if used == self.n:
            return ""
        return (
            f"a beam width of {self.branch} does not divide the budget {self.n}: "
            f"{self.keep} x {self.branch} = {used} samples are used."
        )

    def step(self, round: int, *, ahead: bool = True) -> dict[str, Any]:
        """Arguments of the expansion in that round, counted from 1; ``ahead`` where all it finds is scored next."""
        until = Until.END if round == self.max_steps else Until.STEP
        return {"until": until, "max_tokens": self.step_tokens, "ahead": ahead, **self.sampling}


def at_least(name: str, value: object, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise BadInput(f"{name} must be a whole number, {least} or more, not {value!r}.")
