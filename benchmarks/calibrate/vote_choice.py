"""Choice of the vote and aggregation that are right most often."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.calibrate.regression import Floats
from benchmarks.recordings.pool import Key
from benchmarks.simulate.simulator import GradedSimulator
from tts.answers.aggregate import AGGREGATES
from tts.registry import resolve
from tts.selection.profile import Curve, Ending, Stage

SURE = 1.645
"""Standard errors by which a vote must exceed the default to be chosen."""

_NONE = Curve((0.0,), (0.0,), (0.0,))


@dataclass(frozen=True, slots=True)
class VoteRule:
    """A vote and the aggregation of step scores it uses."""

    vote: str
    aggregate: str


DEFAULT = VoteRule("weighted", "last")
MAJORITY = VoteRule("majority", "last")
VOTE_RULES = tuple(
    dict.fromkeys([DEFAULT, MAJORITY, *(VoteRule(v, a) for v in ("weighted", "best") for a in AGGREGATES)])
)


def of_samples(graded: GradedSimulator, rows: NDArray[np.int64]) -> VoteRule:
    """Choose one rule for all scored stages: differences between stages are mostly noise.

    ``rows`` are the problems to learn from.
    """
    stages = [unmeasured_stage(n, True) for n in graded.pool.sizes if n > 2]
    if not stages:
        return DEFAULT
    return _better(
        rows, ((b, [graded.right(replace(s, vote=b.vote, aggregate=b.aggregate)) for s in stages]) for b in VOTE_RULES)
    )


def of_searches(graded: GradedSimulator, rows: NDArray[np.int64], keys: Sequence[Key]) -> dict[str, VoteRule]:
    """Choose one rule per strategy, over its widths, alone and together with four samples."""
    found: dict[str, VoteRule] = {}
    stages = [
        unmeasured_stage(0, False),
        *(unmeasured_stage(n, True) for n in graded.pool.sizes if n == 4 and graded.pool.scored),
    ]
    for strategy in dict.fromkeys(name for name, _ in keys):
        ways = [(stage, key) for stage in stages for key in keys if key[0] == strategy]
        rules = VOTE_RULES if resolve("strategy", strategy).needs_reward else (MAJORITY,)
        found[strategy] = _better(
            rows,
            (
                (b, [graded.right(s, unmeasured_ending(*key, b, graded.pool.parameters[key])) for s, key in ways])
                for b in rules
            ),
        )
    return found


def _better(rows: NDArray[np.int64], found: Iterable[tuple[VoteRule, Sequence[Floats]]]) -> VoteRule:
    """Return the rule that is right most often if it is significantly better than the first one, else the first."""
    each = [(b, np.mean([right[rows].mean(axis=1) for right in rights], axis=0)) for b, rights in found]
    default, ground = each[0]
    best, top = max(each, key=lambda pair: float(pair[1].mean()))
    gain = top - ground
    return best if gain.mean() > SURE * gain.std() / np.sqrt(len(gain)) else default


def unmeasured_stage(n: int, scored: bool) -> Stage:
    """Return a stage without measurements."""
    return Stage(n, scored, (), (1.0,), _NONE)


def unmeasured_ending(strategy: str, n: int, rule: VoteRule, parameters: Mapping[str, Any] | None = None) -> Ending:
    """Return an ending without measurements."""
    return Ending(strategy, n, _NONE, (0.0,), rule.vote, rule.aggregate, dict(parameters or {}))
