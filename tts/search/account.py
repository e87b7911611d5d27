"""Accounts: cost of sampling and scoring, reserved in the worst case before a request and charged as it was.

Costs are those of the algorithm: the policy and the reward model read each prefix once, even if an engine had to
    compute it again.
"""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import Coroutine, Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from tts.budget import COMPLETE, Amount, Hold, Ledger
from tts.cost import ModelShape, Prices
from tts.errors import OutOfTime
from tts.protocols import Request
from tts.types import Node, Usage

T = TypeVar("T")

_SLACK = 1.25  # reward-model tokens reserved per policy token until the text, and so the true count, is known
_QUESTION = 320  # tokens of a judge's instructions


@dataclass(frozen=True, slots=True)
class Reading:
    """What reading costs a reward model.

    Attributes:
        shape: its dimensions.
        prompts: prompts of one score, each read from its beginning; 0 if every prefix is read once.
    """

    shape: ModelShape
    prompts: int = 0

    def flops(self, new: int, cached: int = 0) -> int:
        """Compute the FLOPs of ``new`` tokens, which the prompts of a score share, after ``cached`` ones."""
        if not self.prompts:
            return self.shape.flops(new, cached)
        return self.prompts * self.shape.flops(-(-new // self.prompts))

    def worst(self, new: int, before: int) -> int:
        """Estimate the FLOPs of scoring ``new`` policy tokens after ``before`` ones, whose texts are not known yet."""
        if not self.prompts:
            return self.shape.flops(int(_SLACK * new) + 4, int(_SLACK * before))
        return self.prompts * self.shape.flops(int(_SLACK * (new + before)) + _QUESTION)


@dataclass(slots=True)
class _Books:
    """State shared by an account and the accounts of all forks.

    Attributes:
        spent: the fields of :class:`tts.types.Usage`.
        stopped: ``"complete"``, or the ceiling that a request exceeded.
        read: prefixes that the reward model has read, see :func:`_prefixes`.
        unread: reservation for the reward model's prompt, and its tokens; None once it was read.
    """

    spent: Counter[str] = field(default_factory=Counter)
    stopped: str = COMPLETE
    read: set[int] = field(default_factory=set)
    unread: tuple[Hold, int] | None = None

    def spend(self, **amounts: int) -> None:
        self.spent.update(amounts)


@dataclass(slots=True, eq=False)
class Account:
    """The account of one search or fork on its ledger.

    A fork pays from its own share for every step that it scores, even if another fork has the same text, so the result
    does not depend on which fork runs first; ``usage`` counts such a step once.

    Attributes:
        ledger: the ceilings, and what is left below them.
        policy: the policy's shape.
        prm: what the reward model's reading costs; None without one.
        prices: prices of the policy; None if it bills nothing.
    """

    ledger: Ledger
    policy: ModelShape
    prm: Reading | None
    prices: Prices | None = None
    _books: _Books = field(default_factory=_Books)
    _holds: WeakKeyDictionary[Node, Hold] = field(default_factory=WeakKeyDictionary)
    _paid: set[int] = field(default_factory=set)

    @property
    def stopped(self) -> str:
        """``"complete"``, or the ceiling that cut the search short."""
        return self._books.stopped

    @property
    def usage(self) -> Usage:
        """Return what this search and its forks have spent; the seconds are zero."""
        spent: dict[str, Any] = dict(self._books.spent)
        spent["cost"] = (spent.pop("billed", 0) + (tools := spent.pop("tool_billed", 0))) / 1e9
        spent["tool_cost"] = tools / 1e9
        return Usage(**spent)

    def late(self) -> None:
        """Record that time ran out before something was done."""
        self._books.stopped = self.ledger.out_of_time

    async def in_time(self, work: Coroutine[Any, Any, T]) -> T:
        """Await ``work`` until the deadline, or until the user asks to stop. Raises OutOfTime."""
        left, stop = self.ledger.seconds_left, self.ledger.stop
        if stop is None and math.isinf(left):
            return await work
        try:
            if stop is not None:
                return await stop.before(work, None if left == math.inf else max(left, 0.0))
            return await asyncio.wait_for(work, max(left, 0.0))
        except TimeoutError:
            raise OutOfTime from None

    def fork(self, parts: int) -> list[Account]:
        """Return ``parts`` accounts with equal shares of what is left. They inherit the steps already paid for."""
        return [
            replace(self, ledger=ledger, _holds=WeakKeyDictionary(), _paid=set(self._paid))
            for ledger in self.ledger.fork(parts)
        ]

    def on(self, policy: ModelShape, prompt_tokens: int, prices: Prices | None = None) -> Account:
        """Return an account of another policy on the same ledger, and charge that policy's prompt.

        If the prompt is too expensive, the new account has nothing to spend.
        """
        other = replace(self, policy=policy, prices=prices, _holds=WeakKeyDictionary())
        flops = policy.flops(prompt_tokens)
        if hold := self._reserve(Amount(0, flops)):
            hold.settle(hold.amount)
            self._books.spend(prompt_tokens=prompt_tokens, policy_flops=flops)
        else:
            other.ledger = Ledger(flops=0)
        return other

    # -- the prompts ---------------------------------------------------------------------------------------------

    def begin(self, policy_tokens: int, prm_tokens: int) -> None:
        """Charge the policy's prompt and reserve the reward model's, which is read with the first scored step.

        If both are too expensive, nothing is left to spend.
        """
        policy_flops = self.policy.flops(policy_tokens)
        prm_flops = self.prm.flops(prm_tokens) if self.prm else 0
        if hold := self._reserve(Amount(0, policy_flops + prm_flops)):
            hold.settle(Amount(0, policy_flops), keep=Amount(0, prm_flops))
            self._books.spend(prompt_tokens=policy_tokens, policy_flops=policy_flops)
            self._books.unread = (hold, prm_tokens)
        else:
            self.ledger.flops = 0  # nothing can follow an unread prompt

    def _read_prompt(self) -> None:
        if self._books.unread is not None:
            hold, tokens = self._books.unread
            self._books.unread = None
            self._books.spend(prm_tokens=tokens, prm_flops=hold.amount.flops)
            hold.settle(hold.amount)

    # -- sampling ------------------------------------------------------------------------------------------------

    def afford(self, requests: Sequence[Request]) -> list[tuple[Request, Hold]]:
        """Return the requests that can be reserved at full length; else one, shortened to what is left; else none."""
        batch = []
        for request in requests:
            hold = self.ledger.reserve(self._worst(request, request.max_tokens))
            if hold is None:
                break
            batch.append((request, hold))
        if batch:
            return batch
        request, low, high = requests[0], 0, requests[0].max_tokens
        while low < high:
            middle = (low + high + 1) // 2
            fits = self.ledger.short_of(self._worst(request, middle)) is None
            low, high = (middle, high) if fits else (low, middle - 1)
        self._books.stopped = self.ledger.short_of(self._worst(request, low + 1)) or self.stopped
        hold = self._reserve(self._worst(request, low)) if low else None
        return [(replace(request, max_tokens=low), hold)] if hold else []

    def sampled(self, request: Request, hold: Hold, leaf: Node) -> None:
        """Charge the steps from the request's node to ``leaf``; the cost of scoring it stays reserved."""
        count = leaf.length - request.node.length
        flops = self.policy.flops(count, request.node.length)
        billed = self._billed(request, count)
        hold.settle(Amount(count, flops, billed), keep=Amount(0, self._to_score(request.node, count)))
        paper_flops = self.policy.paper_flops(count)
        self._books.spend(policy_tokens=count, policy_flops=flops, paper_flops=paper_flops, billed=billed)
        self._holds[leaf] = hold

    def _worst(self, request: Request, tokens: int) -> Amount:
        flops = self.policy.flops(tokens, request.node.length)
        return Amount(tokens, flops + self._to_score(request.node, tokens), self._billed(request, tokens))

    def _billed(self, request: Request, tokens: int) -> int:
        """Compute the price in billionths of a dollar: a server bills the whole prefix of every request."""
        return self.prices.of(request.node.length, tokens) if self.prices else 0

    def _to_score(self, node: Node, tokens: int) -> int:
        """Return the FLOPs to reserve for scoring ``tokens`` new policy tokens after ``node``."""
        if self.prm is None:
            return 0
        return self.prm.worst(tokens, node.length)

    def _reserve(self, amount: Amount) -> Hold | None:
        """Reserve an amount; if it does not fit, record the ceiling."""
        hold = self.ledger.reserve(amount)
        if hold is None:
            self._books.stopped = self.ledger.short_of(amount) or self.stopped
        return hold

    # -- tools ---------------------------------------------------------------------------------------------------

    def reserve_call(self, worst: int) -> Hold | None:
        """Reserve the most that a call of a tool can cost, billionths of a dollar; None if it does not fit."""
        return self._reserve(Amount(cost=worst))

    def called(self, hold: Hold, cost: int) -> None:
        """Charge a call of a tool."""
        hold.settle(Amount(cost=cost))
        self._books.spend(tool_calls=1, tool_billed=cost)

    def read_results(self, node: Node, tokens: int) -> bool:
        """Charge the policy for reading results of tools after ``node``; False if that is too expensive."""
        flops = self.policy.flops(tokens, node.length)
        hold = self._reserve(Amount(0, flops))
        if hold is None:
            return False
        hold.settle(hold.amount)
        self._books.spend(prompt_tokens=tokens, policy_flops=flops)
        return True

    # -- scoring -------------------------------------------------------------------------------------------------

    def release(self, nodes: Iterable[Node]) -> None:
        """Release the reservations for scoring these nodes: their true cost is known."""
        for node in nodes:
            for above in node.path:
                if hold := self._holds.pop(above, None):
                    hold.settle()

    def paid(self, node: Node) -> bool:
        """Return whether this account has paid for reading a node, or another one with the same text."""
        return _prefixes(node)[-1] in self._paid

    def compared(self, tokens: int) -> bool:
        """Charge for comparing two solutions, in prompts of so many tokens together; False if that is too expensive."""
        assert self.prm is not None
        prompts = 2 * max(self.prm.prompts, 1)
        flops = replace(self.prm, prompts=prompts).flops(tokens)
        hold = self._reserve(Amount(0, flops))
        if hold is None:
            return False
        hold.settle(hold.amount)
        self._read_prompt()
        self._books.spend(prm_tokens=tokens, prm_flops=flops)
        return True

    def read(self, node: Node, lengths: Sequence[int]) -> bool:
        """Charge for reading the unpaid steps of ``node``; False if that is too expensive.

        ``lengths`` are the reward model's tokens of the prompt and of each step.
        """
        assert self.prm is not None
        books, cached, due, fresh, fresh_tokens = self._books, lengths[0], 0, 0, 0
        prefixes = _prefixes(node)
        for prefix, tokens in zip(prefixes, lengths[1:], strict=True):
            if prefix not in self._paid:
                cost = self.prm.flops(tokens, cached)
                due += cost
                if prefix not in books.read:
                    fresh, fresh_tokens = fresh + cost, fresh_tokens + tokens
            cached += tokens
        hold = self._reserve(Amount(0, due))
        if hold is None:
            return False
        hold.settle(hold.amount)
        self._read_prompt()
        self._paid.update(prefixes)
        books.read.update(prefixes)
        books.spend(prm_tokens=fresh_tokens, prm_flops=fresh)
        return True


def _prefixes(node: Node) -> list[int]:
    """Number each prefix of a node: a hash of the ids of its prompt and of every step up to it.

    Steps cannot serve as keys: whether a pruned step still exists when another branch samples the same text depends on
    timing, which must not affect the cost of a search.
    """
    prompt = hash(node.root.step.tokens)
    return list(accumulate((s.tokens for s in node.steps), lambda above, ids: hash((above, ids)), initial=prompt))[1:]
