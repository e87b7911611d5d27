"""Pivot tournament: a judge compares solutions in pairs, and the one with the best rate of soft wins is elected."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence

from tts.search.search import Search
from tts.types import Node

TOURNAMENT = "tournament"
"""The name of the vote."""

PIVOTS = 2

Pair = tuple[int, int]
"""Places of two solutions: in the first slot of the prompt, and in the second."""


async def tournament(search: Search, nodes: Sequence[Node]) -> dict[Node, float]:
    """Return the rate of soft wins of each solution (arXiv 2607.05391).

    Every solution meets its neighbour in a ring, each once in either slot. The two best are pivots, and all others meet
    them, pivots each other: N + k (N - k) + k (k - 1) / 2 comparisons with k pivots. A soft win is the sigmoid of the
    difference of the two scores. Comparisons that the budget does not cover count nowhere.
    """
    wins: defaultdict[int, list[float]] = defaultdict(list)

    async def play(pairs: Sequence[Pair]) -> None:
        found = await search.compare([(nodes[first], nodes[second]) for first, second in pairs])
        for (first, second), scores in zip(pairs, found, strict=True):
            if scores is not None:
                win = 1 / (1 + math.exp(scores[1] - scores[0]))
                wins[first].append(win)
                wins[second].append(1 - win)

    def rate(place: int) -> float:
        return math.fsum(wins[place]) / len(wins[place]) if wins[place] else 0.5

    await play(round_robin := ring(len(nodes)))
    pivots = sorted(range(len(nodes)), key=rate, reverse=True)[:PIVOTS]
    await play(against(pivots, len(nodes), round_robin))
    return {node: rate(place) for place, node in enumerate(nodes)}


def ring(count: int) -> list[Pair]:
    """Return the pairs of neighbours in a ring; none for a single solution."""
    return [(place, (place + 1) % count) for place in range(count)] if count > 1 else []


def against(pivots: Sequence[int], count: int, played: Sequence[Pair]) -> list[Pair]:
    """Return the pairs of pivots with all others and with each other, in swapped slots if they have met."""
    others = [place for place in range(count) if place not in pivots]
    pairs = [(pivot, other) for pivot in pivots for other in others]
    pairs += [(one, other) for k, one in enumerate(pivots) for other in pivots[k + 1 :]]
    swapped = [(b, a) if (a, b) in played or (k % 2 and (b, a) not in played) else (a, b)
               for k, (a, b) in enumerate(pairs)]  # fmt: skip
    return swapped if count > 1 else []
