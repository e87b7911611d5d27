"""What a search gains over the weighted vote of independent samples that cost as many FLOPs.

FLOPs are those of the policy and of the reward model. The vote's accuracy is known at 1, 2, 4, ... samples and is
interpolated in the logarithm of the cost (:mod:`benchmarks.study.compare`). Gains are paired by problem.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks.recordings.gather import read
from benchmarks.simulate.simulator import SampleOrders
from benchmarks.stats.intervals import Interval, percentile
from benchmarks.stats.subsets import accuracy_at
from benchmarks.study.compare import Draws, Point
from benchmarks.study.search_replay import ORDERS, Samples, replay_of, replayed
from benchmarks.study.search_runs import HARD, SAMPLES, Grid, parts, recorded
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
    """A search at one N, over one group of problems, in the mean over ``seeds``.

    ``vote`` is the accuracy of the vote that costs as much; it and ``gain`` are None if one scored sample costs more.
    """

    problems: int
    flops: float
    right: Interval
    vote: float | None
    gain: Interval | None
    seeds: int = 1


@dataclass(frozen=True, slots=True)
class Row:
    """A search of one policy at one N: its gains by group of levels. A group that was not run whole is missing."""

    policy: str
    search: str
    n: int
    gains: Mapping[str, Gain]

    @property
    def hard(self) -> Interval | None:
        """Return the gain on the hard problems; None if it is not known."""
        return self.gains[words(HARD)].gain if words(HARD) in self.gains else None

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
    rows = [row for _, row in sorted(found.rows.items()) if Problem(row.problem).id in entries]  # as in other seeds
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
        cells = [(replace(grid, levels=part), seed) for seed in range(grid.seeds) for part in grid.parts()]
        bases = {(own.levels, seed): base_of(root, own, policy, seed) for own, seed in cells}
        for search in grid.searches:
            for n in grid.widths:
                played = {
                    (own.levels, seed): (base, point)
                    for own, seed in cells
                    if (base := bases[own.levels, seed])
                    if (point := points(root, own, base, search, n, policy, seed))
                }
                gains = {
                    words(group): _gain(each, draws)
                    for group in groups(grid.levels)
                    if (each := [one for seed in range(grid.seeds) if (one := _joined(grid, group, played, seed))])
                }
                if gains:
                    found.append(Row(policy, search, n, gains))
    return found


def groups(levels: Sequence[int]) -> list[tuple[int, ...]]:
    """Return the groups of levels that are compared: all, the hard ones, the others, and each by itself."""
    return list(dict.fromkeys([tuple(levels), *parts(levels), *((level,) for level in levels)]))


Joined = tuple[Point, tuple[Point, ...]]
"""A search and the votes of one seed, on the same problems."""


def _joined(
    grid: Grid, group: Sequence[int], played: Mapping[tuple[tuple[int, ...], int], tuple[Base, Point]], seed: int
) -> Joined | None:
    """Return a seed's problems of some levels; None if a part of them was not run."""
    found = [played.get((part, seed)) for part in grid.parts() if set(part) & set(group)]
    whole = [each for each in found if each]
    if len(whole) < len(found):
        return None
    inside = [np.isin(base.levels, group) for base, _ in whole]
    point = _end_to_end([_cut(point, here) for (_, point), here in zip(whole, inside, strict=True)])
    votes = [[_cut(v, here) for v in base.votes] for (base, _), here in zip(whole, inside, strict=True)]
    return point, tuple(map(_end_to_end, zip(*votes, strict=True)))


def _gain(each: Sequence[Joined], draws: int) -> Gain:
    votes = [_mean(votes) for votes in zip(*(votes for _, votes in each), strict=True)]
    return replace(compared(_mean([point for point, _ in each]), votes, draws), seeds=len(each))


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
    return Point(each[0].name, np.mean([p.right for p in each], axis=0), np.mean([p.flops for p in each], axis=0))


def _end_to_end(each: Sequence[Point]) -> Point:
    return Point(each[0].name, np.concatenate([p.right for p in each]), np.concatenate([p.flops for p in each]))


def _cut(point: Point, inside: np.ndarray) -> Point:
    return Point(point.name, point.right[inside], point.flops[inside])


def words(levels: Sequence[int]) -> str:
    """Name a group of levels."""
    return f"level{'s' * (len(levels) > 1)} {','.join(map(str, levels))}"
