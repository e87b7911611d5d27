"""Adaptive consistency: sample until the most common answer is likely to stay ahead."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from strategies.base import Sampling, at_least
from tts.search.search import Search
from tts.selection.published_rule import rounds, settled_confidence
from tts.types import Node, Until


@dataclass(frozen=True, slots=True, kw_only=True)
class AdaptiveConsistency(Sampling):
    """Self-consistency that stops early (Aggarwal et al., arXiv 2305.11860, Beta criterion).

    Draws 4, 8, 16, ... samples, up to N. Stops once the most common answer stays ahead with a probability of 95 %.

    Attributes:
        solution_tokens: limit of tokens of one solution.
    """

    solution_tokens: int = 8192

    needs_reward: ClassVar[bool] = False
    takes_reward: ClassVar[bool] = False
    vote: ClassVar[str] = "majority"

    def __post_init__(self) -> None:
        Sampling.__post_init__(self)
        at_least("solution_tokens", self.solution_tokens, 1)

    async def __call__(self, search: Search) -> list[Node]:
        leaves: list[Node] = []
        for n in rounds(search.width):
            [more] = await search.expand(
                [search.root], n - len(leaves), until=Until.END, max_tokens=self.solution_tokens, **self.sampling
            )
            leaves += more
            if len(leaves) < n or settled_confidence(await search.classes(leaves)):
                break
        return leaves
