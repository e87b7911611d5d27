"""Monte Carlo tree search over steps, with a reward model instead of rollouts."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass

from strategies.base import Branching
from tts.search.search import Search
from tts.types import Node


@dataclass(frozen=True, slots=True, kw_only=True)
class MCTS(Branching):
    """PUCT over steps (Silver et al., arXiv 1712.01815); the value of a node is its reward, without a rollout.

    Each turn walks from the root to the most promising leaf, samples M next steps, scores them, and backs up the best
    score. At most N continuations are sampled at each depth, as in every strategy, so the search ends. Evidence for it
    is
    thin: arXiv 2510.20272 finds no tree search above best-of-N for Qwen2.5-Math-7B.
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


class Tree:
    """Visits and values of the nodes; ``closed`` are nodes without anything left to expand."""

    def __init__(self, root: Node) -> None:
        self.root = root
        self.children: dict[Node, dict[Node, float]] = {}  # each child with its prior
        self.visits: Counter[Node] = Counter({root: 1})
        self.total: dict[Node, float] = {root: 0.0}
        self.closed: set[Node] = set()

    def select(self) -> list[Node] | None:
        """Return the path from the root to the leaf that PUCT chooses; None when the tree is closed."""
        path = [self.root]
        while self.root not in self.closed:
            node = path[-1]
            if node not in self.children:
                return path
            going = [child for child in self.children[node] if child not in self.closed]
            if going:
                path.append(max(going, key=lambda child: self.promise(node, child)))
            else:
                self.closed.add(node)
                path = [self.root]
        return None

    def promise(self, node: Node, child: Node) -> float:
        """Compute Q + P (ln((N + 19653) / 19652) + 1.25) sqrt(N) / (n + 1), with AlphaZero's constants."""
        above, below = self.visits[node], self.visits[child]
        explore = math.log((above + 19653) / 19652) + 1.25
        return self.total[child] / below + self.children[node][child] * explore * math.sqrt(above) / (below + 1)

    def grow(self, path: list[Node], scores: dict[Node, float]) -> None:
        """Add the scored children of the last node and pass their best score up the path."""
        whole = math.fsum(scores.values())
        self.children[path[-1]] = {child: score / whole if whole else 1.0 for child, score in scores.items()}
        for child, score in scores.items():
            self.visits[child], self.total[child] = 1, score
            if not child.open:
                self.closed.add(child)
        for node in path:
            self.visits[node] += 1
            self.total[node] += max(scores.values())
