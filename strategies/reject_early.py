"""Speculative rejection: best-of-N that stops the worse samples early."""

from __future__ import annotations

import math
from dataclasses import dataclass

from strategies.base import Stepwise, at_least, within
from tts.errors import BadInput
from tts.search.search import Search
from tts.types import Node


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectEarly(Stepwise):
    """Best-of-N in chunks of steps (speculative rejection, Sun et al., arXiv 2410.20290).

    N samples run concurrently. After each chunk the reward model scores every prefix, and the worse share of the open
    ones stops. Finished solutions stay.

    Attributes:
        chunk: steps between two scorings.
        alpha: share of the open prefixes that stop after a chunk, 0 to below 1; 0 is best-of-N.
        refill: start more samples with what rejection saves, until as many steps are sampled as N whole solutions have;
            more than N samples then begin.
    """

    chunk: int = 4
    alpha: float = 0.5
    refill: bool = False

    def __post_init__(self) -> None:
        Stepwise.__post_init__(self)
        at_least("chunk", self.chunk, 1)
        within("alpha", self.alpha, 0, 0.99)
        if not isinstance(self.refill, bool):
            raise BadInput(f"refill must be true or false, not {self.refill!r}.")

    async def __call__(self, search: Search) -> list[Node]:
        done: list[Node] = []
        n, started, sampled = search.width, 0, 0
        while n > 0:
            found, steps = await self.wave(search, n)
            done, started, sampled = done + found, started + n, sampled + steps
            if not (self.refill and done and steps):
                break
            whole = search.width * sum(node.depth for node in done) / len(done)
            n = min(search.width, int((whole - sampled) * started / sampled))
        return done

    async def wave(self, search: Search, n: int) -> tuple[list[Node], int]:
        """Run ``n`` samples in chunks. Return the finished ones that are scored, and the number of steps sampled."""
        done: list[Node] = []
        running, depth, sampled = [search.root], 0, 0
        while running:
            grown = await search.expand(running, 1 if depth else n, **self.step(depth + 1, self.chunk))
            sampled += sum(
                leaf.depth - node.depth for node, found in zip(running, grown, strict=True) for leaf in found
            )
            leaves = [leaf for found in grown for leaf in found]
            depth += self.chunk
            scores = await search.score((leaf for leaf in leaves if leaf.open or leaf.finished), by=self.aggregate)
            done += [node for node in scores if node.finished]
            ranked = sorted((node for node in scores if node.open), key=scores.__getitem__, reverse=True)
            running = ranked[: survivors(len(ranked), self.alpha)]
        return done, sampled


def survivors(count: int, alpha: float) -> int:
    """Return how many of ``count`` prefixes go on if the share ``alpha`` stops, rounded down."""
    return count - math.floor(alpha * count + 1e-9)
