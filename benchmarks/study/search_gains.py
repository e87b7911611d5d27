"""What a search gains over the weighted vote of independent samples that cost as many FLOPs.

FLOPs are those of the policy and of the reward model. The vote's accuracy is known at 1, 2, 4, ... samples and is
interpolated in the logarithm of the cost (:mod:`benchmarks.study.compare`). Gains are paired by problem.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.recordings.gather import read
from benchmarks.simulate.features import Floats
from benchmarks.simulate.simulator import SampleOrders
from benchmarks.stats.intervals import Interval, percentile
from benchmarks.stats.subsets import accuracy_at
from benchmarks.study.compare import Draws, Point
from benchmarks.study.search_replay import ORDERS, Samples, replay_of, replayed
from benchmarks.study.search_runs import HARD, SAMPLES, Grid, recorded
from tts.errors import BadInput
from tts.types import Problem


@dataclass(frozen=True, slots=True)
class Base:
    """The samples of one policy and seed, by problem: their votes at several n, and what replays read."""

    ids: tuple[str, ...]
    levels: tuple[int, ...]
    samples: tuple[Samples, ...]
    votes: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Gain:
    """A search at one N, over one group of problems.

    ``vote`` is the accuracy of the vote that costs as much; it and ``gain`` are None if one scored sample costs more.
    """

    problems: int
    flops: float
    right: Interval
    vote: float | None
    gain: Interval | None


@dataclass(frozen=True, slots=True)
class Row:
    """A search of one policy at one N: its gains by group, and the number of seeds."""

    policy: str
    search: str
    n: int
    seeds: int
    gains: Mapping[str, Gain]

    @property
    def hard(self) -> Interval | None:
        """Return the gain on the hard problems; None if it is not known."""
        return self.gains[_words(HARD)].gain if _words(HARD) in self.gains else None

    @property
    def above(self) -> bool:
        """Return whether the interval on the hard problems is above zero."""
        return self.hard is not None and self.hard.low > 0


def base_of(root: Path, grid: Grid, policy: str, seed: int) -> Base | None:
    """Read the samples of a policy and seed; None if some are missing."""
    cells = grid.of(policy, SAMPLES, grid.samples, seed)
    found = recorded(root, cells)
    if found.missing:
        return None
    entries = {entry.id: entry for entry in read([root / cell.name for cell in cells]).entries}
    rows = [row for row in found.rows.values() if Problem(row.problem).id in entries]
    if len(rows) < len(found.rows):
        raise BadInput(f"{root} holds two problems of the same text: remove one from the data.")
    samples = [Samples.of(entries[Problem(row.problem).id], row) for row in rows]
    sizes = [2**k for k in range(grid.samples.bit_length()) if 2**k <= grid.samples]
    votes = [_vote(samples, n) for n in sizes]
    return Base(tuple(row.id for row in rows), tuple(row.level for row in rows), tuple(samples), tuple(votes))


def _vote(samples: Sequence[Samples], n: int) -> Point:
    """Return the weighted vote of n samples, in the mean over subsets, and its cost."""
    right, flops = [], []
    for each in samples:
        orders = np.random.default_rng(0).permuted(np.tile(np.arange(len(each.scores)), (ORDERS, 1)), axis=1)
        right.append(accuracy_at(each.entry.samples.candidates, n, "weighted", "last"))
        flops.append(float(SampleOrders(each.entry, orders).spent(n, True).mean()))
    return Point(f"vote@{n}", np.array(right), np.array(flops))


def points(root: Path, grid: Grid, base: Base, search: str, n: int, policy: str, seed: int) -> Point | None:
    """Return the accuracy and cost of a search for each problem; None if its run is not complete."""
    replay = replay_of(search)
    if replay is not None:
        played = [replayed(each, replay, n) for each in base.samples] if n <= grid.samples else None
    else:
        found = recorded(root, grid.of(policy, search, n, seed))
        rows = None if found.missing else [found.rows[name] for name in base.ids]
        played = [(float(row.correct), float(row.usage.flops)) for row in rows] if rows else None
    if not played:
        return None
    return Point(f"{search}@{n}", np.array([right for right, _ in played]), np.array([flops for _, flops in played]))


def rows(root: Path, grid: Grid, draws: int) -> list[Row]:
    """Compare every search that has been run with the vote."""
    found = []
    for policy in grid.policies:
        bases = [(seed, base) for seed in range(grid.seeds) if (base := base_of(root, grid, policy, seed))]
        for search in grid.searches:
            for n in grid.widths:
                each = [(base, points(root, grid, base, search, n, policy, seed)) for seed, base in bases]
                played = [(base, point) for base, point in each if point]
                if played:
                    found.append(Row(policy, search, n, len(played), _gains(grid, played, draws)))
    return found


def _gains(grid: Grid, played: Sequence[tuple[Base, Point]], draws: int) -> dict[str, Gain]:
    levels = np.array(played[0][0].levels)
    point = _mean([point for _, point in played])
    votes = [_mean(each) for each in zip(*(base.votes for base, _ in played), strict=True)]
    return {
        _words(group): compared(_cut(point, inside), [_cut(vote, inside) for vote in votes], draws)
        for group in dict.fromkeys([grid.levels, tuple(level for level in grid.levels if level in HARD)])
        if (inside := np.isin(levels, group)).any()
    }


def compared(point: Point, votes: Sequence[Point], draws: int) -> Gain:
    """Compare a search with the vote at its cost, in every draw of a paired bootstrap."""
    drawn = Draws(len(point.right), draws)
    ours, theirs = drawn.of([point]), drawn.of(votes)
    vote = theirs.at(ours.flops[:, 0])
    gain, known = percentile(ours.right[:, 0] - vote), float(vote[0])
    right = drawn.mean(point.right)
    return Gain(len(point.right), float(ours.flops[0, 0]), right, known if gain else None, gain)


def _mean(each: Sequence[Point]) -> Point:
    """Average the seeds."""

    def mean(values: list[Floats]) -> Floats:
        found: Floats = np.mean(values, axis=0)
        return found

    return Point(each[0].name, mean([point.right for point in each]), mean([point.flops for point in each]))


def _cut(point: Point, inside: np.ndarray) -> Point:
    return Point(point.name, point.right[inside], point.flops[inside])


def _words(levels: Sequence[int]) -> str:
    return f"levels {','.join(map(str, levels))}"
