"""Best-of-N: sample N whole solutions, score each once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from strategies.base import Sampling, at_least
from tts.search.search import Search
from tts.types import Node, Until


@dataclass(frozen=True, slots=True, kw_only=True)
class BestOfN(Sampling):
    """N independent solutions, each scored once by the reward model (Snell et al., arXiv 2408.03314).

    The vote chooses the answer: ``best`` is the classical best-of-N; ``weighted`` (the default) sums the scores of
        equal answers, which arXiv 2502.06703 found best (its PRM-Vote).

    Attributes:
        solution_tokens: limit of tokens of one solution.
    """

    solution_tokens: int = 8192

    independent: ClassVar[bool] = True

    def __post_init__(self) -> None:
        Sampling.__post_init__(self)
        at_least("solution_tokens", self.solution_tokens, 1)

    async def __call__(self, search: Search) -> list[Node]:
        [solutions] = await search.expand(
            [search.root], search.width, until=Until.END, max_tokens=self.solution_tokens, ahead=True, **self.sampling
        )
        if search.scored:
            await search.score(solutions)
        return solutions
