"""What a recorded search may set when it is replayed: its plan and budget, checked, and nothing else.

A trace is data, perhaps from a stranger. Only what the plan's strategy declares is taken from its parameters.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import fields
from typing import Any

from tts.budget import Budget
from tts.errors import BadInput, TTSError
from tts.files import shape
from tts.files.shape import Misfit
from tts.records.solution_json import upgraded
from tts.search.parameters import check_parameter
from tts.search.strategy import parameters_of
from tts.trace import Event
from tts.types import Plan

_CHOICES = {"vote": shape.text, "aggregate": shape.text, "seed": shape.whole, "extract": shape.text, "kind": shape.text}
_SHARED = ("aggregate", "profile")
"""Parameters of strategies that are arguments of a solver too."""


def settings_of(head: Event, arguments: Collection[str], strategy: object = None) -> dict[str, Any]:
    """Return the settings of the plan that a start event holds: budget, strategy, vote and the strategy's parameters.

    Args:
        head: the start event.
        arguments: names that a parameter may not have, since the solver gives them another meaning.
        strategy: another strategy that the caller chose; it gets the parameters that it shares with the recorded one.

    Raises:
        BadInput: for a parameter that the recorded strategy does not declare, or a value of another kind.
        UnknownName: for an unknown strategy.
    """
    try:
        return _settings(head, arguments, strategy)
    except Misfit as error:
        raise BadInput(f"the trace cannot be replayed: {error}.") from error


def _settings(head: Event, arguments: Collection[str], strategy: object) -> dict[str, Any]:
    plan: Any = head.get("plan")
    names = {f.name for f in fields(Plan)}
    shape.fields({"strategy": shape.text, "parameters": shape.mapping}, _CHOICES)(plan, "its plan")
    for name in plan:
        if name not in names:
            raise Misfit(f"its plan sets {shape.short(name)}, which a plan does not have")
    plan = upgraded(plan)
    settings: dict[str, Any] = {name: plan[name] for name in ("strategy", *_CHOICES) if name in plan}
    settings.setdefault("kind", "math")
    settings["budget"] = budget_of(head.get("budget"))
    if strategy is not None and not isinstance(strategy, str):
        return settings  # a strategy that is built has its parameters
    declared = parameters_of(plan["strategy"])
    kept = declared if strategy is None else parameters_of(strategy)
    for name, value in plan["parameters"].items():
        if name not in declared or (name in arguments and name not in _SHARED):
            raise Misfit(f"it sets {shape.short(name)}, which is not a parameter of {plan['strategy']}")
        check_parameter(name, value, declared[name])
        if name in kept:
            settings[name] = value
    return settings


def budget_of(row: Any) -> Budget:
    """Return the budget that a start event holds. Raises Misfit for what is none."""
    known = {f.name: shape.optional(shape.number) for f in fields(Budget)}
    shape.fields({}, known, more=False)(row, "its budget")
    try:
        return Budget(**row)
    except TTSError as error:
        raise Misfit(str(error).rstrip(".")) from error
