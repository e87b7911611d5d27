"""The seams: base classes of policies, reward models and families of reward models.

Engines implement Policy and RewardModel. Each call is one coroutine for one sample or one text, and the engine batches
whatever is in flight. One request a sample, rather than a list, lets a deadline keep the samples that are done and lets
a cancelled coroutine take its work out of the batch.

Everything optional is an attribute or method with a default: who uses a model reads it and never probes for it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Protocol

from tts.cost import ModelShape, Prices
from tts.errors import BadInput, EngineDied, ModelError
from tts.types import Call, Finish, Node, Problem, Step, TokenLogprobs, Until


@dataclass(frozen=True, slots=True)
class Request:
    """One continuation to be sampled.

    Attributes:
        problem: whose solution this is.
        node: the prefix to continue; the model reads ``node.tokens`` and nothing else.
        key: the key that the first new node will have; with the problem's id it names the request in a trace.
        seed: 64 bits derived from run seed, problem and key; the same request samples the same text where the engine
            can promise it.
        until: stop after ``steps`` steps, or at the end of the solution.
        max_tokens: most tokens to sample, at least 1.
        temperature: 0 is greedy.
        top_p: nucleus mass, 0 < top_p <= 1.
        logprobs: likeliest tokens whose log-probabilities come with each sampled one, at most ``Policy.logprobs``; 0
            asks for none.
        steps: most steps of a continuation with ``Until.STEP``. An engine may stop after fewer; the search then asks
            for the others.
        schema: a JSON schema, as text, that the whole solution has to fit; empty for none. Only policies that keep to
            schemas (:attr:`Policy.schemas`) are asked for it, at a root, until the end of the solution.
    """

    problem: Problem
    node: Node
    key: str
    seed: int
    until: Until
    max_tokens: int
    temperature: float = 0.8
    top_p: float = 1.0
    logprobs: int = 0
    steps: int = 1
    schema: str = ""

    def missing(self, steps: int) -> int:
        """Return how many of the steps asked for are missing in a continuation of so many steps."""
        return max(0, self.steps - steps) if self.until is Until.STEP else 0


@dataclass(frozen=True, slots=True)
class Completion:
    """What was sampled: at least one step, each with its token ids, and why sampling stopped.

    With ``Until.STEP`` there are at most ``Request.steps`` steps. The token that ends the solution (end of sequence)
    belongs to the last step's ``tokens`` but not to its text. ``warnings`` are sentences for the reader of a solution.
    ``logprobs`` has one entry a sampled token where the request asks for them and the policy knows them; else it is
    empty.
    ``calls`` are the calls of tools that it asks for; then ``finish`` is ``STEP``: the solution goes on with results.
    """

    steps: tuple[Step, ...]
    finish: Finish
    warnings: tuple[str, ...] = ()
    logprobs: tuple[TokenLogprobs, ...] = ()
    calls: tuple[Call, ...] = ()


@dataclass(frozen=True, slots=True)
class Returned:
    """A call of a tool and the text that came back."""

    call: Call
    text: str


class Model(ABC):
    """Base class of policies and reward models: what a search needs to know of either.

    Attributes:
        name: for plans, traces and error messages.
        shape: for the cost of a pass.
        background: whether it may be awaited on the background loop of :mod:`tts.aio`, where the engines live. A model
            that uses something of the caller's event loop may not.
    """

    name: str
    shape: ModelShape
    background: bool = False

    @property
    def cache_hits(self) -> int:
        """Return the tokens that were found in a cache of prefixes so far; 0 where that is not known."""
        return 0

    @property
    def counted(self) -> bool:
        """True where the FLOPs of a pass are known, so that a ceiling of FLOPs can be kept."""
        return self.shape.active > 0

    @property
    def alive(self) -> bool:
        """False once the model cannot work any more, such as after the end of its process. It is then loaded again."""
        return True

    @property
    def died(self) -> EngineDied:
        """Return the error of a request to a model that is not alive."""
        return EngineDied(
            f"the process of {self.name} has ended: what was finished is kept; run the same again to go on."
        )

    async def prepare(self, problem: Problem) -> None:
        """Fetch what the model needs for a problem; awaited once, before the problem's search begins."""
        return

    def warn(self, problem: Problem) -> str | None:
        """Give a sentence for the user when the problem looks beyond this model, else None."""
        return None

    def close(self) -> None:
        """Give back what the model holds; requests under way fail with EngineError."""
        return


