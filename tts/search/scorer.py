"""Asks the reward model and the judge for scores, pays for them and records them."""

from __future__ import annotations

import math
from collections.abc import Coroutine, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from tts.aio import together
from tts.answers.aggregate import aggregate
from tts.errors import OutOfTime, PromptTooLong, StrategyError, Unscored
from tts.protocols import RewardModel
from tts.search.account import Account
from tts.search.step_scores import Scores
from tts.trace import Trace
from tts.types import Node, Problem, Step

Pair = tuple[Node, Node]


@dataclass(slots=True, eq=False)
class Scorer:
    """Scores the nodes of one problem. A search and all its forks share it; each pays from its own account.

    Attributes:
        problem: the question that the solutions answer.
        reward: scores steps or whole solutions; None without a reward model.
        judge: compares solutions; None without one.
        trace: gets an event for each score.
        notes: sentences for the user, in order, shared with the search.
        scores: the known scores.
    """

    problem: Problem
    reward: RewardModel | None
    judge: RewardModel | None
    trace: Trace
    notes: dict[str, None]
    scores: Scores = field(init=False)
    _recorded: set[str] = field(default_factory=set)  # keys of the nodes whose scores are in the trace

    def __post_init__(self) -> None:
        self.scores = Scores(outcome=self.reward is not None and self.reward.outcome)

    async def score(self, account: Account, nodes: Iterable[Node], by: str) -> dict[Node, float]:
        """Score nodes, as :meth:`tts.search.search.Search.score` says."""
        reward = self.reward
        if reward is None:
            raise StrategyError("this search has no reward model: name one, or choose a strategy that needs none.")
        nodes = list(dict.fromkeys(nodes))
        account.release(nodes)
        nodes = self.scores.judgeable(nodes, reward.name)
        await reward.measure(self.problem, nodes)
        lengths = {node: reward.lengths(self.problem, node) for node in nodes}
        jobs: dict[Step, Coroutine[Any, Any, None]] = {}
        for node in nodes:
            judged = node.step in self.scores
            if judged and account.paid(node):
                continue  # equal to a sibling token for token
            late = reward.was_late(self.problem, node)
            if late or not account.read(node, lengths[node]):
                if late or account.ledger.seconds_left <= 0:
                    account.late()
                    self.trace.add("cut", what="read", key=node.key)
            elif not judged and node.step not in jobs:
                jobs[node.step] = self._request(account, reward, node)
        await together(jobs.values())
        self.notes.update(dict.fromkeys(reward.notes))
        for node in nodes:
            self._record(node, lengths[node])
        return {node: aggregate(self.scores.of(node), by) for node in nodes if node.step in self.scores}

    async def read_ahead(self, account: Account, node: Node) -> None:
        """Prefetch a leaf's scores before the strategy asks; ``score`` charges them and reports errors.

        Not done with a ceiling of FLOPs: which leaves can be paid for depends on all of them.
        """
        reward = self.reward
        if reward is None or not reward.concurrent or math.isfinite(account.ledger.flops) or node.step in self.scores:
            return
        if self.scores.outcome and not node.finished:
            return
        with suppress(OutOfTime, PromptTooLong, Unscored):
            await account.in_time(self.scores.ask(reward, self.problem, node))

    async def compare(self, account: Account, pairs: Sequence[Pair]) -> list[tuple[float, float] | None]:
        """Compare solutions, as :meth:`tts.search.search.Search.compare` says."""
        judge = self.judge
        if judge is None:
            raise StrategyError("this search has no judge of pairs: name one with prm.")
        account.release(node for pair in pairs for node in pair)
        tokens = await together(judge.to_compare(self.problem, *pair) for pair in pairs)
        paid = [account.compared(count) for count in tokens]
        found = await together(
            self._request_comparison(account, judge, pair, count, covered)
            for pair, count, covered in zip(pairs, tokens, paid, strict=True)
        )
        self.notes.update(dict.fromkeys(judge.notes))
        return found

    async def _request(self, account: Account, reward: RewardModel, node: Node) -> None:
        try:
            await account.in_time(self.scores.ask(reward, self.problem, node))
        except OutOfTime:
            account.late()
            self.trace.add("cut", what="score", key=node.key)
        except (PromptTooLong, Unscored) as error:
            self.notes[f"a solution was left unscored: {error}"] = None
            self.trace.add("cut", what="length", key=node.key)

    async def _request_comparison(
        self, account: Account, judge: RewardModel, pair: Pair, tokens: int, paid: bool
    ) -> tuple[float, float] | None:
        """Compare two solutions if that is paid for, and record it."""
        found, (first, second) = None, pair
        if paid:
            try:
                found = await account.in_time(judge.compare(self.problem, first, second))
            except OutOfTime:
                account.late()
                self.trace.add("cut", what="compare", key=first.key, other=second.key, tokens=tokens)
                return None
            except (PromptTooLong, Unscored) as error:
                self.notes[f"two solutions were not compared: {error}"] = None
        scores = None if found is None else list(found)
        self.trace.add("compare", key=first.key, other=second.key, scores=scores, tokens=tokens)
        return found

    def _record(self, node: Node, lengths: Sequence[int]) -> None:
        judged = self.scores.judged(node)
        for above, tokens in zip(judged, lengths[-len(judged) :], strict=True):
            if above.key not in self._recorded:
                score = self.scores.get(above.step)
                self.trace.add("score", key=above.key, score=score, tokens=tokens)
                if score is not None:
                    self._recorded.add(above.key)
