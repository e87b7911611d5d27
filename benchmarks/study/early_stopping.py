"""Evaluation of early stopping without a profile: sampling until the votes are settled, against all N samples."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.calibrate.vote_choice import unmeasured_ending
from benchmarks.recordings.pool import Pool
from benchmarks.simulate.features import Floats, Ints
from benchmarks.simulate.simulator import BEGINNING, Simulator, right_of
from benchmarks.stats.intervals import difference
from benchmarks.stats.vote_rules import DEFAULT, MAJORITY, VoteRule
from tts.selection.published_rule import rounds, settled_confidence


def sample_until_settled(simulator: Simulator, strategy: str, most: int) -> tuple[Ints, Ints]:
    """Sample until the votes are settled; return the elected class and the number of samples, each [P, S]."""
    rule = _rule(strategy)
    shape = len(simulator), simulator.orders
    answers, used = np.full(shape, -1), np.zeros(shape, dtype=np.int64)
    for n in rounds(most):
        fresh = (used == 0) & ((n == most) | _are_settled(simulator, n, strategy == "best-of-n", rule.aggregate))
        answers[fresh], used[fresh] = simulator.answers(BEGINNING, unmeasured_ending(strategy, n, rule))[fresh], n
    return answers, used


def compared(name: str, pool: Pool, orders: int) -> Iterator[dict[str, Any]]:
    """Compare early stopping with all N samples, for each vote and N."""
    simulator = Simulator(pool, orders)
    for strategy in ("majority", *(["best-of-n"] if pool.scored else [])):
        for most in sorted({min(16, pool.width), pool.width}):
            answers, used = sample_until_settled(simulator, strategy, most)
            all_samples = simulator.answers(BEGINNING, unmeasured_ending(strategy, most, _rule(strategy)))
            ours, theirs = (right_of(pool, found).mean(axis=1) for found in (answers, all_samples))
            yield {
                "recording": name,
                "strategy": strategy,
                "N": most,
                "mean samples": f"{used.mean():.1f}",
                "right": f"{100 * ours.mean():.1f}",
                "over all N": difference(ours.tolist(), theirs.tolist()).points(),
            }


def _rule(strategy: str) -> VoteRule:
    return DEFAULT if strategy == "best-of-n" else MAJORITY


def _are_settled(simulator: Simulator, n: int, scored: bool, aggregate: str) -> NDArray[np.bool_]:
    """Return whether the votes of the first ``n`` samples are settled [P, S]."""
    found = np.zeros((len(simulator), simulator.orders), dtype=bool)
    for row, problem in enumerate(simulator.problems):
        evidence = problem.without_greedy.evidence(n, scored, aggregate)
        scores: Floats | None = None if evidence.scores is None else np.nan_to_num(evidence.scores)
        for order, classes in enumerate(evidence.classes):
            mine = None if scores is None else scores[order].tolist()
            found[row, order] = settled_confidence(classes.tolist(), mine) is not None
    return found
