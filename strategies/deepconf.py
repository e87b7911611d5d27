"""DeepConf: samples that the policy itself is unsure of stop early and do not vote."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from strategies.base import Stepwise, at_least, within
from tts.aio import together
from tts.search.confidence import percentile
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
        return "" if n > self.warmup else f"all of a budget of {n} is spent on the samples that set the bar."

    async def __call__(self, search: Search) -> list[Node]:
        warm, limit = min(self.warmup, search.width), self.solution_tokens
        [leaves] = await search.expand([search.root], warm, until=Until.END, max_tokens=limit, **self.sampling)
        kept = await search.score(leaves)
        bar = percentile(list(kept.values()), 100 - self.eta)
        left = search.width - warm if kept else 0
        parts = search.within(left).fork(left) if left else []
        for found in await together(self.sample(part, bar) for part in parts):
            kept |= found
        return [node for node, score in kept.items() if score >= bar]

    async def sample(self, search: Search, bar: float) -> dict[Node, float]:
        """Sample a solution, with a look after each chunk. Return it with its confidence; nothing if it was stopped."""
        node, scores = search.root, dict[Node, float]()
        while node.open:
            [grown] = await search.expand([node], **self.step(node.depth + 1, self.chunk, ahead=False))
            if not grown:
                return {}
            [node] = grown
            scores = await search.score([node])
            if node.open and node.length - node.root.length >= self.group and scores.get(node, bar) < bar:
                return {}
        return scores
