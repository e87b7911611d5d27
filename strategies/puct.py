"""The tree of a Monte Carlo search: visits and values of nodes, and the child that PUCT chooses."""

from __future__ import annotations

import math
from collections import Counter

from tts.types import Node


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
