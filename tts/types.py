"""The vocabulary: the nouns of all other modules, as frozen dataclasses on the standard library alone."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from tts.errors import BadInput
from tts.files.text import is_utf8

if TYPE_CHECKING:
    from tts.trace import Trace


class Until(StrEnum):
    """Where a continuation stops: after some steps, or at the end of the solution."""

    STEP = "step"
    END = "end"


class Finish(StrEnum):
    """Why a continuation stopped.

    ``STEP``: a step separator was reached and the solution goes on. ``STOP``: the model ended its solution, the only
    finish that may vote. ``LENGTH``: a token limit cut it off.
    """

    STEP = "step"
    STOP = "stop"
    LENGTH = "length"


@dataclass(frozen=True, slots=True)
class Turn:
    """A message of a conversation. ``role`` is ``"system"``, ``"user"``, ``"assistant"``, or ``"tool"`` for a result.

    ``calls`` are the assistant's, each as JSON text with ``name`` and ``arguments``; results follow in this order.
    """

    role: str
    text: str
    calls: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Problem:
    """A question to be answered. It never contains the right answer, so no search can see it.

    ``id`` names the problem in traces, seeds and result files; the default is a hash of what is asked.
    ``turns`` is the conversation that a policy reads; the last turn is the user's. It is empty if the problem is one
    question without a system message. ``text`` then still is all that was asked, for whatever reads no conversation:
    reward models, routers, pages.
    ``plain`` asks a policy to read the turns alone, without the system message, suffix and opening of its model. The
    prompts of judges are such problems.
    ``kind`` is the kind of its answer (``tts.answers.kinds``); empty leaves it to the solver. ``tests`` are unit tests
    that a search may see, for the reward model ``tests``. ``instruction`` says how the answer is to be written, in
    place of the policy's own system message; empty leaves that.
    ``tools`` are those that whoever asks would call, each as JSON text in the form of chat templates. With them the
    answer is the policy's next turn: its calls, which are not made, or a text (``tts.tools.next_turn``).
    ``schema`` is a JSON schema, as text, that the answer has to fit; empty for any answer (``tts.tools.structured``).
    """

    text: str
    id: str = ""
    turns: tuple[Turn, ...] = ()
    plain: bool = False
    kind: str = ""
    tests: str = ""
    instruction: str = ""
    tools: tuple[str, ...] = ()
    schema: str = ""

    def __post_init__(self) -> None:
        if not all(map(is_utf8, (self.text, self.id, self.tests, *(turn.text for turn in self.turns)))):
            raise BadInput("the problem is not UTF-8 text: it holds half a surrogate pair.")
        if not self.id:
            said = (part for turn in self.turns for part in (turn.role, turn.text, *turn.calls))
            content = "\0".join([self.text, *said, *self.tools, *[self.schema] * bool(self.schema)]).encode()
            object.__setattr__(self, "id", hashlib.sha256(content).hexdigest()[:12])


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Step:
    """A piece of text with the policy's token ids exactly as sampled, the separator included.

    Steps compare by identity: within a search one object represents one distinct prefix. An engine can attach its
    memory of that prefix (key/value cache, scores) to the step; it is freed with the last node that holds the step. The
    root's step is the prompt. ``read`` marks a step that the policy read and did not sample: what tools returned.
    """

    text: str
    tokens: tuple[int, ...]
    read: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a tool as a policy wrote it.

    ``arguments`` is None, and ``problem`` says why, if the text of the call could not be read.
    """

    tool: str
    arguments: Mapping[str, Any] | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class TokenLogprobs:
    """Natural log-probabilities at one sampled token, as the model gives them, before temperature and top_p.

    Attributes:
        sampled: of the token that was sampled.
        top: text and log-probability of the likeliest tokens, the likeliest first.
        certainty: self-certainty, -mean(log(V p)) over the vocabulary of V tokens (arXiv 2502.18581); None where only a
            part of the vocabulary is known.
        text: of the token that was sampled; empty where it is not known.
    """

    sampled: float
    top: tuple[tuple[str, float], ...]
    certainty: float | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class TokenConfidence:
    """How sure the policy was of each token of a step.

    Attributes:
        tokens: minus the mean log-probability of the likeliest alternatives (arXiv 2508.15260), one number a token.
        certainty: self-certainty, one number a token; None where the whole vocabulary is not known.
    """

    tokens: tuple[float, ...]
    certainty: tuple[float, ...] | None = None


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Node:
    """A prefix of a solution: a parent and one more step. The root holds the prompt and has no parent.

    ``key`` is unique in a search: the subtree it was created in, a slash, then the child indices from the root, with
    ``+k`` for the k-th further step of one continuation (``"2/0.3+1"``). ``depth`` counts the steps after the prompt,
    ``length`` the policy's tokens, the prompt included. ``confidence`` is that of the step's tokens, where the reward
    model asks for log-probabilities.
    """

    step: Step
    key: str
    finish: Finish = Finish.STEP
    parent: Node | None = None
    confidence: TokenConfidence | None = None
    depth: int = field(init=False)
    length: int = field(init=False)

    def __post_init__(self) -> None:
        above = self.parent
        object.__setattr__(self, "depth", above.depth + 1 if above else 0)
        object.__setattr__(self, "length", (above.length if above else 0) + len(self.step.tokens))

    @property
    def open(self) -> bool:
        """Return whether the solution can continue from here."""
        return self.finish is Finish.STEP

    @property
    def finished(self) -> bool:
        """Return whether the model itself ended the solution here."""
        return self.finish is Finish.STOP

    @property
    def path(self) -> list[Node]:
        """Return the nodes from below the root down to this one; empty for the root."""
        nodes: list[Node] = []
        node = self
        while node.parent is not None:
            nodes.append(node)
            node = node.parent
        nodes.reverse()
        return nodes

    @property
    def root(self) -> Node:
        node = self
        while node.parent is not None:
            node = node.parent
        return node

    @property
    def steps(self) -> list[Step]:
        """Return the steps of the solution so far, without the prompt."""
        return [node.step for node in self.path]

    @property
    def text(self) -> str:
        """Return the solution so far, without the prompt."""
        return "".join(step.text for step in self.steps)

    @property
    def conclusion(self) -> tuple[str, str]:
        """Return what was read last, the prompt or results of tools, and the text that was sampled after it."""
        steps = [self.root.step, *self.steps]
        last = max(k for k, step in enumerate(steps) if step.read or not k)
        return steps[last].text, "".join(step.text for step in steps[last + 1 :])

    @property
    def sampled(self) -> int:
        """Count the tokens of the solution that were sampled."""
        return sum(len(step.tokens) for step in self.steps if not step.read)

    @property
    def tokens(self) -> list[int]:
        """Return prompt and solution as the token ids that the policy read and sampled."""
        return [token for step in (self.root.step, *self.steps) for token in step.tokens]


