"""AB-MCTS: Thompson sampling decides between a new solution and the improvement of an old one."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count, pairwise

from strategies.base import Sampling, at_least
from strategies.beliefs import Belief, Uniform
from tts.answers.aggregate import check_aggregation
from tts.search.search import Search
from tts.types import Node, Until


@dataclass(frozen=True, slots=True, kw_only=True)
class ABMCTS(Sampling):
    """Adaptive branching Monte Carlo tree search, variant A with Gaussian beliefs (Inoue et al., arXiv 2503.04412).

    Draws N solutions one by one. Each is new, or improves an earlier one that the prompt shows. At every node the
    beliefs about a new child and about going on with a child are drawn; the larger one wins.

    Attributes:
        solution_tokens: limit of tokens of one solution.
        aggregate: aggregation of step scores into the score of a solution.
    """

    solution_tokens: int = 8192
    aggregate: str = "last"

    def __post_init__(self) -> None:
        Sampling.__post_init__(self)
        at_least("solution_tokens", self.solution_tokens, 1)
        check_aggregation(self.aggregate)

    async def __call__(self, search: Search) -> list[Node]:
        turns, root, leaves = count(), Branch(search), list[Node]()

        def uniform() -> float:
            return search.uniform(f"belief {next(turns)}")

        for _ in range(search.width):
            path = root.descend(uniform)
            here = path[-1].search or await search.refine(leaves[path[-1].index])
            if here is None:  # the prompt would be too long
                path, here = [root], search
            path[-1].search, limit = here, self.solution_tokens
            [found] = await here.expand([here.root], until=Until.END, max_tokens=limit, ahead=True, **self.sampling)
            if not found:
                break
            scores = await search.score(found, by=self.aggregate)
            path[-1].grow(path, Branch(index=len(leaves)), scores.get(found[0], 0.0))
            leaves += found
        return leaves


@dataclass(slots=True)
class Branch:
    """A solution in the tree, the root none: the beliefs about its children, and about itself among its siblings."""

    search: Search | None = None  # with the prompt that its children continue
    index: int = -1
    children: list[Branch] = field(default_factory=list)
    new: Belief = field(default_factory=Belief)
    old: Belief = field(default_factory=Belief)
    own: Belief = field(default_factory=Belief)

    def descend(self, uniform: Uniform) -> list[Branch]:
        """Return the path to the branch that gets a new child."""
        path = [self]
        while path[-1].children and path[-1].new.draw(uniform) < path[-1].old.draw(uniform):
            path.append(max(path[-1].children, key=lambda child: child.own.draw(uniform)))
        return path

    def grow(self, path: list[Branch], child: Branch, score: float) -> None:
        """Add a child at the end of a path; its score counts along the whole path."""
        self.children.append(child)
        self.new.scores.append(score)
        child.own.scores.append(score)
        for above, below in pairwise(path):
            above.old.scores.append(score)
            below.own.scores.append(score)
