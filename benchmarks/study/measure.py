"""A policy's selector and its fixed strategies on recorded runs: accuracy and cost of every problem at every budget."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.calibrate.deck import BEGINNING, ORDERS, Deck, right_of, searches
from benchmarks.calibrate.hands import Floats
from benchmarks.calibrate.play import Bins, Played, fixed, play
from benchmarks.calibrate.pool import Pool
from benchmarks.study.compare import Point
from tts.errors import BadInput
from tts.profile import Finish, Profile, Stage
from tts.selector import Limits, expected, price_for

BUDGETS = 17
"""Budgets between the cheapest way to an answer and the dearest."""

WIDEST = Limits(n=2**20)
"""The study prices FLOPs; the width is bounded by what was recorded."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One policy on one split.

    Attributes:
        policy, prm: names.
        ids: of the problems [P].
        fixed: of each strategy a user might fix beforehand, its points by N.
        selector: its points by budget, from cheap to dear.
        greedy: the single most likely answer, where it was recorded.
    """

    policy: str
    prm: str
    ids: tuple[str, ...]
    fixed: dict[str, tuple[Point, ...]]
    selector: tuple[Point, ...]

    def at(self, strategy: str, n: int = 0) -> Point | None:
        """A fixed strategy at a width, by default its largest."""
        return next(
            (p for p in reversed(self.fixed.get(strategy, ())) if n in (0, int(p.name.partition("@")[2]))), None
        )


class Decks:
    """The decks of one policy's seeds: the same problems, their samples and searches drawn anew for each seed."""

    def __init__(self, pools: Sequence[Pool], orders: int = ORDERS) -> None:
        ids = [tuple(entry.id for entry in pool.entries) for pool in pools]
        if not pools or any(each != ids[0] for each in ids):
            raise BadInput("the seeds of a policy hold different problems: run them to their end, or leave one out.")
        self.pools, self.ids = pools, ids[0]
        self.decks = [Deck(pool, orders, seed) for seed, pool in enumerate(pools)]

    def fixed(self, finish: Finish) -> Point:
        """A strategy chosen beforehand."""
        return self._point(f"{name_of(finish)}@{finish.n}", [fixed(deck, finish) for deck in self.decks])

    def selector(self, profile: Profile, flops: float, limits: Limits = WIDEST, bins: Bins | None = None) -> Point:
        """The selector at the price at which its profile expects to spend ``flops`` a problem."""
        price = price_for(profile, flops, limits)
        played = [play(deck, profile, price, limits, bins) for deck in self.decks]
        return self._point(f"selector at {flops:.3g}", played, expected(profile, price, limits).flops)

    def _point(self, name: str, played: Sequence[Played], foretold: float = 0.0) -> Point:
        right = [right_of(pool, each.answers) for pool, each in zip(self.pools, played, strict=True)]
        ways: dict[str, float] = {}
        for each in played:
            for way, share in each.ways.items():
                ways[way] = ways.get(way, 0.0) + share / len(played)
        return Point(name, _mean(right), _mean([each.flops for each in played]), foretold, ways)


def measure(decks: Decks, profile: Profile, budgets: Sequence[float]) -> Measured:
    """Play every fixed strategy that the profile knows, and the selector at every budget."""
    found: dict[str, list[Point]] = {}
    for finish in sorted(profile.stages[0].finishes, key=lambda finish: finish.n):
        found.setdefault(name_of(finish), []).append(decks.fixed(finish))
    selector = [decks.selector(profile, budget) for budget in budgets]
    pairs = {name: tuple(points) for name, points in found.items()}
    return Measured(profile.policy, profile.prm, decks.ids, pairs, tuple(selector))


def budgets_of(profile: Profile, count: int = BUDGETS) -> list[float]:
    """Budgets in even ratios, from the cheapest way to an answer to the dearest fixed strategy."""
    costs = [finish.flops[0] for finish in profile.stages[0].finishes]
    return [float(budget) for budget in np.geomspace(min(costs), max(costs), count)]


def name_of(finish: Finish) -> str:
    """What a user calls a fixed strategy."""
    return "greedy" if searches(finish) and finish.strategy in ("majority", "best-of-n") else finish.strategy


def stages_of(profile: Profile) -> Iterable[Stage]:
    """The stages at which something is known."""
    return (stage for stage in profile.stages if stage.key != BEGINNING.key)


def _mean(values: Sequence[Floats]) -> Floats:
    """Of each problem, over seeds and orders [P]."""
    found: Floats = np.mean(values, axis=(0, 2))
    return found