class Policy(Model):
    """Base class of models that write solutions. Inherit it, set the attributes, define ``prompt`` and ``generate``.

    Attributes:
        context: most tokens of prompt and solution together.
        steps: whether it can continue a solution from a step; without, only whole solutions are asked for.
        prices: what its server bills; None where nothing is known.
        logprobs: most alternatives of a token whose log-probabilities it can give; 0 where it gives none.
        remote: whether it runs on a server, which may bill.
        schemas: whether it can be held to a JSON schema while it samples.
    """

    context: int
    steps: bool = True
    prices: Prices | None = None
    logprobs: int = 0
    remote: bool = False
    schemas: bool = False

    @abstractmethod
    def prompt(self, problem: Problem) -> Step:
        """Return the prompt as text and token ids. Raises PromptTooLong where it leaves no room for an answer."""

    @abstractmethod
    async def generate(self, request: Request) -> Completion:
        """Sample one continuation. Cancelling the coroutine takes the request out of the batch."""

    def offered(self, tools: Sequence[Mapping[str, Any]], guide: str) -> Policy:
        """Return this model as a policy that may call tools. Raises ModelError where it cannot call any.

        Args:
            tools: name, description and schema of each, in the form of chat templates and servers.
            guide: sentences on the use of tools, for the system message.
        """
        raise ModelError(f"{self.name} cannot call tools: choose a policy with a chat template, or one on a server.")

    def read_results(self, problem: Problem, key: str, node: Node, results: Sequence[Returned]) -> Step:
        """Return the step with which a policy that may call tools reads their results after ``node``.

        ``key`` is the key of the new node.
        """
        raise ModelError(f"{self.name} was not offered any tools.")

    async def surprisal(self, problem: Problem, node: Node) -> tuple[float, ...] | None:
        """Compute -log p, in nats, of each of ``node.tokens`` after the first; None where the engine cannot.

        The tokens were read or sampled before, so the logical cost (:mod:`tts.cost`) of a search includes their pass.
        """
        return None


class RewardModel(Model):
    """Base class of models that score solutions. Inherit it, set the attributes, define ``lengths`` and ``score``.

    Attributes:
        outcome: whether it scores finished solutions only; ``score`` then returns one score, the solution's.
        concurrent: whether it works at the same time as the policy, so that asking it early saves time.
        prompts: prompts that it reads for one score, each from its beginning; 0 if it reads a prefix once.
        compares: whether it can compare two solutions, see ``compare``.
        logprobs: alternatives whose log-probabilities it reads from the policy's completions; 0 for none.
        whole_vocabulary: whether it needs what the policy knows of every token of the vocabulary.
        works_with: name of a policy to load for it and to hand to ``bind``; empty if it needs none.
        bound: the policy that it works with, once it is loaded.
        notes: sentences for the user of a solution that it scored.
    """

    outcome: bool = False
    concurrent: bool = False
    prompts: int = 0
    compares: bool = False
    logprobs: int = 0
    whole_vocabulary: bool = False
    works_with: str = ""
    bound: Policy | None = None
    notes: tuple[str, ...] = ()

    @abstractmethod
    def lengths(self, problem: Problem, node: Node) -> list[int]:
        """Count the tokens that the reward model reads: of the prompt first, then of each step of ``node``.

        Exact, and without running the model: the search computes from it what a score will cost before it asks.
        """

    @abstractmethod
    async def score(self, problem: Problem, node: Node, seen: int) -> tuple[float, ...]:
        """Return one score in 0..1 for each step of ``node`` after the first ``seen`` ones, in order.

        Raises PromptTooLong or Unscored for a solution that goes without a score.
        """

    async def measure(self, problem: Problem, nodes: Sequence[Node]) -> None:
        """Fetch what ``lengths`` of these nodes needs; awaited before it is called."""
        return

    def was_late(self, problem: Problem, node: Node) -> bool:
        """Return whether time had run out before this solution was read, which only a replay knows."""
        return False

    async def compare(self, problem: Problem, first: Node, second: Node) -> tuple[float, float]:
        """Return a score in 0..1 for each of two finished solutions, seen together. Only where ``compares``."""
        raise NotImplementedError

    async def to_compare(self, problem: Problem, first: Node, second: Node) -> int:
        """Count the tokens that ``compare`` reads, in prompts twice as many as those of a score; 0 if too many."""
        raise NotImplementedError

    def bind(self, policy: Policy) -> None:
        """Take the policy that ``works_with`` names."""
        return

    def for_steps(self, steps: bool) -> RewardModel:
        """Return its form that scores steps, or whole solutions; itself if it has one form only."""
        return self


