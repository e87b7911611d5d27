"""Adaptive consistency on recorded samples: where it would have stopped, and what the majority was then."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.stats.intervals import Interval, difference, mean, wilson
from benchmarks.stats.subsets import elected
from tts.records.outcomes import Outcome
from tts.selection.published_rule import rounds, settled_confidence

ORDERS = 200
"""Random orders of the samples that a mean is taken over."""

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Adaptive:
    """Adaptive consistency of at most N samples.

    Attributes:
        n: most samples of a problem.
        accuracy: how often its answer is right, with the 95 % interval over problems.
        samples: mean number of samples of a problem.
        against: accuracy minus that of the majority of all N, paired over the problems.
    """

    n: int
    accuracy: Interval
    samples: Interval
    against: Interval


def adaptive(outcomes: Sequence[Outcome], n: int, subsets: bool = False, seed: int = 0) -> Adaptive:
    """Replay :class:`strategies.adaptive_consistency.AdaptiveConsistency` on graded outcomes of independent samples.

    Args:
        n: most samples; a problem with fewer has all it has.
        subsets: mean over random orders of the samples; else they are taken as recorded.
    """
    found, used, majority = list[float](), list[float](), list[float]()
    for outcome in outcomes:
        classes, right = np.array(outcome.classes, dtype=np.int64), np.array(outcome.right, dtype=bool)
        played = [_played(classes[order], right[order]) for order in _orders(len(right), n, subsets, seed)]
        hits, stops, all_ = np.array(played, dtype=float).mean(axis=0)
        found.append(float(hits))
        used.append(float(stops))
        majority.append(float(all_))
    accuracy = mean(found) if subsets else wilson(round(sum(found)), len(found))
    return Adaptive(n, accuracy, mean(used), difference(found, majority))


def _orders(many: int, n: int, subsets: bool, seed: int) -> list[Ints]:
    if not subsets:
        return [np.arange(min(n, many))]
    rng = np.random.default_rng((seed, many))
    return [rng.permutation(many)[:n] for _ in range(ORDERS)]


def _played(classes: Ints, right: Bools) -> tuple[bool, int, bool]:
    """Return whether the answer is right where the votes settle, the samples until then, and the verdict of all."""
    many = len(classes)
    stop = next((n for n in rounds(many) if settled_confidence(classes[:n].tolist())), many) if many else 0
    return _right(classes[:stop], right), stop, _right(classes, right)


def _right(classes: Ints, right: Bools) -> bool:
    """Return whether the majority of these samples is right."""
    if not len(classes):
        return False
    winner = int(elected(classes[None], np.full((1, len(classes)), np.nan), "majority")[0])
    return winner >= 0 and bool(right[winner])
