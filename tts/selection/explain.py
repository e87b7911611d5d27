"""Explanations of a decision, as sentences and rows: for the trace, for ``tts plan``, for the reason of a plan."""

from __future__ import annotations

import re
from typing import Any

from tts.selection.profile import Advance, Ending, Profile, Stage
from tts.selection.selector import Choice, Decision, Limits, separate_search
from tts.types import Plan


def plan_of(profile: Profile, decision: Decision, limits: Limits, source: str) -> Plan:
    """Return the plan of a decision: strategy, width and vote, and the reason."""
    stage, move, why = decision.stage, decision.choice.move, reason(decision, source, profile.greedy)
    if isinstance(move, Ending):
        n = limits.width(stage, move)
        return Plan(move.strategy, move.parameters, n, vote=move.vote, aggregate=move.aggregate, reason=why)
    after = profile.by_key[move.key] if isinstance(move, Advance) else stage
    votes: dict[str, Any] = {"vote": after.vote, "aggregate": after.aggregate, "reason": why}
    if after.searches.runs:
        search = after.searches
        n = search.n if search.runs > stage.searches.runs else after.total
        return Plan(search.strategy, search.parameters, n, **votes)
    return Plan("best-of-n" if after.scored else "majority", n=after.n, **votes)


def reason(decision: Decision, source: str, greedy: bool = False) -> str:
    """Explain a decision in one sentence; ``greedy``: the first sample is the greedy one."""
    choice = decision.choice
    known = (
        f"after {_samples(decision.stage, greedy)}{_searches(decision.stage)}{_difficulty(decision)}, "
        if decision.stage.n
        else ""
    )
    if not decision.within:
        return f"{known}the ceiling is below the cost of any answer: the cheapest one, by {source}"
    what = _words(decision.stage, choice)
    further = "" if choice.move is None else f" for {choice.flops:.2g} FLOPs"
    return f"{known}{what}: {_percent(choice)} right{further}, by {source}"


def without_rates(reason: str) -> str:
    """Remove the profile's rates from a reason: they hold for problems like those that it was measured on."""
    return _RATES.sub("", reason)


_RATES = re.compile(r" \(pass@1 about [^)]*\)|: \d+ % \[\d+, \d+\] right(?: for \S+ FLOPs)?")
"""What :func:`_difficulty` and :func:`_percent` add."""


def considered(decision: Decision, limits: Limits) -> dict[str, Any]:
    """Return the basis of a decision as JSON types."""
    return {
        "samples": decision.stage.n,
        "scored": decision.stage.scored,
        "belief": decision.belief,
        "difficulty": list(decision.difficulty) if decision.difficulty else None,
        "price": decision.price,
        "options": [_row(decision.stage, choice, limits, choice == decision.choice) for choice in decision.options],
    }


def _row(stage: Stage, choice: Choice, limits: Limits, chosen: bool) -> dict[str, Any]:
    move = choice.move
    n, vote = stage.n, stage.vote
    if isinstance(move, Ending):
        n, vote = limits.width(stage, move) or move.n, move.vote
    elif isinstance(move, Advance):
        n, vote = move.total, ""
    return {
        "plan": _words(stage, choice), "n": n, "vote": vote, "right": choice.right, "low": choice.low,
        "high": choice.high, "flops": choice.flops, "worth": choice.worth,
        "blind": isinstance(move, Ending) and move.blind, "chosen": chosen,
    }  # fmt: skip


def _words(stage: Stage, choice: Choice) -> str:
    """Describe a move."""
    move = choice.move
    if move is None:
        return "stop"
    if isinstance(move, Advance):
        if move.searches.runs > stage.searches.runs:
            return f"{move.searches.strategy}, look again"
        if move.n == stage.n:
            return "score, look again"
        more = "sample on" if stage.n else "sample"
        return f"{more}, score, look again" if move.scored else f"{more}, look again"
    if move.n == 1 and move.parameters.get("temperature") == 0:
        return "greedy answer"
    more = " plus samples" if stage.n and separate_search(move) else ", blind" if move.blind else ""
    return f"{move.strategy}{_variant(stage, move)}{more}"


def _variant(stage: Stage, move: Ending) -> str:
    """Return the parameters by which a move differs from another one of its strategy, as ``:granularity=2``."""
    others = [each.parameters for each in stage.endings if each.strategy == move.strategy]
    own = {name: value for name, value in move.parameters.items() if any(o.get(name, value) != value for o in others)}
    return "".join(f":{name}={own[name]}" for name in sorted(own) if name != "temperature")


def _samples(stage: Stage, greedy: bool) -> str:
    scored = "scored " if stage.scored else ""
    if greedy:
        more = f" and {stage.n - 1} more sample{'s' if stage.n > 2 else ''}" if stage.n > 1 else ""
        return f"the {scored}greedy answer{more}"
    return f"{stage.n} {scored}sample{'s' if stage.n > 1 else ''}"


def _searches(stage: Stage) -> str:
    search = stage.searches
    if not search.runs:
        return ""
    many = "one run" if search.runs == 1 else f"{search.runs} runs"
    return f" and {many} of {search.strategy} with N = {search.n}"


def _difficulty(decision: Decision) -> str:
    if decision.difficulty is None:
        return ""
    mean, low, high = decision.difficulty
    return f" (pass@1 about {100 * mean:.0f} % [{100 * low:.0f}, {100 * high:.0f}])"


def _percent(choice: Choice) -> str:
    return f"{100 * choice.right:.0f} % [{100 * choice.low:.0f}, {100 * choice.high:.0f}]"
