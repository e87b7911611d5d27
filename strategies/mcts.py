"""Monte Carlo tree search over steps, with a reward model instead of rollouts."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from strategies.base import Branching
from strategies.puct import Tree
from tts.search.search import Search
from tts.types import Node


@dataclass(frozen=True, slots=True, kw_only=True)
class MCTS(Branching):
    """PUCT over steps (Silver et al., arXiv 1712.01815); the value of a node is its reward, without a rollout.

    Each turn walks from the root to the most promising leaf, samples M next steps, scores them, and backs up the best
    score. At most N continuations are sampled at each depth, as in every strategy, so the search ends. Evidence for it
    is thin: arXiv 2510.20272 finds no tree search above best-of-N for Qwen2.5-Math-7B.
    """

    async def __call__(self, search: Search) -> list[Node]:
        _, branch = self.shape(search.width)
        done: list[Node] = []
        tree = Tree(search.root)
        sampled: Counter[int] = Counter()  # samples at each depth
        while (path := tree.select()) is not None:
            leaf = path[-1]
            if sampled[leaf.depth] + branch > search.width:
                tree.closed.add(leaf)
                continue
            sampled[leaf.depth] += branch
            [children] = await search.expand([leaf], branch, **self.step(leaf.depth + 1))
            scores = await search.score(children, by=self.aggregate)
            if not scores:
                break
            done += [child for child in scores if child.finished]
            tree.grow(path, scores)
        return done
