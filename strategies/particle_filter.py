"""Particle filtering: prefixes are resampled by their rewards, so the search samples instead of ranking."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from strategies.base import Stepwise, at_least, within
from tts.search.search import Search
from tts.types import Node


@dataclass(frozen=True, slots=True, kw_only=True)
class ParticleFilter(Stepwise):
    """Particle filtering (Puri et al., arXiv 2502.01618), with systematic resampling.

    N particles take one step each, get the odds of their scores as weights, and are resampled by weight. A finished
    particle is absorbed: it keeps its weight, and its place is not filled again.

    Attributes:
        ess: resample if the effective sample size is at most this share of the particles; 1 resamples every step.
        anneal: divide the logits by max(1, (N/ESS) (1 - t/T)) early in the search if few particles hold the weight
            (entropic particle filtering, arXiv 2510.05825).
        rounds: particle Gibbs: number of runs of N/rounds particles, each keeping one trajectory of the run before.
    """

    ess: float = 1.0
    anneal: bool = False
    rounds: int = 1

    def __post_init__(self) -> None:
        Stepwise.__post_init__(self)
        within("ess", self.ess, 0, 1)
        at_least("rounds", self.rounds, 1)

    async def __call__(self, search: Search) -> list[Node]:
        done: list[Node] = []
        kept: Node | None = None
        rounds = min(self.rounds, search.width)
        for index in range(rounds):
            finished = await self.run(search, search.width // rounds, f"{index}", kept)
            done += [node for node in finished if node not in done]
            if finished:
                weights = softmax([logit(finished[node]) for node in finished])
                [pick] = systematic(weights, 1, search.uniform(f"reference {index}"))
                kept = list(finished)[pick]
        return done

    async def run(self, search: Search, count: int, name: str, kept: Node | None) -> dict[Node, float]:
        """Move ``count`` particles, one of them along the path of ``kept``. Return the finished ones with scores."""
        finished: dict[Node, float] = {}
        reference = kept.path if kept else []
        free = count - (1 if reference else 0)
        particles = [search.root] * free
        for round in range(1, self.max_steps + 1):
            counts = Counter(particles)
            grown = await search.expand(list(counts), list(counts.values()), **self.step(round))
            moved = [child for siblings in grown for child in siblings] + reference[round - 1 : round]
            scores = await search.score(moved, by=self.aggregate)
            finished |= {node: score for node, score in scores.items() if node.finished}
            free -= sum(node.finished for node in scores if node not in reference)
            open_nodes = [node for node in scores if node.open]
            if not open_nodes or free < 1:
                break
            weights = softmax(self.tempered([logit(scores[node]) for node in open_nodes], round))
            if size(weights) <= self.ess * len(weights):
                picks = systematic(weights, free, search.uniform(f"{name} {round}"))
                particles = [open_nodes[pick] for pick in picks]
            else:
                particles = [node for node in open_nodes if node not in reference]
        return finished

    def tempered(self, logits: Sequence[float], round: int) -> list[float]:
        """Flatten the logits early in the search if few particles hold most of the weight."""
        share, time = size(softmax(logits)) / len(logits), round / self.max_steps
        if not self.anneal or share >= 0.5 or time >= 0.5:
            return list(logits)
        return [value / max(1.0, (1 - time) / share) for value in logits]


def logit(score: float) -> float:
    """Return the logarithm of a score's odds, bounded so that no particle is certain."""
    bounded = min(max(score, 1e-6), 1 - 1e-6)
    return math.log(bounded / (1 - bounded))


def softmax(logits: Sequence[float]) -> list[float]:
    """Return weights that add up to 1."""
    top = max(logits)
    weights = [math.exp(value - top) for value in logits]
    return [weight / math.fsum(weights) for weight in weights]


def size(weights: Sequence[float]) -> float:
    """Return the effective sample size, 1 / sum of squared weights."""
    return 1 / math.fsum(weight * weight for weight in weights)


def systematic(weights: Sequence[float], count: int, uniform: float) -> list[int]:
    """Pick ``count`` indices by weight with one uniform number: picks are 1/count apart."""
    picks, index, reached = list[int](), 0, weights[0]
    for k in range(count):
        while (k + uniform) / count >= reached and index < len(weights) - 1:
            index += 1
            reached += weights[index]
        picks.append(index)
    return picks
