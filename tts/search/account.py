"""Accounts: what sampling and scoring cost, set aside at its worst before an engine is asked and charged as it came.

Costs are those of the algorithm: each prefix is read once, by the policy and by the reward model, however often an
engine may have had to compute it again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate
from typing import Any
from weakref import WeakKeyDictionary

from tts.budget import COMPLETE, MAX_SECONDS, Amount, Hold, Ledger
from tts.cost import ModelShape, Prices
from tts.protocols import Request
from tts.types import Node, Usage

_PRM_SLACK = 1.25  # reward-model tokens set aside a policy token until the text, and so the true count, is known


@dataclass(slots=True)
class _Books:
    """What an account and the accounts of all forks share.

    Attributes:
        spent: the fields of :class:`tts.types.Usage`.
        stopped: ``"complete"``, or the ceiling that something did not fit under.
        read: prefixes that the reward model has read, see :func:`_prefixes`.
        unread: what is set aside for the reward model's prompt, and its tokens; None once it was read.
    """

    spent: Counter[str] = field(default_factory=Counter)
    stopped: str = COMPLETE
    read: set[int] = field(default_factory=set)
    unread: tuple[Hold, int] | None = None

    def spend(self, **amounts: int) -> None:
        self.spent.update(amounts)


@dataclass(slots=True, eq=False)
class Account:
    """What one search, or one fork of it, pays out of its ledger.

    A fork pays from its own share for every step it asks about, whether or not another fork came by the same text, so a
    share lasts as long whichever fork runs first; ``usage`` counts such a step once.

    Attributes:
        ledger: the ceilings, and what is left below them.
        policy, prm: the shapes of the models; ``prm`` is None without a reward model.
        prices: of the policy; None where it bills nothing.
    """

    ledger: Ledger
    policy: ModelShape
    prm: ModelShape | None
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
        """What this search and its forks have spent; the seconds are left at zero."""
        spent: dict[str, Any] = dict(self._books.spent)
        spent["cost"] = spent.pop("billed", 0) / 1e9
        return Usage(**spent)

    def late(self) -> None:
        """Time ran out before something was done."""
        self._books.stopped = MAX_SECONDS

    def fork(self, parts: int) -> list[Account]:
        """Return ``parts`` accounts with equal shares of what is left. They inherit the steps already paid for."""
        return [
            replace(self, ledger=ledger, _holds=WeakKeyDictionary(), _paid=set(self._paid))
            for ledger in self.ledger.fork(parts)
        ]

    def on(self, policy: ModelShape, prompt_tokens: int, prices: Prices | None = None) -> Account:
        """Return an account of another policy on the same ledger, and charge that policy's prompt.

        Where the prompt is too much, the new account has nothing to spend.
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
        """Charge the policy's prompt and set the reward model's aside: it is read with the first step to be scored.

        Where both are too much nothing is left to spend.
        """
        policy_flops = self.policy.flops(policy_tokens)
        prm_flops = self.prm.flops(prm_tokens) if self.prm else 0
        if hold := self._reserve(Amount(0, policy_flops + prm_flops)):
            hold.settle(Amount(0, policy_flops), keep=Amount(0, prm_flops))
            self._books.spend(prompt_tokens=policy_tokens, policy_flops=policy_flops)
            self._books.unread = (hold, prm_tokens)
        else:
            self.ledger.flops = 0  # nothing can follow a prompt that was never read

    def _read_prompt(self) -> None:
        if self._books.unread is not None:
            hold, tokens = self._books.unread
            self._books.unread = None
            self._books.spend(prm_tokens=tokens, prm_flops=hold.amount.flops)
            hold.settle(hold.amount)

    # -- sampling ------------------------------------------------------------------------------------------------

    def afford(self, requests: Sequence[Request]) -> list[tuple[Request, Hold]]:
        """As many requests as can be set aside at full length; else one, shortened to what is left; else none."""
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
        """Charge what led from the request's node to ``leaf``; what scoring it may cost stays set aside."""
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
        """Billionths of a dollar: a server bills the whole prefix of every request."""
        return self.prices.of(request.node.length, tokens) if self.prices else 0

    def _to_score(self, node: Node, tokens: int) -> int:
        """FLOPs to set aside for scoring ``tokens`` new policy tokens below ``node``."""
        if self.prm is None:
            return 0
        return self.prm.flops(int(_PRM_SLACK * tokens) + 4, int(_PRM_SLACK * node.length))

    def _reserve(self, amount: Amount) -> Hold | None:
        """Reserve, and where it does not fit say which ceiling it would pass."""
        hold = self.ledger.reserve(amount)
        if hold is None:
            self._books.stopped = self.ledger.short_of(amount) or self.stopped
        return hold

    # -- scoring -------------------------------------------------------------------------------------------------

    def release(self, nodes: Iterable[Node]) -> None:
        """Let go of what was set aside for scoring these nodes: now their true cost is known."""
        for node in nodes:
            for above in node.path:
                if hold := self._holds.pop(above, None):
                    hold.settle()

    def paid(self, node: Node) -> bool:
        """Whether this account has paid for reading a node, or another of the same text."""
        return _prefixes(node)[-1] in self._paid

    def read(self, node: Node, lengths: Sequence[int]) -> bool:
        """Charge for reading the steps of ``node`` that are not paid for; False where that is too much.

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
    """Number each prefix of a node: a hash of the ids of its prompt and of every step down to there.

    The steps themselves will not do. A pruned step is gone, and whether it is gone when another branch samples the same
    text is a matter of timing, which must not show in what a search costs.
    """
    prompt = hash(node.root.step.tokens)
    return list(accumulate((s.tokens for s in node.steps), lambda above, ids: hash((above, ids)), initial=prompt))[1:]