def as_policy(model: object) -> Policy:
    """Return a policy with every attribute of :class:`Policy`.

    An object that does not inherit it but has what is required (``name``, ``shape``, ``context``, ``prompt`` and
    ``generate``) is wrapped, with the defaults for the rest. Raises BadInput for one that lacks something.
    """
    _require(model, "policy", "Policy", ("name", "shape", "context", "prompt", "generate"))
    return model if isinstance(model, Policy) else _PlainPolicy(model)


def as_reward(model: object) -> RewardModel:
    """Return a reward model with every attribute of :class:`RewardModel`; wrapped and refused as by `as_policy`."""
    _require(model, "reward model", "RewardModel", ("name", "shape", "lengths", "score"))
    return model if isinstance(model, RewardModel) else _PlainReward(model)


def _require(model: object, what: str, base: str, names: Iterable[str]) -> None:
    if missing := [name for name in names if not hasattr(model, name)]:
        raise BadInput(
            f"{type(model).__name__} cannot serve as a {what}, it has no {' and no '.join(missing)}: inherit "
            f"tts.protocols.{base} and define what it lists."
        )


class _PlainPolicy(Policy):
    """A user's object with the members of a policy that are required, and the defaults for the rest."""

    def __init__(self, model: Any) -> None:
        self.name, self.shape, self.context, self._model = model.name, model.shape, model.context, model

    def prompt(self, problem: Problem) -> Step:
        step: Step = self._model.prompt(problem)
        return step

    async def generate(self, request: Request) -> Completion:
        completion: Completion = await self._model.generate(request)
        return completion


class _PlainReward(RewardModel):
    """A user's object with the members of a reward model that are required, and the defaults for the rest."""

    def __init__(self, model: Any) -> None:
        self.name, self.shape, self._model = model.name, model.shape, model

    def lengths(self, problem: Problem, node: Node) -> list[int]:
        lengths: list[int] = self._model.lengths(problem, node)
        return lengths

    async def score(self, problem: Problem, node: Node, seen: int) -> tuple[float, ...]:
        scores: tuple[float, ...] = await self._model.score(problem, node, seen)
        return scores


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
    """The prompt of one family of reward models: append-only in token ids, so that a prefix is never read twice.

    The token ids of ``n`` steps are ``prompt(problem) + step(0, ...).tokens + ... + step(n - 1, ...).tokens``, the same
    as those of the whole text tokenized at once.
    """

    def prompt(self, problem: Problem) -> tuple[int, ...]: ...

    def step(self, index: int, text: str) -> Read: ...


class RewardFamily(ABC):
    """Base class of families of reward models: prompt, weights and scores. Engines find one by its name.

    ``module`` and ``hidden`` are torch's; this file does not import it.

    Attributes:
        outcome: whether its models score finished solutions only.
    """

    __slots__ = ()

    outcome: ClassVar[bool] = False

    @property
    def pooling(self) -> Pooling | None:
        """How a server of pooling models reads the family; None where none can."""
        return None

    @abstractmethod
    def format(self, tokenizer: Any) -> RewardFormat:
        """Return the prompt's form for a tokenizer. Raises ModelError for a tokenizer of another family."""

    @abstractmethod
    def load(self, folder: Path, dtype: Any) -> Any:
        """Return the module with the weights of a folder. Raises ModelError where weights are missing."""

    @abstractmethod
    def shape(self, folder: Path) -> Any:
        """Return the module without its weights, on the meta device."""

    @abstractmethod
    def scores(self, module: Any, hidden: Any) -> Any:
        """Turn hidden states [k, width] at the positions that are read into scores [k] in 0..1."""

    def decoder(self, module: Any) -> Any:
        """Return the part of the module that turns token ids into hidden states."""
        return module.base_model
