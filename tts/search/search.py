"""Search: the interface of strategies. It samples, scores and splits, and meters and records all of it."""

from __future__ import annotations

import asyncio
import hashlib
import math
from collections import Counter
from collections.abc import Coroutine, Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from typing import Any, TypeVar
from weakref import WeakKeyDictionary, WeakValueDictionary

from tts.aio import aside, together
from tts.answers.aggregate import aggregate
from tts.answers.equivalence import LATE, within
from tts.answers.extract import conclusion, extract
from tts.answers.finding import Found, How, strongest
from tts.answers.kinds.kind import Extraction, Kind
from tts.answers.kinds.mathematics import Mathematics
from tts.budget import Hold, Ledger
from tts.errors import OutOfTime, PromptTooLong, StrategyError, Unscored
from tts.protocols import Completion, Policy, Request, Returned, RewardModel
from tts.search.account import Account, Reading
from tts.search.calls import as_events, make
from tts.search.confidence import by_step, confidence
from tts.search.improvement import improvement
from tts.search.step_scores import Scores
from tts.tools.toolbox import Place, Tools
from tts.trace import Trace, step_key
from tts.types import Call, Finish, Node, Plan, Problem, Step, TokenLogprobs, Until, Usage

T = TypeVar("T")


@dataclass(slots=True)
class _Shared:
    """State shared by a search and all its forks."""

    finished: list[Node] = field(default_factory=list)
    recorded: set[str] = field(default_factory=set)
    notes: dict[str, None] = field(default_factory=dict)
    plan: Plan | None = None
    scores: Scores = field(default_factory=Scores)
    siblings: WeakKeyDictionary[Step, WeakValueDictionary[tuple[int, ...], Step]] = field(
        default_factory=WeakKeyDictionary
    )
    calls: WeakKeyDictionary[Node, tuple[Call, ...]] = field(default_factory=WeakKeyDictionary)
    logprobs: WeakKeyDictionary[Node, tuple[TokenLogprobs, ...]] = field(default_factory=WeakKeyDictionary)


