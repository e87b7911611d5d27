"""Accuracy and cost of the selector and of fixed strategies on recorded runs, for each problem and budget."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.recordings.pool import Pool
from benchmarks.simulate.features import Floats, Ints
from benchmarks.simulate.play import Played, fixed, play
from benchmarks.simulate.simulator import ORDERS, Simulator, is_search, key_of, right_of
from benchmarks.study.compare import Point
from benchmarks.study.oracle import OracleSimulator
from tts.errors import BadInput
from tts.records import outcomes
from tts.selection.profile import Ending, Profile, Searches
from tts.selection.selector import Limits, expected, price_for
from tts.types import Problem

BUDGETS = 17
"""Number of budgets between the cheapest answer and the most expensive fixed strategy."""

STEP = 2 ** (-1 / 16)
"""Ratio of neighbouring prices in :func:`tts.selection.selector.price_for`."""

WIDEST = Limits(n=2**20)
"""No limit of N: the study limits FLOPs by their price, and recordings limit the width."""


@dataclass(frozen=True, slots=True)
class Part:
    """Indices of problems, and a profile that was not fitted to them."""

    rows: Ints
    profile: Profile


@dataclass(frozen=True, slots=True)
class Measured:
    """Results of one policy on one split.

    Attributes:
        policy, prm: names of the models.
        seeds: number of seeds.
        ids: ids of the problems [P].
        fixed: points by N of each fixed strategy.
        selector: points of the selector by budget, ascending.
    """

    policy: str
    prm: str
    seeds: int
    ids: tuple[str, ...]
    fixed: dict[str, tuple[Point, ...]]
    selector: tuple[Point, ...]


class SeedSimulators:
    """Simulators of a policy's seeds: the same problems, samples and searches drawn anew for each seed.

    A search may be missing in some seeds; plays that need it use the others.
    """

    def __init__(self, pools: Sequence[Pool], orders: int = ORDERS) -> None:
        ids = [tuple(entry.id for entry in pool.entries) for pool in pools]
        if not pools or any(each != ids[0] for each in ids):
            raise BadInput("the seeds of a policy have different problems: finish their runs, or leave one out.")
        self.pools, self.ids, self.orders = pools, ids[0], orders
        self.simulators: Sequence[Simulator] = [Simulator(pool, orders, seed) for seed, pool in enumerate(pools)]

    def fixed(self, ending: Ending) -> Point:
        """Play a strategy chosen beforehand."""
        name = f"{name_of(ending)}@{ending.n}"
        return self._point(name, {k: fixed(self.simulators[k], ending) for k in self._having([ending])})

    def knowing(self) -> SeedSimulators:
        """Return simulators with the same problems and orders whose true difficulty is known."""
        found = copy(self)
        found.simulators = [OracleSimulator(pool, self.orders, seed) for seed, pool in enumerate(self.pools)]
        return found

    def selector_of(self, parts: Sequence[Part], budget: float) -> Point:
        """Play the selector at a budget, each problem with the profile of its part."""
        return _together([(part, self.selector(part.profile, budget)) for part in parts])

    def selector(self, profile: Profile, flops: float, limits: Limits = WIDEST) -> Point:
        """Play the selector with a budget of ``flops`` per problem.

        One price divides a shared budget. If no price costs exactly the budget, a share of the problems is played at
        the price that costs less and the rest at the next lower price (:mod:`tts.selection.shared_budget`).
        """
        price = price_for(profile, flops, limits)
        below = price * STEP
        cheap, dear = (expected(profile, each, limits).flops for each in (price, below))
        share = (flops - cheap) / (dear - cheap) if dear > flops > cheap else 0.0
        less = self._priced(profile, price, limits)
        return _mixed(less, self._priced(profile, below, limits), share) if share else less

    def _priced(self, profile: Profile, price: float, limits: Limits) -> Point:
        chosen = [move for stage in profile.stages for move in stage.moves if isinstance(move, Ending)]
        repeated = [stage.searches for stage in profile.stages if stage.searches.runs]
        played = {k: play(self.simulators[k], profile, price, limits) for k in self._having(chosen, repeated)}
        return self._point("selector", played, expected(profile, price, limits).flops)

    def _having(self, endings: Sequence[Ending], repeated: Sequence[Searches] = ()) -> list[int]:
        """Return the seeds that have all these searches, often enough. Raises BadInput if none has."""
        wanted = dict.fromkeys((key_of(ending) for ending in endings if is_search(ending)), 1)
        for searches in repeated:
            wanted[key_of(searches)] = max(searches.runs, wanted.get(key_of(searches), 1))
        found = [
            k for k, pool in enumerate(self.pools)
            if all(key in pool.parameters and pool.repeats(key) >= runs for key, runs in wanted.items())
        ]  # fmt: skip
        if not found:
            names = ", ".join(
                f"{name} at N = {n}" + (f" with {wanted[name, n]} seeds" if wanted[name, n] > 1 else "")
                for name, n in sorted(wanted)
            )
            raise BadInput(f"the profile has searches that no seed of the test runs has: run {names}.")
        return found

    def _point(self, name: str, played: Mapping[int, Played], expected: float = 0.0) -> Point:
        right = [right_of(self.pools[k], each.answers) for k, each in played.items()]
        endings = Counter[str]()
        for each in played.values():
            endings.update({way: share / len(played) for way, share in each.endings.items()})
        flops = _mean([each.flops for each in played.values()])
        return Point(name, _mean(right), flops, expected, dict(endings), len(played))


def measure(simulators: SeedSimulators, parts: Sequence[Part], budgets: Sequence[float]) -> Measured:
    """Play every fixed strategy, and the selector at every budget; each problem with the profile of its part."""
    found: dict[str, list[Point]] = {}
    for ending in sorted(parts[0].profile.stages[0].endings, key=lambda ending: ending.n):
        found.setdefault(name_of(ending), []).append(simulators.fixed(ending))
    selector = [simulators.selector_of(parts, budget) for budget in budgets]
    pairs = {name: tuple(points) for name, points in found.items()}
    first = parts[0].profile
    return Measured(first.policy, first.prm, len(simulators.simulators), simulators.ids, pairs, tuple(selector))


def greedy_point(folder: Path, ids: Sequence[str]) -> Point:
    """Return the point of a run of one greedy answer per problem; its cost is that of the policy."""
    found = {Problem(row.problem).id: row for row in outcomes.read(outcomes.file_of(folder))}
    rows = [found[id] for id in ids]
    right = np.array([float(row.right[0]) for row in rows])
    return Point("greedy@1", right, np.array([float(row.usage.policy_flops) for row in rows]))


def _mixed(less: Point, more: Point, share: float) -> Point:
    """Mix two points: a share of the problems, whichever they are, is played the second way."""
    endings = Counter({way: (1 - share) * many for way, many in less.endings.items()})
    endings.update({way: share * many for way, many in more.endings.items()})

    def mean(a: Any, b: Any) -> Any:
        return (1 - share) * a + share * b

    return Point(
        less.name, mean(less.right, more.right), mean(less.flops, more.flops), mean(less.expected, more.expected),
        dict(endings), less.seeds,
    )  # fmt: skip


def _together(each: Sequence[tuple[Part, Point]]) -> Point:
    """Join the points of several parts of the problems."""
    right, flops = np.zeros_like(each[0][1].right), np.zeros_like(each[0][1].flops)
    for part, point in each:
        right[part.rows], flops[part.rows] = point.right[part.rows], point.flops[part.rows]
    share = [len(part.rows) / len(right) for part, _ in each]
    endings = Counter[str]()
    for weight, (_, point) in zip(share, each, strict=True):
        endings.update(
            {way: weight * many for way, many in point.endings.items()}
        )  # weighted by the size of the part: an approximation
    cost = sum(weight * point.expected for weight, (_, point) in zip(share, each, strict=True))
    return Point(each[0][1].name, right, flops, cost, dict(endings), each[0][1].seeds)


def budgets_of(profile: Profile, count: int = BUDGETS) -> list[float]:
    """Return budgets in even ratios, from the cheapest answer to the most expensive fixed strategy."""
    costs = [ending.flops[0] for ending in profile.stages[0].endings]
    return [float(budget) for budget in np.geomspace(min(costs), max(costs), count)]


def name_of(ending: Ending) -> str:
    """Name a fixed strategy."""
    return "greedy" if is_search(ending) and ending.strategy in ("majority", "best-of-n") else key_of(ending)[0]


def _mean(values: Sequence[Floats]) -> Floats:
    """Average each problem over seeds and orders [P]."""
    found: Floats = np.mean(values, axis=(0, 2))
    return found
