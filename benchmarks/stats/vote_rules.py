"""Vote rules, and the choice of the one that is right most often."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tts.answers.aggregate import AGGREGATES

SURE = 1.645
"""Standard errors by which a rule must exceed the default to be chosen."""


@dataclass(frozen=True, slots=True)
class VoteRule:
    """A vote and the aggregation of step scores it uses."""

    vote: str
    aggregate: str

    def __str__(self) -> str:
        """Return the rule as options of the command line."""
        return f"--vote {self.vote}" + (f" --aggregate {self.aggregate}" if self.vote != "majority" else "")


DEFAULT = VoteRule("weighted", "last")
MAJORITY = VoteRule("majority", "last")
VOTE_RULES = tuple(
    dict.fromkeys([DEFAULT, MAJORITY, *(VoteRule(v, a) for v in ("weighted", "best") for a in AGGREGATES)])
)


def best_rule(found: Mapping[VoteRule, NDArray[np.float64]]) -> VoteRule:
    """Return the rule that is right most often if it is significantly better than the first one, else the first.

    ``found`` has for each rule how often it is right on each problem [P], the same problems in one order.
    """
    default, ground = next(iter(found.items()))
    best, top = max(found.items(), key=lambda pair: float(pair[1].mean()))
    gain = top - ground
    return best if gain.mean() > SURE * gain.std() / np.sqrt(len(gain)) else default
