"""DeepConf: samples that the policy itself is unsure of stop early and do not vote."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from strategies.base import Stepwise, at_least, within
from tts.search.search import Search
from tts.types import Node, Until


@dataclass(frozen=True, slots=True, kw_only=True)
class DeepConf(Stepwise):
    """Deep think with confidence, online (Fu et al., arXiv 2508.15260). It needs log-probabilities, no reward model.

    The confidence of a solution is that of its least confident group of successive tokens. A few whole samples set the
    bar that the best ``eta`` percent of them reach. Every further sample stops once a whole group lies below the bar.
    Solutions at or above the bar vote, each with its confidence as weight.

    Attributes:
        warmup: samples that set the bar.
        eta: percent of the samples to keep; the paper's values are 10 and 90.
        group: tokens of a group.
        chunk: steps between two looks at the confidence.
        solution_tokens: limit of tokens of one whole sample.
    """

    warmup: int = 16
    eta: float = 10.0
    group: int = 2048
    chunk: int = 4
    solution_tokens: int = 8192

    needs_reward: ClassVar[bool] = False

    def __post_init__(self) -> None:
        Stepwise.__post_init__(self)
        for name in ("warmup", "group", "chunk", "solution_tokens"):
            at_least(name, getattr(self, name), 1)
        within("eta", self.eta, 0.1, 100)

    @property
    def own_reward(self) -> str:
        return f"confidence:lowest-group:{self.group}"

    def note(self, n: int) -> str:
        return "" if n > self.warmup else f"a budget of {n} is spent on the {self.warmup} samples that set the bar."

    async def __call__(self, search: Search) -> list[Node]:
        warm, limit = min(self.warmup, search.width), self.solution_tokens
        [leaves] = await search.expand([search.root], warm, until=Until.END, max_tokens=limit, **self.sampling)
        kept = await search.score(leaves)
        bar = percentile(list(kept.values()), 100 - self.eta)
        running, round, n = [search.root], 0, search.width - warm
        while running and n and kept:
            ended: list[Node] = []
            for _ in range(self.chunk):
                round += 1
                grown = await search.expand(running, n if round == 1 else 1, **self.step(round, ahead=False))
                children = [child for siblings in grown for child in siblings]
                ended += [child for child in children if not child.open]
                running = [child for child in children if child.open]
            scores = await search.score([*ended, *running])
            kept |= {node: scores[node] for node in ended if node in scores}
            sampled = {node: node.length - node.root.length for node in running}
            running = [node for node in running if sampled[node] < self.group or scores.get(node, bar) >= bar]
        return [node for node, score in kept.items() if score >= bar]


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the value below which so many percent lie, interpolated linearly; 0 without values."""
    ordered = sorted(values) or [0.0]
    place = (len(ordered) - 1) * percent / 100
    low = math.floor(place)
    return ordered[low] + (ordered[min(low + 1, len(ordered) - 1)] - ordered[low]) * (place - low)