@dataclass(slots=True, eq=False, kw_only=True)
class Search:
    """The search of one problem, or one fork of it.

    A strategy awaits ``expand`` and ``score`` and splits with ``fork``. Nothing raises when the budget runs out:
    ``expand`` and ``score`` then return only what is still paid for, so a loop over nodes ends by itself, and
    ``stopped`` names the ceiling. :mod:`tts.search.account` defines the costs.
    """

    problem: Problem
    root: Node
    account: Account
    trace: Trace
    seed: int
    _policy: Policy
    _reward: RewardModel | None
    width: int
    kind: Kind  # of its answers
    longest: int | None = None  # tokens of a solution
    alternatives: int = 0  # likeliest tokens whose log-probabilities are kept with each sampled one; 0 keeps none
    _judge: RewardModel | None = None  # compares solutions
    _asked: Problem | None = None  # what the policy reads, where that is another conversation than the problem's
    _tools: Tools | None = None
    _label: str = ""
    _shared: _Shared = field(default_factory=_Shared)
    _children: Counter[str] = field(default_factory=Counter)  # number of children by path; of forks under "forks"

    @classmethod
    def start(
        cls,
        problem: Problem,
        policy: Policy,
        reward: RewardModel | None,
        ledger: Ledger,
        trace: Trace,
        width: int = 16,
        seed: int = 0,
        extract: Extraction = extract,
        judge: RewardModel | None = None,
        kind: Kind | None = None,
        tools: Tools | None = None,
    ) -> Search:
        """Start a search of that width: charge the policy's prompt, reserve the reward model's.

        ``extract`` finds the answer in a finished solution, ``judge`` compares solutions; ``kind``, by default
        mathematics with that rule, compares answers; ``tools`` are those that the policy may call. Raises
        PromptTooLong.
        """
        root = Node(policy.prompt(problem), "/")
        reader = reward or judge
        reading = Reading(reader.shape, reader.prompts) if reader else None
        account = Account(ledger, policy.shape, reading, policy.prices)
        account.begin(root.length, sum(reward.lengths(problem, root)) if reward else 0)
        search = cls(
            problem=problem, root=root, account=account, trace=trace, seed=seed, _policy=policy, _reward=reward,
            width=width, kind=kind or Mathematics(problem, extract), _judge=judge, _tools=tools,
        )  # fmt: skip
        search._shared.scores.outcome = reward is not None and reward.outcome
        return search

    @property
    def ledger(self) -> Ledger:
        """Return the ceilings of this search, and what is left."""
        return self.account.ledger

    @property
    def scored(self) -> bool:
        """Return whether there is a reward model."""
        return self._reward is not None

    @property
    def whole(self) -> bool:
        """Return whether only whole solutions can be searched.

        The policy cannot continue from a step, or the reward model scores no steps.
        """
        return not self._policy.steps or self._shared.scores.outcome

    @property
    def stopped(self) -> str:
        """``"complete"``, or the ceiling that cut the search short."""
        return self.account.stopped

    @property
    def usage(self) -> Usage:
        """Return what this search and its forks have spent; the seconds are zero."""
        return self.account.usage

    @property
    def finished(self) -> list[Node]:
        """Return every finished node so far, in order of sampling, those of the forks included."""
        return self._shared.finished

    @property
    def notes(self) -> list[str]:
        """Return sentences for the user: what could not be done, and why."""
        return list(self._shared.notes)

    @property
    def plan(self) -> Plan | None:
        """Return what the strategy decided last; None for strategies without decisions."""
        return self._shared.plan

    def decided(self, plan: Plan, **considered: Any) -> None:
        """Record what is done next and why. The vote of the last plan counts.

        ``considered`` are JSON types for the trace.
        """
        self._shared.plan = plan
        fields = {"strategy": plan.strategy, "n": plan.n, "parameters": dict(plan.parameters), "vote": plan.vote}
        self.trace.add("plan", **fields, aggregate=plan.aggregate, reason=plan.reason, **considered)

    def note(self, sentence: str) -> None:
        """Add a sentence for the user of the solution."""
        self._shared.notes[sentence] = None

    def answer(self, node: Node) -> str | None:
        """Return the answer of a finished solution; None without an answer, or if it is not finished."""
        return self.found(node)[0]

    def found(self, node: Node) -> tuple[str | None, How | None]:
        """Return the answer of a finished solution and how it was found, if the extraction reports it.

        What a tool returned is no answer: only what was sampled after it counts.
        """
        before, said = node.conclusion
        found = self.kind.find(conclusion(said, before)) if node.finished else None
        return (found.answer, found.how) if isinstance(found, Found) else (found, None)

    async def classes(self, nodes: Sequence[Node]) -> list[int]:
        """Return the class of each node's answer: equal answers share a number, -1 is no answer. Does not block."""
        found = [self.found(node) for node in nodes]
        best = strongest(how for _, how in found)
        answers = [answer if how is best else None for answer, how in found]
        if self.kind.quick(answers):
            return self.kind.classes(answers)
        compared: tuple[list[int], bool] = await aside(within, self.ledger.seconds_left, self.kind.classes, answers)
        numbers, late = compared
        if late:
            self.note(LATE)
        return numbers

    def uniform(self, what: str) -> float:
        """Draw a number from [0, 1): a hash of the seed, the problem, this fork and ``what`` the number is for."""
        return self._draw(f"{self._label}|{what}") / 2**64

    def fork(self, parts: int) -> list[Search]:
        """Split into ``parts`` searches from the same root, with equal shares of the width and of the budget."""
        if not 1 <= parts <= self.width:
            raise StrategyError(f"a width of {self.width} cannot be split into {parts} parts.")
        return [self._fork(account, self.width // parts) for account in self.account.fork(parts)]

    def within(self, width: int) -> Search:
        """Return this search with a smaller width, for a strategy that uses only a part of it."""
        if not 1 <= width <= self.width:
            raise StrategyError(f"a width of {width} is not within {self.width}.")
        return replace(self, width=width)

    async def on(self, policy: Policy) -> Search:
        """Return a fork that samples from another policy: its own root, the same ledger, trace and reward model.

        The other policy's prompt is charged now. Raises PromptTooLong where the problem does not fit its context.
        """
        await policy.prepare(self.problem)
        prompt = policy.prompt(self.problem)
        fork = self._fork(self.account.on(policy.shape, len(prompt.tokens), policy.prices), self.width)
        self.trace.add(
            "root",
            key=f"{fork._label}/",
            policy={"name": policy.name, "context": policy.context, "shape": asdict(policy.shape)},
            prompt={"text": prompt.text, "tokens": list(prompt.tokens)},
        )
        return replace(fork, root=Node(prompt, f"{fork._label}/"), _policy=policy)

    async def refine(self, node: Node) -> Search | None:
        """Return a fork whose prompt shows a solution and asks the policy to improve it.

        It has its own root, the same ledger, trace and reward model, which scores what it finds as solutions of the
        problem. The prompt is charged now. None where the prompt does not fit the policy's context.
        """
        asked = improvement(self.problem, node.text)
        try:
            await self._policy.prepare(asked)
            prompt = self._policy.prompt(asked)
        except PromptTooLong:
            self.trace.add("cut", what="prompt", key=node.key, asked=asked.id)
            return None
        account = self.account.on(self._policy.shape, len(prompt.tokens), self._policy.prices)
        fork = self._fork(account, self.width)
        self.trace.add(
            "root",
            key=f"{fork._label}/",
            refines=node.key,
            asked=asked.id,
            policy={"name": self._policy.name, "context": self._policy.context, "shape": asdict(self._policy.shape)},
            prompt={"text": prompt.text, "tokens": list(prompt.tokens)},
        )
        asked = replace(asked, id=self.problem.id)
        return replace(fork, root=Node(prompt, f"{fork._label}/"), _asked=asked)

    async def expand(
        self,
        nodes: Sequence[Node],
        n: int | Sequence[int] = 1,
        *,
        until: Until = Until.STEP,
        max_tokens: int = 2048,
        temperature: float = 0.8,
        top_p: float = 1.0,
        ahead: bool = False,
    ) -> list[list[Node]]:
        """Sample ``n`` continuations of each node.

        Args:
            nodes: open nodes of this search.
            n: continuations of each node, one number for all or one a node; together they may not exceed ``width``.
            until: one step, or to the end of the solution.
            max_tokens: most tokens of one continuation; the room left in the context is a limit too.
            temperature: 0 is greedy.
            top_p: nucleus mass.
            ahead: every new leaf will be scored, so a concurrent reward model may read each as it
                comes, without waiting for the last one. What a search costs and finds is the same.

        Returns:
            For each node its new leaves, in order; fewer than ``n`` where the budget or the context ran out. With
            ``Until.END`` a leaf comes with the chain of its steps above it.
        """
        counts = [n] * len(nodes) if isinstance(n, int) else list(n)
        if sum(counts) > self.width:
            raise StrategyError(f"{sum(counts)} continuations at once are more than the width of {self.width}.")
        requests = [
            self._request(node, until, min(max_tokens, room), temperature, top_p)
            for node, count in zip(nodes, counts, strict=True)
            if (room := self._room(node)) > 0
            for _ in range(count)
        ]
        children: dict[Node, list[Node]] = {node: [] for node in nodes}
        while requests and (batch := self.account.afford(requests)):
            leaves = await together(self._sample(request, hold, ahead) for request, hold in batch)
            for (request, _), leaf in zip(batch, leaves, strict=True):
                if leaf is not None:
                    children[request.node].append(leaf)
            requests = requests[len(batch) :]
        return [children[node] for node in nodes]

    async def score(self, nodes: Iterable[Node], by: str = "last") -> dict[Node, float]:
        """Score nodes with the reward model.

        Steps scored before, and steps that equal a sibling token for token, are not paid for again.

        Args:
            nodes: at least one step deep each.
            by: how step scores become one, see :func:`tts.answers.aggregate.aggregate`.

        Returns:
            The score of each node, in the order given; nodes that the budget no longer covers, or that are too long for
            the reward model, are absent.
        """
        reward = self._reward
        if reward is None:
            raise StrategyError("this search has no reward model: name one, or choose a strategy that needs none.")
        nodes = list(dict.fromkeys(nodes))
        self.account.release(nodes)
        nodes = self._shared.scores.judgeable(nodes, reward.name)
        await reward.measure(self.problem, nodes)
        lengths = {node: reward.lengths(self.problem, node) for node in nodes}
        jobs: dict[Step, Coroutine[Any, Any, None]] = {}
        for node in nodes:
            judged = node.step in self._shared.scores
            if judged and self.account.paid(node):
                continue  # equal to a sibling token for token
            if self.account.read(node, lengths[node]) and not judged and node.step not in jobs:
                jobs[node.step] = self._request_score(reward, node)
        await together(jobs.values())
        for sentence in reward.notes:
            self.note(sentence)
        for node in nodes:
            self._record_scores(node, lengths[node])
        known = [node for node in nodes if node.step in self._shared.scores]
        return {node: aggregate(self.step_scores(node), by) for node in known}

    async def compare(self, pairs: Sequence[tuple[Node, Node]]) -> list[tuple[float, float] | None]:
        """Return the scores that the judge gives two finished solutions seen together, in the order of their slots.

        None for a pair that the budget does not cover, or that the judge cannot read or grade.
        """
        judge = self._judge
        if judge is None:
            raise StrategyError("this search has no judge of pairs: name one with prm.")
        self.account.release(node for pair in pairs for node in pair)
        tokens = await together(judge.to_compare(self.problem, *pair) for pair in pairs)
        paid = [self.account.compared(count) for count in tokens]
        found = await together(
            self._request_comparison(judge, *pair, count, covered)
            for pair, count, covered in zip(pairs, tokens, paid, strict=True)
        )
        for sentence in judge.notes:
            self.note(sentence)
        return found

    def calls(self, node: Node) -> tuple[Call, ...]:
        """Return the calls of tools that the policy asks for at the end of a node; empty for none."""
        return self._shared.calls.get(node, ())

    async def call(self, node: Node, calls: Sequence[Call], note: str = "") -> Node | None:
        """Call tools side by side; return the node at which the policy has read their results.

        The results are one step, marked as read. A call that cannot be done gives a message in its place: an unknown
        tool, wrong arguments, more than the budget covers, a tool that fails. ``note`` follows the last result. None
        where time or the cost of reading ran out.
        """
        if self._tools is None:
            raise StrategyError("this search has no tools: name some, or choose a strategy that needs none.")
        key = self._next_key(node)
        places = [Place(self.problem, key, index) for index in range(len(calls))]
        worst = [self._tools.worst(place, each) for place, each in zip(places, calls, strict=True)]
        try:
            results = await make(self.account, self._tools, places, calls, self._in_time)
        except OutOfTime:
            self._cut("call", key, worst=worst)
            return None
        returned = [Returned(each, result.text) for each, result in zip(calls, results, strict=True)]
        if note:
            returned[-1] = replace(returned[-1], text=f"{returned[-1].text}\n{note}")
        step = self._policy.read_results(self.problem, key, node, returned)
        self.trace.add(
            "call",
            key=key,
            parent=node.key,
            calls=as_events(calls, results, worst),
            step={"text": step.text, "tokens": list(step.tokens)},
        )
        paid = self.account.read_results(node, len(step.tokens))
        return Node(step, key, Finish.STEP, node) if paid else None

    async def surprisal(self, node: Node) -> tuple[float, ...] | None:
        """Return -log p of each of a node's tokens after the first; None where time or the engine does not allow it.

        Nodes of another policy than the search's first have none. Recorded with three digits.
        """
        if node.root is not self.root or node.length < 2:
            return None
        try:
            values = await self._in_time(self._policy.surprisal(self.problem, node))
        except OutOfTime:
            return None
        if values is None:
            return None
        values = tuple(round(value, 3) for value in values)
        self.trace.add("surprisal", key=node.key, values=list(values))
        return values

    def step_scores(self, node: Node) -> tuple[float, ...]:
        """Return the score of every step of ``node``; empty if some are unknown.

        With an outcome reward model it is one score, that of the solution.
        """
        return self._shared.scores.of(node)

    def _fork(self, account: Account, width: int) -> Search:
        index = self._children["forks"]
        self._children["forks"] += 1
        label = f"{self._label}.{index}" if self._label else str(index)
        return replace(self, account=account, width=width, _label=label, _children=Counter())

    def logprobs(self, node: Node) -> tuple[TokenLogprobs, ...]:
        """Return the log-probabilities of all tokens of a solution; empty where those of a step are unknown."""
        found, above = list[tuple[TokenLogprobs, ...]](), node
        while above.parent is not None:
            found.append(self._shared.logprobs.get(above, ()))
            above = above.parent
        return tuple(each for step in reversed(found) for each in step) if all(found) else ()

    # -- sampling ------------------------------------------------------------------------------------------------

    @property
    def _rated(self) -> int:
        """Return the alternatives from which the reward model reads confidence."""
        return self._reward.logprobs if self._reward else 0

    def _request(self, node: Node, until: Until, max_tokens: int, temperature: float, top_p: float) -> Request:
        if not node.open:
            raise StrategyError(f"node {node.key!r} ended with {node.finish}: only an open node can be continued.")
        key = self._next_key(node)
        logprobs = min(max(self._rated, self.alternatives), self._policy.logprobs)
        asked, seed = self._asked or self.problem, self._draw(key)
        return Request(asked, node, key, seed, until, max_tokens, temperature, top_p, logprobs)

    def _next_key(self, node: Node) -> str:
        """Return the key of the next child of a node."""
        path = node.key.partition("/")[2]
        index = self._children[path]
        self._children[path] += 1
        return f"{self._label}/{path}.{index}" if path else f"{self._label}/{index}"

    def _room(self, node: Node) -> int:
        """Return the tokens by which the solution at a node may still grow."""
        longest = self._policy.context
        if self.longest is not None:
            longest = min(longest, self.root.length + self.longest)
        return longest - node.length

    def _draw(self, what: str) -> int:
        """Return 64 bits derived from the seed, the problem and their purpose ``what``."""
        digest = hashlib.blake2b(f"{self.seed}|{self.problem.id}|{what}".encode(), digest_size=8).digest()
        return int.from_bytes(digest, "big")

    async def _sample(self, request: Request, hold: Hold, ahead: bool) -> Node | None:
        try:
            completion = await self._in_time(self._policy.generate(request))
        except OutOfTime:
            hold.settle()
            self._cut("sample", request.key)
            return None
        except BaseException:
            hold.settle()
            raise
        leaf = self._grow(request, completion)
        self.account.sampled(request, hold, leaf)
        if ahead and self._reward is not None and self._reward.concurrent and math.isinf(self.ledger.flops):
            await self._read_ahead(leaf)
        return leaf

    def _grow(self, request: Request, completion: Completion) -> Node:
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
        for sentence in completion.warnings:
            self.note(sentence)
        node, logprobs = request.node, by_step(completion)
        for k, step in enumerate(completion.steps):
            last = k == len(completion.steps) - 1
            twins = self._shared.siblings.setdefault(node.step, WeakValueDictionary())
            twin = twins.setdefault(step.tokens, step)
            sure = confidence(logprobs[k], self._rated) if self._rated and logprobs[k] else None
            node = Node(twin, step_key(request.key, k), completion.finish if last else Finish.STEP, node, sure)
            if self.alternatives and logprobs[k]:
                self._shared.logprobs[node] = logprobs[k]
        if completion.calls:
            self._shared.calls[node] = completion.calls
        if node.finished:
            self._shared.finished.append(node)
        return node

    # -- scoring -------------------------------------------------------------------------------------------------

    async def _read_ahead(self, node: Node) -> None:
        """Prefetch a leaf's scores before the strategy asks; ``score`` charges them and reports errors.

        Not done with a ceiling of FLOPs: which leaves can be paid for depends on all of them.
        """
        reward = self._reward
        if reward is None or node.step in self._shared.scores:
            return
        if self._shared.scores.outcome and not node.finished:
            return
        with suppress(OutOfTime, PromptTooLong, Unscored):
            await self._in_time(self._shared.scores.ask(reward, self.problem, node))

    async def _request_score(self, reward: RewardModel, node: Node) -> None:
        try:
            await self._in_time(self._shared.scores.ask(reward, self.problem, node))
        except OutOfTime:
            self._cut("score", node.key)
            return
        except (PromptTooLong, Unscored) as error:
            self.note(f"a solution was left unscored: {error}")
            self.trace.add("cut", what="length", key=node.key)

    async def _request_comparison(
        self, judge: RewardModel, first: Node, second: Node, tokens: int, paid: bool
    ) -> tuple[float, float] | None:
        """Compare two solutions if that is paid for, and record it."""
        found = None
        if paid:
            try:
                found = await self._in_time(judge.compare(self.problem, first, second))
            except OutOfTime:
                self.account.late()
                self.trace.add("cut", what="compare", key=first.key, other=second.key, tokens=tokens)
                return None
            except (PromptTooLong, Unscored) as error:
                self.note(f"two solutions were not compared: {error}")
        scores = None if found is None else list(found)
        self.trace.add("compare", key=first.key, other=second.key, scores=scores, tokens=tokens)
        return found

    def _record_scores(self, node: Node, lengths: Sequence[int]) -> None:
        judged = self._shared.scores.judged(node)
        for above, tokens in zip(judged, lengths[-len(judged) :], strict=True):
            if above.key not in self._shared.recorded:
                score = self._shared.scores.get(above.step)
                self.trace.add("score", key=above.key, score=score, tokens=tokens)
                if score is not None:
                    self._shared.recorded.add(above.key)

    # -- time ----------------------------------------------------------------------------------------------------

    async def _in_time(self, work: Coroutine[Any, Any, T]) -> T:
        left = self.ledger.seconds_left
        if math.isinf(left):
            return await work
        try:
            return await asyncio.wait_for(work, max(left, 0.0))
        except TimeoutError:
            raise OutOfTime from None

    def _cut(self, what: str, key: str, **more: Any) -> None:
        self.account.late()
        self.trace.add("cut", what=what, key=key, **more)
