"""What the user wishes of an orchestration: weights, and which tools may be called."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tts.errors import BadInput
from tts.tools.tool import Tool

WEIGHTS = ("quality", "cost", "latency")
LOCAL = "local"
_STRONG = 0.5


@dataclass(frozen=True, slots=True)
class Preference:
    """Weights over quality, cost and latency, which reach the policy in its prompt, and lists, which are enforced.

    Attributes:
        quality, cost, latency: 0 or more; what counts.
        only: names or kinds of tools that may be called; ``local`` means on this machine and without a price. Empty
            for all.
        deny: names or kinds of tools that may not be called.
    """

    quality: float = 1.0
    cost: float = 0.0
    latency: float = 0.0
    only: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()

    @classmethod
    def of(
        cls, weights: str | Mapping[str, float] | None, only: str | Iterable[str] = (), deny: str | Iterable[str] = ()
    ) -> Preference:
        """Read ``cost=0.5,latency=0.2`` or a mapping, and two lists. Raises BadInput."""
        given = _parsed(weights) if isinstance(weights, str) else dict(weights or {})
        for name, value in given.items():
            if name not in WEIGHTS:
                raise BadInput(f"a preference weighs {', '.join(WEIGHTS)}, not {name!r}.")
            if (
                isinstance(value, bool)
                or not isinstance(value, (int, float))
                or not (math.isfinite(value) and value >= 0)
            ):
                raise BadInput(f"the weight of {name} must be a number, 0 or more, not {value!r}.")
        return cls(**given, only=_names(only), deny=_names(deny))

    def allows(self, tool: Tool) -> bool:
        """Return whether a tool may be called."""
        allowed = not self.only or any(_is(tool, name) for name in self.only)
        return allowed and not any(_is(tool, name) for name in self.deny)

    def check(self, tools: Iterable[Tool]) -> None:
        """Refuse a name that no tool has, so that a misspelt one forbids nothing silently. Raises BadInput."""
        tools = list(tools)
        known = sorted({LOCAL, *(tool.kind for tool in tools), *(tool.name for tool in tools)})
        for name in (*self.only, *self.deny):
            if name not in known and name not in KINDS:
                raise BadInput(f"no tool is named {name!r}: known are {', '.join(known)}.")

    @property
    def sentence(self) -> str:
        """Return the wish for the policy's prompt; empty where nothing but quality counts."""
        words = [f"{_how(self.cost)} cheap calls"] * bool(self.cost)
        words += [f"{_how(self.latency)} fast calls"] * bool(self.latency)
        if not words:
            return ""
        weights = ", ".join(f"{name} {value:g}" for name in WEIGHTS if (value := getattr(self, name)))
        return f"The user prefers {' and '.join(words)} (weights: {weights})."


KINDS = ("function", "mcp", "model", "retrieval", "python")


def _is(tool: Tool, name: str) -> bool:
    if name == LOCAL:
        return tool.local and not tool.price
    return name in (tool.name, tool.kind)


def _how(weight: float) -> str:
    return "strongly" if weight >= _STRONG else "slightly"


def _names(given: str | Iterable[str]) -> tuple[str, ...]:
    parts = given.split(",") if isinstance(given, str) else given
    return tuple(name for part in parts if (name := part.strip()))


def _parsed(text: str) -> dict[str, float]:
    found: dict[str, float] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, equals, value = part.partition("=")
        try:
            found[name.strip()] = float(value)
        except ValueError as error:
            raise BadInput(f"{part!r} is no weight: write it as cost=0.5.") from error
        if not equals:
            raise BadInput(f"{part!r} is no weight: write it as cost=0.5.")
    return found
