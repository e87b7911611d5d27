"""Particle filtering: prefixes are resampled by their rewards, so the search samples instead of ranking."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import ClassVar

from strategies.base import Stepwise, at_least, within
from strategies.resampling import annealed, effective_size, logit, softmax, systematic
from tts.search.search import Search
from tts.types import Node


@dataclass(frozen=True, slots=True, kw_only=True)
class ParticleFilter(Stepwise):
    """Particle filtering (Puri et al., arXiv 2502.01618), with systematic resampling.

    N particles take one step each, get the odds of their scores as weights, and are resampled by weight. A finished
    particle is absorbed: it keeps its weight, and its place stays empty. Copies of one first step divide one vote.

    Attributes:
        ess: resample if the effective sample size is at most this share of the particles; 1 means every step.
        anneal: divide the logits by max(1, (N/ESS) (1 - t/T)) early on if few hold the weight (arXiv 2510.05825).
        rounds: particle Gibbs: number of runs of N/rounds particles, each keeping one trajectory of the run before.
    """

    ess: float = 1.0
    anneal: bool = False
    rounds: int = 1
    vote: ClassVar[str] = "lineage"

    def __post_init__(self) -> None:
        Stepwise.__post_init__(self)
        within("ess", self.ess, 0, 1)
        at_least("rounds", self.rounds, 1)

    async def __call__(self, search: Search) -> list[Node]:
        done, kept = list[Node](), None
        rounds, count = self.shape(search.width)
        for index in range(rounds):
            finished = await self.run(search, count, f"{index}", kept)
            done += [node for node in finished if node not in done]
            if finished:
                weights = softmax([*map(logit, finished.values())])
                [pick] = systematic(weights, 1, search.uniform(f"reference {index}"))
                kept = list(finished)[pick]
        return done

    def shape(self, n: int) -> tuple[int, int]:
        """Return the number of runs and of particles in each, two or more: one follows the kept trajectory."""
        rounds = min(self.rounds, max(n // 2, 1))
        return rounds, n // rounds

    def note(self, n: int) -> str:
        rounds, count = self.shape(n)
        unusual = rounds < self.rounds or rounds * count < n
        return f"a budget of {n} is spent on {rounds} rounds of {count} particles." if unusual else ""

    async def run(self, search: Search, count: int, name: str, kept: Node | None) -> dict[Node, float]:
        """Move ``count`` particles, one of them along the path of ``kept``. Return the finished ones with scores."""
        finished = await search.score([kept], by=self.aggregate) if kept else {}
        reference, free = kept.path if kept else [], count - bool(kept)
        particles = [search.root] * free
        for round in range(1, self.max_steps + 1):
            grown = await search.expand(list(counts := Counter(particles)), list(counts.values()), **self.step(round))
            moved = [child for siblings in grown for child in siblings] + reference[round - 1 : round]
            scores = await search.score(moved, by=self.aggregate)
            finished |= {node: score for node, score in scores.items() if node.finished}
            free -= sum(node.finished for node in scores if node not in reference)
            open_nodes = [node for node in scores if node.open]
            if not open_nodes or free < 1:
                break
            logits = [logit(scores[node]) for node in open_nodes]
            weights = softmax(annealed(logits, round / self.max_steps) if self.anneal else logits)
            particles = [node for node in open_nodes if node not in reference]
            if effective_size(weights) <= self.ess * len(weights):
                picks = systematic(weights, free, search.uniform(f"{name} {round}"))
                particles = [open_nodes[pick] for pick in picks]
        return finished