@dataclass(frozen=True, slots=True)
class Candidate:
    """One solution at the end of a search.

    ``scores`` has one reward per step, empty without a reward model; ``score`` is their aggregate.
    ``answer`` is what the plan's extraction finds in a finished solution, else None, and ``found`` how it was found:
    ``"boxed"``, ``"stated"`` or ``"last quantity"``, if the extraction reports it.
    ``tokens`` counts the sampled tokens of this solution (those it shares with others included).
    ``logprobs`` has one entry a sampled token where they were asked for and the policy gives them; else it is empty.
    """

    key: str
    steps: tuple[str, ...]
    finish: Finish
    answer: str | None = None
    scores: tuple[float, ...] = ()
    score: float | None = None
    tokens: int = 0
    found: str = ""
    logprobs: tuple[TokenLogprobs, ...] = ()

    @property
    def text(self) -> str:
        return "".join(self.steps)

    @property
    def finished(self) -> bool:
        return self.finish is Finish.STOP

    @property
    def lineage(self) -> str:
        """Return the key of its first step. Candidates that share it are not independent of each other."""
        subtree, slash, path = self.key.rpartition("/")
        return f"{subtree}{slash}{re.split('[.+]', path, maxsplit=1)[0]}"


@dataclass(frozen=True, slots=True)
class Standing:
    """The result of one answer in the vote.

    ``share`` is its share of the vote, 0 to 1, ``count`` the number of its candidates, ``score`` their mean score, None
    without a reward model.
    """

    answer: str
    share: float
    count: int
    score: float | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """The cost of a search.

    ``policy_tokens`` are sampled tokens, ``prompt_tokens`` the tokens of the prompt, read once by the policy,
    ``prm_tokens`` the tokens that the reward model read; a cached prefix counts once. FLOPs follow :mod:`tts.cost`.
    ``paper_flops`` is the figure of arXiv 2502.06703: 2 x parameters x sampled tokens, policy alone. ``seconds`` is
    wall time. ``cost`` are dollars of policy and tools, where the policy's prices are known; ``tool_cost`` is the part
    of the tools. ``prompt_tokens`` includes what the policy read of tools.
    """

    policy_tokens: int = 0
    prompt_tokens: int = 0
    prm_tokens: int = 0
    policy_flops: int = 0
    prm_flops: int = 0
    paper_flops: int = 0
    seconds: float = 0.0
    cost: float = 0.0
    tool_calls: int = 0
    tool_cost: float = 0.0

    @property
    def flops(self) -> int:
        """Return the FLOPs of policy and reward model together."""
        return self.policy_flops + self.prm_flops

    @property
    def policy_counted(self) -> bool:
        """Return whether the policy's FLOPs are known: a sampled token costs some."""
        return bool(self.policy_flops or not self.policy_tokens)

    @property
    def prm_counted(self) -> bool:
        """Return whether the reward model's FLOPs are known."""
        return bool(self.prm_flops or not self.prm_tokens)

    def __add__(self, other: Usage) -> Usage:
        return Usage(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))


