"""The rule without a profile on recorded samples: drawn until their votes are settled, beside drawing all of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.calibrate.vote_choice import COUNTED, DEFAULT, Ballot, blank_finish
from benchmarks.recordings.pool import Pool
from benchmarks.simulate.features import Floats, Ints
from benchmarks.simulate.simulator import BEGINNING, Deck, right_of
from benchmarks.stats.intervals import difference
from tts.selection.published_rule import rounds, settled


def settle(deck: Deck, strategy: str, most: int) -> tuple[Ints, Ints]:
    """The class elected, and the number of samples it took, ``most`` at most; each [P, S]."""
    ballot = _ballot(strategy)
    shape = len(deck), deck.orders
    answers, used = np.full(shape, -1), np.zeros(shape, dtype=np.int64)
    for n in rounds(most):
        fresh = (used == 0) & ((n == most) | _settled(deck, n, strategy == "best-of-n", ballot.aggregate))
        answers[fresh], used[fresh] = deck.answers(BEGINNING, blank_finish(strategy, n, ballot))[fresh], n
    return answers, used


def compared(name: str, pool: Pool, orders: int) -> Iterator[dict[str, Any]]:
    """For each vote and N: the mean samples, how often they are right, and how that differs from all N."""
    deck = Deck(pool, orders)
    for strategy in ("majority", *(["best-of-n"] if pool.scored else [])):
        for most in sorted({min(16, pool.width), pool.width}):
            answers, used = settle(deck, strategy, most)
            all_of_them = deck.answers(BEGINNING, blank_finish(strategy, most, _ballot(strategy)))
            ours, theirs = (right_of(pool, found).mean(axis=1) for found in (answers, all_of_them))
            yield {
                "recording": name,
                "strategy": strategy,
                "N": most,
                "mean samples": f"{used.mean():.1f}",
                "right": f"{100 * ours.mean():.1f}",
                "over all N": difference(ours.tolist(), theirs.tolist()).points(),
            }


def _ballot(strategy: str) -> Ballot:
    return DEFAULT if strategy == "best-of-n" else COUNTED


def _settled(deck: Deck, n: int, scored: bool, aggregate: str) -> NDArray[np.bool_]:
    """Whether the votes of the first ``n`` samples are settled [P, S]."""
    found = np.zeros((len(deck), deck.orders), dtype=bool)
    for row, problem in enumerate(deck.problems):
        hands = problem.plain.hands(n, scored, aggregate)
        scores: Floats | None = None if hands.scores is None else np.nan_to_num(hands.scores)
        for order, classes in enumerate(hands.classes):
            mine = None if scores is None else scores[order].tolist()
            found[row, order] = settled(classes.tolist(), mine) is not None
    return found
