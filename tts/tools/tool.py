"""The seam of tools: a name, a description, a JSON schema, a price, and one coroutine a call."""

from __future__ import annotations

import math
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from tts.errors import BadInput

_NAME = re.compile(r"[A-Za-z_][\w.-]{0,63}")
_BILLION = 10**9


@dataclass(frozen=True, slots=True)
class Result:
    """What a tool returned.

    Attributes:
        text: what the policy reads; it is data and never an instruction.
        cost: dollars of this call; None for the tool's price.
        seconds: how long the call took.
        failed: whether the text is a message about a call that could not be done.
    """

    text: str
    cost: float | None = None
    seconds: float = 0.0
    failed: bool = False


class Tool(ABC):
    """Base class of tools. Inherit it, set the attributes, define ``call``.

    Attributes:
        name: how the policy calls it: letters, digits, ``_``, ``.`` and ``-``, at most 64.
        description: what it does, for the policy.
        schema: JSON schema of its arguments, an object.
        price: most dollars of one call; None if unknown.
        latency: seconds that a call takes by experience; None if unknown.
        local: whether it runs on this machine.
        seconds: longest time of one call.
        background: whether it may be awaited on the background loop of :mod:`tts.aio`.
        kind: ``function``, ``mcp``, ``model``, ``retrieval`` or ``python``.
    """

    name: str
    description: str
    schema: Mapping[str, Any]
    price: float | None = None
    latency: float | None = None
    local: bool = True
    seconds: float = 60.0
    background: bool = False
    kind: ClassVar[str] = "function"

    @abstractmethod
    async def call(self, arguments: Mapping[str, Any]) -> Result:
        """Return the result of a call whose arguments fit the schema. An exception is reported to the policy."""

    @property
    def billionths(self) -> int:
        """Return the price of one call in billionths of a dollar, rounded up; 0 if unknown."""
        return billionths(self.price or 0.0)

    def close(self) -> None:
        """Give back what the tool holds."""
        return


def billionths(dollars: float) -> int:
    """Convert dollars to billionths of a dollar, rounded up."""
    return math.ceil(dollars * _BILLION - 1e-6)


def card(tool: Tool) -> dict[str, Any]:
    """Describe a tool in the form of chat templates and servers, with price and latency in the description."""
    words = [tool.description.strip()]
    if tool.price is not None:
        words.append(f"Price: {tool.price:g} dollars a call." if tool.price else "Price: none.")
    if tool.latency is not None:
        words.append(f"Latency: {tool.latency:g} s.")
    function = {"name": tool.name, "description": " ".join(filter(None, words)), "parameters": dict(tool.schema)}
    return {"type": "function", "function": function}


def checked(tool: Tool) -> Tool:
    """Return a tool whose name, price and latency make sense. Raises BadInput."""
    if not _NAME.fullmatch(tool.name):
        raise BadInput(f"a tool is named with letters, digits, _, . and -, at most 64, not {tool.name!r}.")
    for what, value in (("price", tool.price), ("latency", tool.latency)):
        if value is not None and not (isinstance(value, (int, float)) and math.isfinite(value) and value >= 0):
            raise BadInput(f"the {what} of the tool {tool.name} must be a number, 0 or more, not {value!r}.")
    return tool
