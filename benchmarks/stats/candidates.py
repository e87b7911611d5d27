"""The candidates of one problem as arrays: what votes, estimates and pools read of them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from benchmarks.stats.costs import sharing_of
from benchmarks.stats.regression import Floats, sigmoid
from tts.answers.aggregate import logistic

OWN = "own"
"""Key of the scores that the rows hold, aggregated as their plan says."""


@dataclass(frozen=True, slots=True)
class Candidates:
    """Solutions of one problem that can vote.

    Attributes:
        classes: class of each answer [m]; equal answers share a number, -1 casts no vote.
        scores: for each aggregation (:data:`tts.answers.aggregate.AGGREGATES`, or OWN) the score of each candidate [m];
            NaN without one.
        right: whether each is right [m].
        tokens: sampled tokens of each [m].
        lineages: number of the first step of each [m], see the vote ``lineage``; by default each has its own.
        sharing: lengths of shared steps, see :func:`benchmarks.stats.costs.sharing_of`; empty if unknown.
    """

    classes: NDArray[np.int64]
    scores: Mapping[str, NDArray[np.float64]]
    right: NDArray[np.bool_]
    tokens: NDArray[np.int64]
    lineages: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    sharing: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))

    def __post_init__(self) -> None:
        if not len(self.lineages):
            object.__setattr__(self, "lineages", np.arange(len(self.classes)))

    @classmethod
    def of(
        cls,
        classes: Sequence[int],
        scores: Mapping[str, Sequence[float | None]],
        right: Sequence[bool],
        tokens: Sequence[int],
        solutions: Sequence[Sequence[str]] = (),
        lineages: Sequence[str] = (),
    ) -> Candidates:
        """Convert lists of one length; ``solutions`` are the steps of each candidate, if known.

        ``lineages`` are :attr:`tts.types.Candidate.lineage`; none for independent samples.
        """
        arrays = {
            how: np.array([math.nan if score is None else score for score in values], dtype=float)
            for how, values in scores.items()
        }
        return cls(
            np.array(classes, dtype=np.int64), arrays, np.array(right, dtype=bool), np.array(tokens, dtype=np.int64),
            numbered(lineages), sharing_of(solutions),
        )  # fmt: skip

    def __len__(self) -> int:
        return len(self.classes)

    def scored_by(self, how: str | None) -> NDArray[np.float64]:
        """Return the scores of this aggregation [m]; all NaN for None, as they are without a reward model."""
        return np.full(len(self), math.nan) if how is None else by_aggregation(self.scores, how)

    def cut(self, part: slice) -> Candidates:
        """Return some of the candidates; what these share is unknown."""
        scores = {how: values[part] for how, values in self.scores.items()}
        return Candidates(self.classes[part], scores, self.right[part], self.tokens[part], self.lineages[part])


def numbered(lineages: Sequence[str]) -> NDArray[np.int64]:
    """Number lineages by their first appearance [m]."""
    numbers = {name: k for k, name in enumerate(dict.fromkeys(lineages))}
    return np.array([numbers[name] for name in lineages], dtype=np.int64)


def by_aggregation(scores: Mapping[str, Floats], how: str) -> Floats:
    """Return the scores of an aggregation; those of a fitted one are computed from the plain ones."""
    return scores[how] if how in scores else sigmoid(logistic(how).log_odds(scores))
