"""Beam search over steps, guided by the reward model."""

from __future__ import annotations

from dataclasses import dataclass

from strategies.base import Branching, at_least
from tts.search.search import Search
from tts.types import Node, Until


@dataclass(frozen=True, slots=True, kw_only=True)
class BeamSearch(Branching):
    """Beam search (Snell et al., arXiv 2408.03314; the form of Hugging Face's search-and-learn).

    Samples and scores N first steps. Each round keeps the best N/M open prefixes and samples M next steps of each.
    Finished solutions leave the beam and become candidates. The search ends with N of them, or when no prefix is open.
    Unlike in search-and-learn, the beam is not refilled to N with copies after some have finished.

    Attributes:
        lookahead: rank a prefix by the score of its greedy continuation, this many steps ahead.
    """

    lookahead: int = 0

    def __post_init__(self) -> None:
        Branching.__post_init__(self)
        at_least("lookahead", self.lookahead, 0)

    async def __call__(self, search: Search) -> list[Node]:
        keep, branch = self.shape(search.width)
        done: list[Node] = []
        beams = [search.root]
        while beams and len(done) < search.width:
            beams = await self.grow(search, beams)
            going = [node for node in beams if node.open]
            round = max(node.depth for node in beams) + 1
            n = branch if round > 1 else keep * branch
            grown = await search.expand(going, n, **self.step(round, ahead=not self.lookahead))
            ended = [node for node in beams if node.finished]
            ranks = await self.rank(search, [*ended, *(child for siblings in grown for child in siblings)])
            done += [child for child in ranks if child.finished]
            beams = sorted((child for child in ranks if child.open), key=ranks.__getitem__, reverse=True)[:keep]
        return done

    async def rank(self, search: Search, nodes: list[Node]) -> dict[Node, float]:
        """Return the score of each node, or of its greedy continuation with lookahead."""
        ahead = {node: node for node in nodes}
        for _ in range(self.lookahead):
            going = [node for node in nodes if ahead[node].open]
            grown = await search.expand(
                [ahead[node] for node in going], until=Until.STEP, max_tokens=self.step_tokens, temperature=0.0
            )
            ahead |= {node: children[0] for node, children in zip(going, grown, strict=True) if children}
        scores = await search.score(ahead.values(), by=self.aggregate)
        return {node: scores[seen] for node, seen in ahead.items() if seen in scores}
