"""Diverse verifier tree search: independent subtrees, each greedy in the reward."""

from __future__ import annotations

from dataclasses import dataclass

from strategies.base import Branching
from tts.aio import together
from tts.search.search import Search
from tts.types import Node


@dataclass(frozen=True, slots=True, kw_only=True)
class DVTS(Branching):
    """DVTS (Beeching, Tunstall and Rush, "Scaling test-time compute with open models", 2024).

    Splits the budget over N/M independent subtrees. Each samples M next steps, keeps the best one and continues from it
    until it is finished. A subtree's candidates are the finished solutions among its last M samples (search-and-learn
    also returns the unfinished ones, a known defect).
    """

    async def __call__(self, search: Search) -> list[Node]:
        keep, _ = self.shape(search.width)
        leaves = await together(self.subtree(part) for part in search.fork(keep))
        return [leaf for part in leaves for leaf in part]

    async def subtree(self, search: Search) -> list[Node]:
        _, branch = self.shape(search.width)
        node = search.root
        while True:
            [node] = await self.grow(search, [node])
            if not node.open:
                return [*await search.score([node])] if node.finished else []
            [children] = await search.expand([node], branch, **self.step(node.depth + 1))
            scores = await search.score(children, by=self.aggregate)
            if not scores:
                return []
            node = max(scores, key=scores.__getitem__)
            if not node.open:
                return [child for child in scores if child.finished]
