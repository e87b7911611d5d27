"""Aggregation of step scores into one score of a solution."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from tts.errors import BadInput, UnknownName

AGGREGATES: dict[str, Callable[[Sequence[float]], float]] = {
    "last": lambda scores: scores[-1],
    "min": min,
    "prod": math.prod,
    "mean": lambda scores: math.fsum(scores) / len(scores),
}
"""``last`` is the default of arXiv 2408.03314 and 2502.06703; ``min`` and ``prod`` follow arXiv 2305.20050."""


def aggregate(scores: Sequence[float], how: str) -> float:
    """Aggregate the step scores of a solution (each 0..1, in order).

    Raises:
        UnknownName: ``how`` is not one of :data:`AGGREGATES`.
        BadInput: the list is empty; an unscored solution has score None, not a number.
    """
    try:
        reduce = AGGREGATES[how]
    except KeyError:
        raise UnknownName("aggregation", how, AGGREGATES) from None
    if not scores:
        raise BadInput("no step scores to aggregate: leave the score of an unscored solution at None.")
    return float(reduce(scores))
