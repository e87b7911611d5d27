"""Orchestrate: a policy that calls tools and other models until it answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from strategies.base import Sampling, at_least
from tts.aio import together
from tts.search.search import Search
from tts.types import Node, Until

LAST = "This was the last call: answer now."


@dataclass(frozen=True, slots=True, kw_only=True)
class Orchestrate(Sampling):
    """ToolOrchestra's loop (arXiv 2511.21689): reason, act, observe, until an answer; N trajectories side by side.

    Each trajectory samples a turn. If the turn calls tools, all its calls run side by side and the policy reads their
    results; a turn without calls is the answer. Unlike the released code, which prompts anew each turn, a trajectory
    only grows, so that nothing is read twice. Trajectories have equal shares of the budget, and their answers vote.
    Without tools it samples whole solutions.

    Attributes:
        turns: limit of turns; the calls of the last one are not made.
        turn_tokens: limit of tokens of one turn.
    """

    turns: int = 12
    turn_tokens: int = 4096

    needs_reward: ClassVar[bool] = False
    calls_tools: ClassVar[bool] = True
    vote: ClassVar[str] = "weighted"

    def __post_init__(self) -> None:
        Sampling.__post_init__(self)
        at_least("turns", self.turns, 1)
        at_least("turn_tokens", self.turn_tokens, 1)

    async def __call__(self, search: Search) -> list[Node]:
        found = await together(self.trajectory(part) for part in search.fork(search.width))
        return [leaf for leaf in found if leaf is not None]

    async def trajectory(self, search: Search) -> Node | None:
        """Return the last node of one trajectory; None where the budget did not cover a first turn."""
        node, leaf = search.root, None
        for turn in range(self.turns):
            [grown] = await search.expand([node], until=Until.END, max_tokens=self.turn_tokens, **self.sampling)
            if not grown:
                break
            leaf = grown[0]
            calls = search.calls(leaf)
            if not calls or turn == self.turns - 1:
                break
            read = await search.call(leaf, calls, LAST if turn == self.turns - 2 else "")
            if read is None:
                break
            node = leaf = read
        if leaf is not None and leaf.finished and search.scored:
            await search.score([leaf])
        return leaf
