"""From one score per step to one score per solution."""

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
    """One score for a solution from the scores of its steps (each 0..1, in order).

    Raises:
        UnknownName: ``how`` is not one of :data:`AGGREGATES`.
        BadInput: there is no score; a solution nobody scored has score None, not a number.
    """
    try:
        reduce = AGGREGATES[how]
    except KeyError:
        raise UnknownName("aggregation", how, AGGREGATES) from None
    if not scores:
        raise BadInput("no step scores to aggregate: leave the score of an unscored solution at None.")
    return float(reduce(scores))
