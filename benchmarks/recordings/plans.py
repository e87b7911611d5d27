"""Plans of recorded outcomes: the strategy, whether its candidates are independent samples, and one line of words."""

from __future__ import annotations

from benchmarks.stats import subsets
from tts.records.outcomes import Outcome
from tts.search.variant import base
from tts.types import Plan

UNKNOWN = Plan("")
"""Plan of a recording that names none: independent samples."""


def strategy_of(outcome: Outcome) -> str:
    """Return the strategy that the job names, else the plan's; empty if the plan is UNKNOWN."""
    return outcome.job.rpartition("/")[0] or outcome.plan.strategy


def independent(outcome: Outcome) -> bool:
    """Return whether the candidates are independent samples, of which a subset is a valid run at a smaller N."""
    strategy = strategy_of(outcome)
    return not strategy or subsets.independent(strategy)


def plan_words(outcome: Outcome) -> str:
    """Describe the plan in one line that distinguishes the plans of a run; empty if it is UNKNOWN.

    The plans that a job chose are one.
    """
    plan, strategy = outcome.plan, strategy_of(outcome)
    if base(strategy) != plan.strategy:
        return f"{strategy}, N = {outcome.job.rpartition('/')[2]}, a plan for each problem"
    if not strategy:
        return ""
    words = [strategy, f"N = {plan.n}", plan.policy, plan.prm, f"seed {plan.seed}" * bool(plan.seed)]
    return ", ".join(word for word in words if word)
