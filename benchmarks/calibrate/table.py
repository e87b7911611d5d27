"""What the samples and searches of a pool come to at each stage and after each move, problem by problem.

Arrays are [P, S]: P problems, S random orders of the samples of each.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from benchmarks.calibrate.deck import Deck, right_of, searches
from benchmarks.calibrate.pool import Entry, Pool
from benchmarks.calibrate.regression import Floats
from tts.profile import Advance, Finish, Stage

ORDERS = 16
"""Orders of each problem's samples. They are not that many problems: every interval counts a problem once."""


@dataclass(slots=True)
class Table:
    """A pool's deck with the right answers beside it, and what was asked for once kept."""

    pool: Pool
    deck: Deck
    _right: dict[tuple[object, ...], Floats] = field(default_factory=dict)

    @classmethod
    def of(cls, pool: Pool, orders: int = ORDERS, seed: int = 0) -> Table:
        return cls(pool, Deck(pool, orders, seed))

    @property
    def entries(self) -> tuple[Entry, ...]:
        return self.pool.entries

    def right(self, stage: Stage, move: Finish | None = None) -> Floats:
        """Whether the vote is right when one stops at a stage, or after a finish."""
        by = move or stage
        key = *stage.key, move and (move.strategy, move.n, searches(move)), by.vote, by.aggregate
        if key not in self._right:
            self._right[key] = right_of(self.pool, self.deck.answers(stage, move))
        return self._right[key]

    def flops(self, stage: Stage, move: Advance | Finish) -> Floats:
        """What a move costs beyond what the stage has cost."""
        return self.deck.flops(stage, move)

    def features(self, stage: Stage) -> dict[str, Floats]:
        """The features of the samples at a stage, by name."""
        return self.deck.features(stage)
