"""REBASE: at each depth the open prefixes share the width by their rewards."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from strategies.base import Stepwise, within
from tts.search.search import Search
from tts.types import Node


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebase(Stepwise):
    """Reward balanced search (Wu et al., arXiv 2408.00724).

    Samples and scores N first steps. In each round every open prefix gets continuations in proportion to the softmax of
    its reward, so good prefixes branch and bad ones end. Solutions that end, finished or cut off, leave with their
    width.

    Attributes:
        balance: temperature of the softmax over the rewards; the published value is 0.2. Small values are greedy.
    """

    balance: float = 0.2

    def __post_init__(self) -> None:
        Stepwise.__post_init__(self)
        within("balance", self.balance, 0.01, 100)

    async def __call__(self, search: Search) -> list[Node]:
        ended: list[Node] = []
        nodes, counts = [search.root], [search.width]
        for round in range(1, self.max_steps + 1):
            grown = await search.expand(nodes, counts, **self.step(round))
            scores = await search.score((child for siblings in grown for child in siblings), by=self.aggregate)
            ended += [child for child in scores if not child.open]
            nodes = sorted((child for child in scores if child.open), key=scores.__getitem__, reverse=True)
            counts = shares(search.width - len(ended), [scores[node] / self.balance for node in nodes])
            nodes, counts = nodes[: len(counts)], counts[: len(nodes)]
            if not nodes:
                break
        return ended


def shares(width: int, rewards: Sequence[float]) -> list[int]:
    """Divide a width over prefixes, best first, by the softmax of their rewards.

    Each takes its share of what is left, rounded up, so the last ones may get nothing; these are left out.
    """
    top = max(rewards, default=0.0)
    weights = [math.exp(reward - top) for reward in rewards]
    left, total, counts = width, math.fsum(weights), list[int]()
    for weight in weights:
        if left <= 0 or total <= 0:
            break
        counts.append(min(left, math.ceil(left * weight / total - 1e-9)))
        left, total = left - counts[-1], total - weight
    return [count for count in counts if count > 0]
