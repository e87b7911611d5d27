"""Vote rules: plain ones, the fit of one to graded solutions, and the choice of the one that is right most often."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.stats.candidates import Candidates
from benchmarks.stats.regression import Floats, logistic
from tts.answers.aggregate import AGGREGATES, Logistic

RIDGE = 3.0
"""Ridge penalty of a fitted aggregation, in problems' worth of evidence."""

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

SEARCH_RULES = (*VOTE_RULES, *(VoteRule("lineage", a) for a in AGGREGATES))
"""Rules for the candidates of a search, which may share steps."""


def fitted_rule(problems: Sequence[Candidates]) -> VoteRule:
    """Fit the weighted vote whose weights are the probabilities that the solutions are right.

    ``problems`` are graded solutions with their aggregates; each problem has the same weight. Without any scored
    solution it is the default. See :class:`tts.answers.aggregate.Logistic`.
    """
    there = [~np.isnan(each.scores["last"]) for each in problems]
    if not any(mask.any() for mask in there):
        return DEFAULT
    x = np.concatenate([
        np.stack([each.scores[how][mask] for how in AGGREGATES], axis=1)
        for each, mask in zip(problems, there, strict=True)
    ])  # fmt: skip
    y = np.concatenate([each.right[mask] for each, mask in zip(problems, there, strict=True)]).astype(float)
    weights = np.concatenate([np.full(mask.sum(), 1 / max(1, mask.sum())) for mask in there])
    bias, slopes = logistic(x, y, weights, RIDGE)
    return VoteRule("weighted", str(Logistic(bias, dict(zip(AGGREGATES, slopes.tolist(), strict=True)))))


def held_out(
    problems: Sequence[Candidates], right: Callable[[VoteRule], Floats], same: Sequence[str] | None = None
) -> Floats:
    """Return how often a rule that is fitted to the other half of the problems is right on each [P].

    ``right`` plays a rule on all problems [P]. ``same`` names each problem, where some are there several times.
    """
    numbers = {name: k for k, name in enumerate(dict.fromkeys(same or ()))}
    half = np.array([numbers[name] for name in same] if same else range(len(problems))) % 2
    found = np.zeros(len(problems))
    for other in (0, 1):
        rule = fitted_rule([each for each, mine in zip(problems, half, strict=True) if mine != other])
        found[half == other] = right(rule)[half == other]
    return found


def best_rule(found: Mapping[VoteRule, NDArray[np.float64]]) -> VoteRule:
    """Return the rule that is right most often if it is significantly better than the first one, else the first.

    ``found`` has for each rule how often it is right on each problem [P], the same problems in one order.
    """
    default, ground = next(iter(found.items()))
    best, top = max(found.items(), key=lambda pair: float(pair[1].mean()))
    gain = top - ground
    return best if gain.mean() > SURE * gain.std() / np.sqrt(len(gain)) else default