@dataclass(frozen=True, slots=True)
class Plan:
    """Which search to run: a strategy with its parameters, the models, how to vote, and why this plan was chosen.

    ``n`` is the width N: at most that many continuations at each depth. ``parameters`` are those of the strategy. An
    empty ``prm`` means no reward model. ``extract`` names the rule that finds the answer in a finished solution,
    ``kind`` the kind of the answer: which answers are the same.
    """

    strategy: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    n: int = 16
    policy: str = ""
    prm: str = ""
    vote: str = "weighted"
    aggregate: str = "last"
    seed: int = 0
    reason: str = ""
    extract: str = "boxed"
    kind: str = "math"

    def __post_init__(self) -> None:
        object.__setattr__(self, "parameters", MappingProxyType(dict(self.parameters)))

    def __reduce__(self) -> tuple[Any, ...]:
        values = [getattr(self, f.name) for f in fields(self)]
        return (Plan, (values[0], dict(self.parameters), *values[2:]))


@dataclass(frozen=True, slots=True)
class Scoped:
    """How likely it is that a policy knows a problem (:mod:`tts.selection.scope`), and that its answer is right.

    Attributes:
        before: probability that the problem is in scope, by its text alone; None where no scope was fitted.
        inside: the same with all that is known.
        right: probability that the answer is right; None before there are samples, and where only the text is judged.
        outside: whether the problem is marked as out of scope.
        basis: what was known: ``"text"``, or also the samples, their scores and their likelihood, or a profile's rate;
            ``"profile"``: that rate alone.
        reasons: what is unlike the problems that the policy knows, in words; empty in scope.
    """

    before: float | None
    inside: float | None
    right: float | None
    outside: bool
    basis: str
    reasons: tuple[str, ...] = ()

    @property
    def doubtful(self) -> bool:
        """Return whether the answer is marked as probably wrong: out of scope, or more likely wrong than right."""
        return self.outside or (self.right is not None and self.right < 0.5)

    def confidence(self, share: float) -> float:
        """Return the probability that the answer is right; if unknown its share of the vote, as far as in scope."""
        if self.right is not None:
            return self.right
        return share if self.inside is None else share * self.inside


@dataclass(frozen=True, slots=True)
class Solution:
    """The answer to one problem, and everything behind it.

    ``answer`` is None if no finished candidate has an answer. ``confidence`` is the probability that it is right
    if the policy's scope or a profile tells it (``scope.right``), else the winning answer's share of the vote, 0 to 1;
    ``votes`` has the most common answers with their shares, the winner first. ``stopped`` is why the search ended:
    ``"complete"`` or the ceiling that was reached. ``error`` is set if the problem failed (in batches only);
    ``warnings`` are sentences for the user. ``scope`` is None where neither tells anything.
    """

    problem: Problem
    answer: str | None
    confidence: float
    candidates: tuple[Candidate, ...]
    plan: Plan
    usage: Usage
    stopped: str
    trace: Trace
    best: Candidate | None = None
    votes: tuple[Standing, ...] = ()
    warnings: tuple[str, ...] = ()
    error: str | None = None
    scope: Scoped | None = None
