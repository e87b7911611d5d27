"""Choice of the vote and aggregation that are right most often, a fitted aggregation among them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.recordings.pool import Key
from benchmarks.simulate.simulator import GradedSimulator
from benchmarks.stats.regression import Floats
from benchmarks.stats.vote_rules import (
    DEFAULT,
    MAJORITY,
    SEARCH_RULES,
    VOTE_RULES,
    VoteRule,
    best_rule,
    fitted_rule,
    held_out,
)
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

    def right(rule: VoteRule) -> list[Floats]:
        return [graded.right(replace(stage, vote=rule.vote, aggregate=rule.aggregate)) for stage in stages]

    return _better(graded, rows, VOTE_RULES, right)


def of_searches(graded: GradedSimulator, rows: NDArray[np.int64], keys: Sequence[Key]) -> dict[str, VoteRule]:
    """Choose one rule per strategy, over its widths, alone and together with four samples."""
    found: dict[str, VoteRule] = {}
    stages = [
        unmeasured_stage(0, False),
        *(unmeasured_stage(n, True) for n in graded.pool.sizes if n == 4 and graded.pool.scored),
    ]
    for strategy in dict.fromkeys(name for name, _ in keys):
        ways = [(stage, key) for stage in stages for key in keys if key[0] == strategy]
        rules = SEARCH_RULES if resolve("strategy", base(strategy)).needs_reward else (MAJORITY,)

        def right(rule: VoteRule, ways: Sequence[tuple[Stage, Key]] = ways) -> list[Floats]:
            return [graded.right(s, unmeasured_ending(*key, rule, graded.pool.parameters[key])) for s, key in ways]

        found[strategy] = _better(graded, rows, rules, right)
    return found


def _better(
    graded: GradedSimulator,
    rows: NDArray[np.int64],
    rules: Sequence[VoteRule],
    right: Callable[[VoteRule], Sequence[Floats]],
) -> VoteRule:
    """Return the best of the rules and a fitted one, over all ways of ``right``, each problem's mean of them.

    The fitted rule is compared on the half of the problems that it was not fitted to.
    """

    def of(rule: VoteRule) -> Floats:
        found: Floats = np.mean([each[rows].mean(axis=1) for each in right(rule)], axis=0)
        return found

    found = {rule: of(rule) for rule in rules}
    if DEFAULT in found:
        problems = [graded.entries[row].samples.candidates for row in rows]
        found[fitted_rule(problems)] = held_out(problems, of)
    return best_rule(found)


def unmeasured_stage(n: int, scored: bool) -> Stage:
    """Return a stage without measurements."""
    return Stage(n, scored, (), (1.0,), _NONE)


def unmeasured_ending(strategy: str, n: int, rule: VoteRule, parameters: Mapping[str, Any] | None = None) -> Ending:
    """Return an ending without measurements."""
    return Ending(base(strategy), n, _NONE, (0.0,), rule.vote, rule.aggregate, dict(parameters or {}))
