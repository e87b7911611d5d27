"""The settings of a solver as JSON types, from which another process builds an equal one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tts.budget import Budget
from tts.cost import Prices
from tts.engines.load import Loading
from tts.errors import BadInput
from tts.planning import Wish


@dataclass(frozen=True, slots=True)
class Arguments:
    """What a user gave to a solver and its plan no longer shows.

    Attributes:
        prm: the reward model's name; None for an object, or for none.
        allow_code: whether named functions may be imported.
        prm_parameters: of a judge or a confidence.
        tools: the arguments ``tools``, ``prefer``, ``only`` and ``deny``.
    """

    prm: str | None
    allow_code: bool
    prm_parameters: Mapping[str, Any]
    tools: Mapping[str, Any]


def recipe(
    wish: Wish, given: Arguments, budget: Budget, total_flops: float | None, loading: Loading, prices: Prices | None
) -> dict[str, Any]:
    """Return arguments of :class:`tts.solver.Solver` that build an equal one.

    Raises BadInput for a solver that was given an object: only names and numbers can be sent.
    """
    if wish.alternatives:
        raise BadInput("log-probabilities are not sent to another machine: ask for none.")
    prm = wish.prm if given.prm is None else given.prm
    tools = {name: _listed(value) for name, value in given.tools.items()}
    objects = [
        ("policy", wish.policy),
        ("reward model", prm),
        ("strategy", wish.strategy),
        ("kind", None if wish.kind.sendable else wish.kind.own),
    ]
    named = tools["tools"] if isinstance(tools["tools"], list) else [tools["tools"]]
    for what, value in (*objects, *(("tool", tool) for tool in named)):
        if value is not None and not isinstance(value, str):
            raise BadInput(f"the {what} is a Python object, which cannot be sent to another machine: name it.")
    return {
        "policy": wish.policy, "prm": prm, "strategy": wish.strategy, "budget": budget.n,
        "max_tokens": budget.max_tokens, "max_flops": budget.max_flops, "max_seconds": budget.max_seconds,
        "max_cost": budget.max_cost, "prices": None if prices is None else f"{prices.input!r},{prices.output!r}",
        "total_flops": total_flops, "profile": wish.profile, "dataset": wish.dataset, "vote": wish.vote,
        "aggregate": wish.aggregate, "extract": wish.extract, "kind": wish.kind.name, "seed": wish.seed,
        "allow_code": given.allow_code, "prm_parameters": dict(given.prm_parameters),
        **loading.settings(), **tools, **wish.parameters,
    }  # fmt: skip


def _listed(value: Any) -> Any:
    """Return several values as a list; a text, a mapping and whatever is not several as it is."""
    several = isinstance(value, Iterable) and not isinstance(value, (str, Mapping))
    return list(value) if several else value
