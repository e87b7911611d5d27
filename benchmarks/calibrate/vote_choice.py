"""Choice of the vote and aggregation that are right most often."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.calibrate.regression import Floats
from benchmarks.recordings.pool import Key
from benchmarks.simulate.simulator import GradedSimulator
from benchmarks.stats.vote_rules import DEFAULT, MAJORITY, VOTE_RULES, VoteRule, best_rule
from tts.registry import resolve
from tts.search.variant import base
from tts.selection.profile import Curve, Ending, Stage

_NONE = Curve((0.0,), (0.0,), (0.0,))


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
        rules = VOTE_RULES if resolve("strategy", base(strategy)).needs_reward else (MAJORITY,)
        found[strategy] = _better(
            rows,
            (
                (b, [graded.right(s, unmeasured_ending(*key, b, graded.pool.parameters[key])) for s, key in ways])
                for b in rules
            ),
        )
    return found


def _better(rows: NDArray[np.int64], found: Iterable[tuple[VoteRule, Sequence[Floats]]]) -> VoteRule:
    """Return the best rule over all stages, each problem's mean of them."""
    return best_rule({rule: np.mean([right[rows].mean(axis=1) for right in rights], axis=0) for rule, rights in found})


def unmeasured_stage(n: int, scored: bool) -> Stage:
    """Return a stage without measurements."""
    return Stage(n, scored, (), (1.0,), _NONE)


def unmeasured_ending(strategy: str, n: int, rule: VoteRule, parameters: Mapping[str, Any] | None = None) -> Ending:
    """Return an ending without measurements."""
    return Ending(base(strategy), n, _NONE, (0.0,), rule.vote, rule.aggregate, dict(parameters or {}))
