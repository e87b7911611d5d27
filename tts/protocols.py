"""The seams: what a policy, a reward model, a strategy and a vote are to one another.

Engines implement Policy and RewardModel; each call is one coroutine for one sample or one text, and the engine batches
whatever is in flight. One request a sample, rather than a list, lets a deadline keep the samples that are done and lets
a cancelled coroutine take its work out of the batch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from tts.cost import ModelShape
from tts.types import Finish, Node, Problem, Step, Until


@dataclass(frozen=True, slots=True)
class Request:
    """One continuation to be sampled.

    Attributes:
        problem: whose solution this is.
        node: the prefix to continue; the model reads ``node.tokens`` and nothing else.
        key: the key that the first new node will have; with the problem's id it names the request in a trace.
        seed: 64 bits derived from run seed, problem and key; the same request samples the same text where the engine
            can promise it.
        until: stop after one step, or at the end of the solution.
        max_tokens: most tokens to sample, at least 1.
        temperature: 0 is greedy.
        top_p: nucleus mass, 0 < top_p <= 1.
    """

    problem: Problem
    node: Node
    key: str
    seed: int
    until: Until
    max_tokens: int
    temperature: float = 0.8
    top_p: float = 1.0


@dataclass(frozen=True, slots=True)
class Completion:
    """What was sampled: at least one step, each with its token ids, and why sampling stopped.

    With ``Until.STEP`` there is exactly one step. The token that ends the solution (end of sequence) belongs to the
    last step's ``tokens`` but not to its text.
    """

    steps: tuple[Step, ...]
    finish: Finish


@runtime_checkable
class Policy(Protocol):
    """The model that writes solutions."""

    @property
    def name(self) -> str: ...

    @property
    def shape(self) -> ModelShape: ...

    @property
    def context(self) -> int:
        """Most tokens of prompt and solution together."""
        ...

    def prompt(self, problem: Problem) -> Step:
        """The prompt as text and token ids. Raises PromptTooLong where it leaves no room for an answer."""
        ...

    async def generate(self, request: Request) -> Completion:
        """Sample one continuation. Cancelling the coroutine takes the request out of the batch."""
        ...


@runtime_checkable
class RewardModel(Protocol):
    """The model that judges steps.

    One with an attribute ``beside`` that is true works at the same time as the policy, and is asked as samples come.
    One with an attribute ``outcome`` that is true judges finished solutions only; ``score`` gives the solution's score.
    """

    @property
    def name(self) -> str: ...

    @property
    def shape(self) -> ModelShape: ...

    def lengths(self, problem: Problem, node: Node) -> list[int]:
        """Tokens the reward model reads: those of the prompt first, then those of each step of ``node``.

        Exact, and without running the model: the search computes from it what a score will cost before it asks.
        """
        ...

    async def score(self, problem: Problem, node: Node, seen: int) -> tuple[float, ...]:
        """One score in 0..1 for each step of ``node`` after the first ``seen`` ones, in order."""
        ...


@dataclass(frozen=True, slots=True)
class Read:
    """The token ids that a reward model's prompt grows by, and where among them the score is read (an index)."""

    tokens: tuple[int, ...]
    at: int


@dataclass(frozen=True, slots=True)
class Pooling:
    """How a server of pooling models reads a family: every token gets a row of scores, one column is the step's.

    ``overrides`` of the checkpoint's configuration and further ``arguments`` of the server make it such a model where
    it is not one by itself.
    """

    column: int
    overrides: Mapping[str, Any] = field(default_factory=dict)
    arguments: Mapping[str, Any] = field(default_factory=dict)


class RewardFormat(Protocol):
    """How one family of reward models is prompted: append-only in token ids, so that a prefix is never read twice.

    The token ids of ``n`` steps are ``prompt(problem) + step(0, ...).tokens + ... + step(n - 1, ...).tokens``, the same
    as those of the whole text tokenized at once.
    """

    def prompt(self, problem: Problem) -> tuple[int, ...]: ...

    def step(self, index: int, text: str) -> Read: ...
