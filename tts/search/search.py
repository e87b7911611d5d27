"""Search: the interface of strategies. It samples, scores and splits, and meters and records all of it.

A :class:`tts.search.sampler.Sampler` asks the policy, a :class:`tts.search.scorer.Scorer` the reward model; both pay
from the account.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from tts.aio import aside, together
from tts.answers.equivalence import LATE, within
from tts.answers.extract import conclusion, extract
from tts.answers.finding import Found, How, strongest
from tts.answers.kinds.kind import Extraction, Kind
from tts.answers.kinds.mathematics import Mathematics
from tts.budget import Hold, Ledger
from tts.errors import OutOfTime, PromptTooLong, StrategyError
from tts.protocols import Policy, Request, Returned, RewardModel
from tts.search.account import Account, Reading
from tts.search.calls import as_events, make
from tts.search.improvement import improvement
from tts.search.sampler import Sampled, Sampler
from tts.search.scorer import Scorer
from tts.tools.next_turn import enforced
from tts.tools.toolbox import Place, Tools
from tts.trace import Trace
from tts.types import Call, Finish, Node, Plan, Problem, Step, TokenLogprobs, Until, Usage


@dataclass(slots=True)
class _Shared:
    """State shared by a search and all its forks: sentences for the user, and what the strategy decided last."""

    notes: dict[str, None] = field(default_factory=dict)
    plan: Plan | None = None
    right: float | None = None


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
    width: int
    kind: Kind  # of its answers
    _sampler: Sampler
    _scorer: Scorer
    _shared: _Shared
    _tools: Tools | None = None

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
        longest: int | None = None,
        alternatives: int = 0,
    ) -> Search:
        """Start a search of that width: charge the policy's prompt, reserve the reward model's.

        ``extract`` finds the answer in a finished solution, ``judge`` compares solutions; ``kind``, by default
        mathematics with that rule, compares answers; ``tools`` are those that the policy may call; ``longest`` is the
        limit of the tokens of one solution; ``alternatives`` is the number of likeliest tokens whose log-probabilities
        are kept with each sampled one. Raises PromptTooLong.
        """
        root = Node(policy.prompt(problem), "/")
        reader = reward or judge
        reading = Reading(reader.shape, reader.prompts) if reader else None
        account = Account(ledger, policy.shape, reading, policy.prices)
        account.begin(root.length, sum(reward.lengths(problem, root)) if reward else 0)
        shared = _Shared()
        sampled = Sampled(trace, shared.notes, reward.logprobs if reward else 0, alternatives)
        return cls(
            problem=problem,
            root=root,
            account=account,
            trace=trace,
            width=width,
            kind=kind or Mathematics(problem, extract),
            _sampler=Sampler(policy, problem, seed, sampled, longest=longest),
            _scorer=Scorer(problem, reward, judge, trace, shared.notes),
            _shared=shared,
            _tools=tools,
        )

    @property
    def ledger(self) -> Ledger:
        """Return the ceilings of this search, and what is left."""
        return self.account.ledger

    @property
    def scored(self) -> bool:
        """Return whether there is a reward model."""
        return self._scorer.reward is not None

    @property
    def whole(self) -> bool:
        """Return whether only whole solutions can be searched.

        The policy cannot continue from a step, or the reward model scores no steps, or the answer is JSON or a call,
        to which a policy is held in whole solutions alone.
        """
        return not self._sampler.policy.steps or self._scorer.scores.outcome or bool(enforced(self.problem))

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
        return self._sampler.sampled.finished

    @property
    def notes(self) -> list[str]:
        """Return sentences for the user: what could not be done, and why."""
        return list(self._shared.notes)

    @property
    def plan(self) -> Plan | None:
        """Return what the strategy decided last; None for strategies without decisions."""
        return self._shared.plan

    @property
    def right(self) -> float | None:
        """Return the probability that the answer is right, as it was expected last; None if it is unknown."""
        return self._shared.right

    def decided(self, plan: Plan, right: float | None = None, **considered: Any) -> None:
        """Record what is done next and why. The vote of the last plan counts.

        ``right`` is the probability that the answer then is right; ``considered`` are JSON types for the trace.
        """
        self._shared.plan, self._shared.right = plan, right
        fields = {"strategy": plan.strategy, "n": plan.n, "parameters": dict(plan.parameters), "vote": plan.vote}
        self.trace.add("plan", **fields, aggregate=plan.aggregate, reason=plan.reason, **considered)

    def expect(self, right: float | None) -> None:
        """Record what is known since the last decision of the probability that the answer is right; None: nothing."""
        self._shared.right = right

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
        """Draw a number from [0, 1): a hash of the seed, the problem, this fork and ``what`` the number is for.

        Asked for the same again, as by a second run of a strategy, it draws another number.
        """
        return self._sampler.uniform(what)

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
        return self._rooted(policy, self.problem, policy.prompt(self.problem))

    async def refine(self, node: Node) -> Search | None:
        """Return a fork whose prompt shows a solution and asks the policy to improve it.

        It has its own root, the same ledger, trace and reward model, which scores what it finds as solutions of the
        problem. The prompt is charged now. None where the prompt does not fit the policy's context.
        """
        asked, policy = improvement(self.problem, node.text), self._sampler.policy
        try:
            await policy.prepare(asked)
            prompt = policy.prompt(asked)
        except PromptTooLong:
            self.trace.add("cut", what="prompt", key=node.key, asked=asked.id)
            return None
        return self._rooted(policy, replace(asked, id=self.problem.id), prompt, refines=node.key, asked=asked.id)

    async def expand(
        self,
        nodes: Sequence[Node],
        n: int | Sequence[int] = 1,
        *,
        until: Until = Until.STEP,
        steps: int = 1,
        max_tokens: int = 2048,
        temperature: float = 0.8,
        top_p: float = 1.0,
        ahead: bool = False,
    ) -> list[list[Node]]:
        """Sample ``n`` continuations of each node.

        Args:
            nodes: open nodes of this search.
            n: continuations of each node, one number for all or one a node; together they may not exceed ``width``.
            until: ``steps`` steps, or to the end of the solution.
            steps: of a continuation, sampled in one request where the engine can.
            max_tokens: most tokens of one continuation; the room left in the context is a limit too.
            temperature: 0 is greedy.
            top_p: nucleus mass.
            ahead: every new leaf will be scored, so a concurrent reward model may read each as it
                comes, without waiting for the last one. What a search costs and finds is the same.

        Returns:
            For each node its new leaves, in order; fewer than ``n`` where the budget or the context ran out. A leaf
            comes with the chain of its steps above it, and may lack some of ``steps`` where the budget ran out.
        """
        counts = [n] * len(nodes) if isinstance(n, int) else list(n)
        if sum(counts) > self.width:
            raise StrategyError(f"{sum(counts)} continuations at once are more than the width of {self.width}.")
        requests = self._sampler.requests(nodes, counts, until, steps, max_tokens, temperature, top_p)
        children: dict[Node, list[Node]] = {node: [] for node in nodes}
        for request, leaf in await self._sampled(requests, ahead):
            children[request.node].append(leaf)
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
        return await self._scorer.score(self.account, nodes, by)

    async def compare(self, pairs: Sequence[tuple[Node, Node]]) -> list[tuple[float, float] | None]:
        """Return the scores that the judge gives two finished solutions seen together, in the order of their slots.

        None for a pair that the budget does not cover, or that the judge cannot read or grade.
        """
        return await self._scorer.compare(self.account, pairs)

    def calls(self, node: Node) -> tuple[Call, ...]:
        """Return the calls of tools that the policy asks for at the end of a node; empty for none."""
        return self._sampler.sampled.calls.get(node, ())

    async def call(self, node: Node, calls: Sequence[Call], note: str = "") -> Node | None:
        """Call tools side by side; return the node at which the policy has read their results.

        The results are one step, marked as read. A call that cannot be done gives a message in its place: an unknown
        tool, wrong arguments, more than the budget covers, a tool that fails. ``note`` follows the last result. None
        where time or the cost of reading ran out.
        """
        if self._tools is None:
            raise StrategyError("this search has no tools: name some, or choose a strategy that needs none.")
        key = self._sampler.next_key(node)
        places = [Place(self.problem, key, index) for index in range(len(calls))]
        worst = [self._tools.worst(place, each) for place, each in zip(places, calls, strict=True)]
        try:
            results = await make(self.account, self._tools, places, calls)
        except OutOfTime:
            self.account.late()
            self.trace.add("cut", what="call", key=key, worst=worst)
            return None
        returned = [Returned(each, result.text) for each, result in zip(calls, results, strict=True)]
        if note:
            returned[-1] = replace(returned[-1], text=f"{returned[-1].text}\n{note}")
        step = self._sampler.policy.read_results(self.problem, key, node, returned)
        self.trace.add(
            "call",
            key=key,
            parent=node.key,
            calls=as_events(calls, results, worst),
            step={"text": step.text, "tokens": list(step.tokens)},
        )
        paid = self.account.read_results(node, len(step.tokens))
        return Node(step, key, Finish.STEP, node) if paid else None

    def logprobs(self, node: Node) -> tuple[TokenLogprobs, ...]:
        """Return the log-probabilities of all tokens of a solution; empty where those of a step are unknown."""
        return self._sampler.sampled.logprobs(node)

    async def surprisal(self, node: Node) -> tuple[float, ...] | None:
        """Return -log p of each of a node's tokens after the first; None where time or the engine does not allow it.

        Nodes of another policy than the search's first have none. Recorded with three digits.
        """
        if node.root is not self.root or node.length < 2:
            return None
        try:
            values = await self.account.in_time(self._sampler.policy.surprisal(self.problem, node))
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
        return self._scorer.scores.of(node)

    def _fork(self, account: Account, width: int) -> Search:
        return replace(self, account=account, width=width, _sampler=self._sampler.fork())

    def _rooted(self, policy: Policy, problem: Problem, prompt: Step, **about: Any) -> Search:
        """Return a fork that continues another prompt, which is charged now; the trace gets what it is ``about``."""
        fork = self._fork(self.account.on(policy.shape, len(prompt.tokens), policy.prices), self.width)
        key = f"{fork._sampler.label}/"
        self.trace.add(
            "root",
            key=key,
            **about,
            policy={"name": policy.name, "context": policy.context, "shape": asdict(policy.shape)},
            prompt={"text": prompt.text, "tokens": list(prompt.tokens)},
        )
        sampler = replace(fork._sampler, policy=policy, problem=problem)
        return replace(fork, root=Node(prompt, key), _sampler=sampler)

    async def _sampled(self, requests: list[Request], ahead: bool) -> list[tuple[Request, Node]]:
        """Sample the requests that the budget covers; ask again for steps that an engine left out."""
        found: list[tuple[Request, Node]] = []
        while requests and (batch := self.account.afford(requests)):
            leaves = await together(self._sample(request, hold, ahead) for request, hold in batch)
            found += [(asked, leaf) for (asked, _), leaf in zip(batch, leaves, strict=True) if leaf is not None]
            requests = requests[len(batch) :]
        if requests and self.ledger.seconds_left <= 0:
            self._sampler.sampled.cut(requests)
        if further := [more for asked, leaf in found if (more := self._sampler.further(asked, leaf))]:
            grown = {asked.node: leaf for asked, leaf in await self._sampled(further, ahead)}
            found = [(asked, grown.get(leaf, leaf)) for asked, leaf in found]
        return found

    async def _sample(self, request: Request, hold: Hold, ahead: bool) -> Node | None:
        leaf = await self._sampler.sample(self.account, request, hold)
        if ahead and leaf is not None and not self._sampler.missing(request, leaf):
            await self._scorer.read_ahead(self.account, leaf)
        return leaf
