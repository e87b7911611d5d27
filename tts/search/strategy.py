"""What a strategy is, and how a plan's strategy is built."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any, Protocol

from tts.errors import UnknownName
from tts.registry import resolve
from tts.search.search import Search
from tts.types import Node, Plan


class Strategy(Protocol):
    """A search algorithm: a frozen dataclass of parameters, and the algorithm in one call.

    It returns the leaves of its search; only finished ones will vote.
    """

    async def __call__(self, search: Search) -> list[Node]: ...


AUTO = "auto"
"""A plan's vote and aggregation where the strategy decides them on its way."""


def build(plan: Plan) -> Strategy:
    """The plan's strategy with its parameters. Raises UnknownName for a strategy or a parameter nobody knows."""
    strategy: type[Any] = resolve("strategy", plan.strategy)
    known = parameters_of(plan.strategy)
    for name in plan.parameters:
        if name not in known:
            raise UnknownName(f"parameter of {plan.strategy}", name, known)
    built: Strategy = strategy(**plan.parameters)
    return built


def parameters_of(strategy: str) -> dict[str, Any]:
    """The parameters of a strategy with their defaults."""
    made = resolve("strategy", strategy)()
    return {f.name: getattr(made, f.name) for f in fields(made)} if is_dataclass(made) else {}
