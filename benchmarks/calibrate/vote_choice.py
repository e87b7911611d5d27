"""How candidates become one answer: which vote on which aggregation of scores is right most often."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.calibrate.regression import Floats
from benchmarks.recordings.pool import Key
from benchmarks.simulate.simulator import Table
from tts.answers.aggregate import AGGREGATES
from tts.registry import resolve
from tts.selection.profile import Curve, Finish, Stage

SURE = 1.645
"""Standard errors by which a vote must be better than the default to be chosen."""

_NONE = Curve((0.0,), (0.0,), (0.0,))


@dataclass(frozen=True, slots=True)
class Ballot:
    """How candidates become one answer."""

    vote: str
    aggregate: str


DEFAULT = Ballot("weighted", "last")
COUNTED = Ballot("majority", "last")
BALLOTS = tuple(dict.fromkeys([DEFAULT, COUNTED, *(Ballot(v, a) for v in ("weighted", "best") for a in AGGREGATES)]))


def of_samples(table: Table, rows: NDArray[np.int64]) -> Ballot:
    """One ballot for all scored stages: what differs between them is mostly chance, and one is easier to explain.

    ``rows`` are the problems that are learned from.
    """
    stages = [blank(n, True) for n in table.pool.sizes if n > 2]
    if not stages:
        return DEFAULT
    return _better(
        rows, ((b, [table.right(replace(s, vote=b.vote, aggregate=b.aggregate)) for s in stages]) for b in BALLOTS)
    )


def of_searches(table: Table, rows: NDArray[np.int64], keys: Sequence[Key]) -> dict[str, Ballot]:
    """One ballot for each strategy, over its widths, alone and beside four samples."""
    found: dict[str, Ballot] = {}
    stages = [blank(0, False), *(blank(n, True) for n in table.pool.sizes if n == 4 and table.pool.scored)]
    for strategy in dict.fromkeys(name for name, _ in keys):
        ways = [(stage, key) for stage in stages for key in keys if key[0] == strategy]
        ballots = BALLOTS if resolve("strategy", strategy).needs_reward else (COUNTED,)
        found[strategy] = _better(
            rows,
            (
                (b, [table.right(s, blank_finish(*key, b, table.pool.parameters[key])) for s, key in ways])
                for b in ballots
            ),
        )
    return found


def _better(rows: NDArray[np.int64], found: Iterable[tuple[Ballot, Sequence[Floats]]]) -> Ballot:
    """The ballot that was right most often, if that is surely more often than the first one."""
    each = [(b, np.mean([right[rows].mean(axis=1) for right in rights], axis=0)) for b, rights in found]
    default, ground = each[0]
    best, top = max(each, key=lambda pair: float(pair[1].mean()))
    gain = top - ground
    return best if gain.mean() > SURE * gain.std() / np.sqrt(len(gain)) else default


def blank(n: int, scored: bool) -> Stage:
    """A stage of which nothing is known."""
    return Stage(n, scored, (), (1.0,), _NONE)


def blank_finish(strategy: str, n: int, ballot: Ballot, parameters: Mapping[str, Any] | None = None) -> Finish:
    """A search of which nothing is known."""
    return Finish(strategy, n, _NONE, (0.0,), ballot.vote, ballot.aggregate, dict(parameters or {}))
