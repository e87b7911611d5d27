"""The strategy interface, and how the strategy of a plan is built."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import fields, is_dataclass
from typing import Any, ClassVar

from tts.errors import BadInput, UnknownName
from tts.registry import resolve
from tts.search.search import Search
from tts.types import Node, Plan

AUTO = "auto"
"""The name of the adaptive strategy; also a plan's vote and aggregation where the strategy decides them on its way."""


class Strategy(ABC):
    """A search algorithm: a frozen dataclass of parameters, and the algorithm in one call.

    The width N is not a parameter: it belongs to the plan, and a strategy reads it as ``search.width``.

    Attributes:
        needs_reward: it cannot run without a reward model.
        takes_reward: it uses a reward model where one is named.
        adaptive: it chooses plan, vote and aggregation itself; it may use a profile and share a total of FLOPs.
        stepwise: it continues from steps, which a chat-only server and an outcome reward model do not allow.
        single: it works with one policy; without a pool of models another strategy does the same.
        independent: its candidates are independent samples, so a subset is a valid run at a smaller width.
        trusted: parameters that only the operator of a server may set, since they are files or objects.
        calls_tools: it lets the policy call tools, where some are given.
        vote: how its candidates vote by default.
        profile: the name or path of the profile it goes by; empty for none.
    """

    needs_reward: ClassVar[bool] = True
    takes_reward: ClassVar[bool] = True
    adaptive: ClassVar[bool] = False
    stepwise: ClassVar[bool] = False
    single: ClassVar[bool] = True
    independent: ClassVar[bool] = False
    calls_tools: ClassVar[bool] = False
    trusted: ClassVar[frozenset[str]] = frozenset({"profile"})
    vote: ClassVar[str] = "weighted"
    profile: str = ""

    __slots__ = ()

    @property
    def own_reward(self) -> str:
        """Return the name of the reward model that it scores with, whatever the user names; empty for the user's."""
        return ""

    @abstractmethod
    async def __call__(self, search: Search) -> list[Node]:
        """Run the search and return its leaves; only finished ones vote."""

    def note(self, n: int) -> str:
        """Return a sentence for the user if the strategy does not use exactly a width of ``n``; else empty."""
        return ""


def build(plan: Plan) -> Strategy:
    """Build the plan's strategy with its parameters. Raises UnknownName for an unknown strategy or parameter."""
    strategy = strategy_type(plan.strategy)
    known = parameters_of(plan.strategy)
    for name in plan.parameters:
        if name == "n":
            raise BadInput("N is the budget, not a parameter of a strategy: write budget=16 or --budget 16.")
        if name not in known:
            raise UnknownName(f"parameter of {plan.strategy}", name, known)
    return strategy(**plan.parameters)


def strategy_type(name: str) -> type[Strategy]:
    """Return the class of a strategy by its name. Raises UnknownName, and BadInput if it is not a strategy."""
    found = resolve("strategy", name)
    if not (isinstance(found, type) and issubclass(found, Strategy)):
        raise BadInput(f"{name} is not a strategy: derive it from tts.search.strategy.Strategy.")
    return found


def parameters_of(strategy: str | Strategy) -> dict[str, Any]:
    """Return the parameters of a strategy: the defaults of a named one, the values of a built one."""
    made = strategy_type(strategy)() if isinstance(strategy, str) else strategy
    return {f.name: getattr(made, f.name) for f in fields(made)} if is_dataclass(made) else {}


def written_parameters(strategy: Strategy) -> dict[str, Any]:
    """Return the parameters that a plan holds, as JSON types: a field with the metadata ``object`` is left out."""
    if not is_dataclass(strategy):
        return {}
    return {f.name: getattr(strategy, f.name) for f in fields(strategy) if not f.metadata.get("object")}
