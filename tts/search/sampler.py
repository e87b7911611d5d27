"""Samples from the policy: the keys and seeds of requests, and the nodes that completions become."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from weakref import WeakKeyDictionary, WeakValueDictionary

from tts.budget import Hold
from tts.errors import OutOfTime, StrategyError
from tts.protocols import Completion, Policy, Request
from tts.search.account import Account
from tts.search.confidence import by_step, confidence
from tts.tools.next_turn import enforced
from tts.trace import Trace, step_key
from tts.types import Call, Finish, Node, Problem, Step, TokenLogprobs, Until


@dataclass(slots=True, eq=False)
class Sampled:
    """What a search and all its forks have sampled.

    Attributes:
        trace: gets an event for each completion.
        notes: sentences for the user, in order, shared with the search.
        finished: the finished nodes, in order of sampling.
        calls: the calls of tools that the policy asked for at the end of a node.
        rated: likeliest tokens from which the reward model reads confidence; 0 for none.
        alternatives: likeliest tokens whose log-probabilities are kept with each sampled one; 0 keeps none.
    """

    trace: Trace
    notes: dict[str, None]
    rated: int = 0
    alternatives: int = 0
    finished: list[Node] = field(default_factory=list)
    calls: WeakKeyDictionary[Node, tuple[Call, ...]] = field(default_factory=WeakKeyDictionary)
    _logprobs: WeakKeyDictionary[Node, tuple[TokenLogprobs, ...]] = field(default_factory=WeakKeyDictionary)
    _siblings: WeakKeyDictionary[Step, WeakValueDictionary[tuple[int, ...], Step]] = field(
        default_factory=WeakKeyDictionary
    )

    def grow(self, request: Request, completion: Completion) -> Node:
        """Record a completion; return its leaf, with the chain of its steps above it."""
        self.trace.add(
            "sample",
            key=request.key,
            parent=request.node.key,
            until=str(request.until),
            finish=str(completion.finish),
            steps=[{"text": step.text, "tokens": list(step.tokens)} for step in completion.steps],
            **({"warnings": list(completion.warnings)} if completion.warnings else {}),
            **({"calls": [asdict(call) for call in completion.calls]} if completion.calls else {}),
        )
        self.notes.update(dict.fromkeys(completion.warnings))
        node, logprobs = request.node, by_step(completion)
        for k, step in enumerate(completion.steps):
            last = k == len(completion.steps) - 1
            twins = self._siblings.setdefault(node.step, WeakValueDictionary())
            twin = twins.setdefault(step.tokens, step)
            sure = confidence(logprobs[k], self.rated) if self.rated and completion.logprobs else None
            node = Node(twin, step_key(request.key, k), completion.finish if last else Finish.STEP, node, sure)
            if self.alternatives and logprobs[k]:
                self._logprobs[node] = logprobs[k]
        if completion.calls:
            self.calls[node] = completion.calls
        if node.finished:
            self.finished.append(node)
        return node

    def cut(self, requests: Sequence[Request]) -> None:
        """Record that time ran out before or during these requests."""
        for request in requests:
            self.trace.add("cut", what="sample", key=request.key)

    def logprobs(self, node: Node) -> tuple[TokenLogprobs, ...]:
        """Return the log-probabilities of all tokens of a solution; empty where those of a step are unknown."""
        found = [(above.step.tokens, self._logprobs.get(above, ())) for above in node.path]
        known = all(given or not tokens for tokens, given in found)  # a step that was cut at once has no tokens
        return tuple(each for _, given in found for each in given) if known else ()


@dataclass(slots=True, eq=False)
class Sampler:
    """Samples continuations for one search or fork.

    Attributes:
        policy: the model that is sampled from.
        problem: what the policy reads; it has the id of the problem that is searched.
        seed: of the whole search.
        sampled: what the search and its forks have sampled.
        label: of the fork; empty for the search itself.
        longest: most tokens of one solution; None for the room that the context has.
    """

    policy: Policy
    problem: Problem
    seed: int
    sampled: Sampled
    label: str = ""
    longest: int | None = None
    _children: Counter[str] = field(default_factory=Counter)  # number of children by path; forks, and draws, by name

    def fork(self) -> Sampler:
        """Return the sampler of the next fork."""
        index = self._children["forks"]
        self._children["forks"] += 1
        label = f"{self.label}.{index}" if self.label else str(index)
        return Sampler(self.policy, self.problem, self.seed, self.sampled, label, self.longest)

    def requests(
        self,
        nodes: Sequence[Node],
        counts: Sequence[int],
        until: Until,
        steps: int,
        max_tokens: int,
        temperature: float,
        top_p: float,
    ) -> list[Request]:
        """Return the requests of so many continuations of each node; none of one whose solution has no room left."""
        return [
            self._request(node, until, steps, min(max_tokens, room), temperature, top_p)
            for node, count in zip(nodes, counts, strict=True)
            if (room := self._room(node)) > 0
            for _ in range(count)
        ]

    def further(self, request: Request, leaf: Node) -> Request | None:
        """Return the request for the steps that an engine left out; None where it left out none."""
        missing = self.missing(request, leaf)
        left = min(request.max_tokens - (leaf.length - request.node.length), self._room(leaf))
        if not missing or left < 1:
            return None
        return self._request(leaf, request.until, missing, left, request.temperature, request.top_p)

    def missing(self, request: Request, leaf: Node) -> int:
        """Return the number of steps that an engine left out. A solution that waits for a tool lacks none."""
        if not leaf.open or leaf in self.sampled.calls:
            return 0
        return request.missing(leaf.depth - request.node.depth)

    async def sample(self, account: Account, request: Request, hold: Hold) -> Node | None:
        """Sample one continuation, charge it and return its leaf; None where time ran out."""
        try:
            completion = await account.in_time(self.policy.generate(request))
        except OutOfTime:
            hold.settle()
            account.late()
            self.sampled.cut([request])
            return None
        except BaseException:
            hold.settle()
            raise
        leaf = self.sampled.grow(request, completion)
        account.sampled(request, hold, leaf)
        return leaf

    def next_key(self, node: Node) -> str:
        """Return the key of the next child of a node."""
        path = node.key.partition("/")[2]
        index = self._children[path]
        self._children[path] += 1
        return f"{self.label}/{path}.{index}" if path else f"{self.label}/{index}"

    def draw(self, what: str) -> int:
        """Return 64 bits derived from the seed, the problem and their purpose ``what``."""
        digest = hashlib.blake2b(f"{self.seed}|{self.problem.id}|{what}".encode(), digest_size=8).digest()
        return int.from_bytes(digest, "big")

    def uniform(self, what: str) -> float:
        """Draw from [0, 1) for this fork and ``what``, and another number each time."""
        turn = self._children[f"uniform {what}"]
        self._children[f"uniform {what}"] += 1
        return self.draw(f"{self.label}|{what}" + (f"|{turn}" if turn else "")) / 2**64

    def _request(
        self, node: Node, until: Until, steps: int, max_tokens: int, temperature: float, top_p: float
    ) -> Request:
        if not node.open:
            raise StrategyError(f"node {node.key!r} ended with {node.finish}: only an open node can be continued.")
        key = self.next_key(node)
        seed = self.draw(key)
        logprobs = min(max(self.sampled.rated, self.sampled.alternatives), self.policy.logprobs)
        held = self.policy.schemas and until is Until.END and not node.depth
        schema = enforced(self.problem) if held else ""
        return Request(self.problem, node, key, seed, until, max_tokens, temperature, top_p, logprobs, steps, schema)

    def _room(self, node: Node) -> int:
        """Return the tokens by which the solution at a node may still grow."""
        longest = self.policy.context
        if self.longest is not None:
            longest = min(longest, node.root.length + self.longest)
        return longest - node.length
