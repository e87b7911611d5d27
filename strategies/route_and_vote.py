"""Route and vote: the models that are best at a problem's kind sample it, and their answers vote."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from strategies.base import Sampling, at_least
from tts.aio import together
from tts.routing.team import Team
from tts.routing.voting import split
from tts.search.search import Search
from tts.types import Node, Until


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteAndVote(Sampling):
    """The Avengers (arXiv 2505.19797): embed, cluster, score, route, and self-consistency of the chosen models.

    The search begins on the best model. Without a team its own policy draws all samples.

    Attributes:
        top: models that sample; N is dealt in proportion to the chance that each is the best.
        solution_tokens: most tokens of one solution.
        team: ranks the models and hands them out; a pool is one.
    """

    top: int = 1
    solution_tokens: int = 8192
    team: Team | None = field(default=None, metadata={"object": True})

    needs_reward: ClassVar[bool] = False
    takes_reward: ClassVar[bool] = False
    single: ClassVar[bool] = False
    trusted: ClassVar[frozenset[str]] = frozenset({"profile", "team"})
    vote: ClassVar[str] = "majority"

    def __post_init__(self) -> None:
        Sampling.__post_init__(self)
        at_least("top", self.top, 1)
        at_least("solution_tokens", self.solution_tokens, 1)

    async def __call__(self, search: Search) -> list[Node]:
        if self.team is None:
            return await self.sample(search, search.width)
        ranked = await self.team.rank(search.problem.text)
        (_, n), *others = split(search.width, ranked, self.top)
        searches = [(search, n)] + [
            (await search.on(await self.team.policy(arm.arm, search.problem)), n) for arm, n in others
        ]
        found = await together(self.sample(part, n) for part, n in searches)
        return [leaf for leaves in found for leaf in leaves]

    async def sample(self, search: Search, n: int) -> list[Node]:
        """Draw ``n`` whole solutions."""
        [leaves] = await search.expand(
            [search.root], n, until=Until.END, max_tokens=self.solution_tokens, **self.sampling
        )
        return leaves
