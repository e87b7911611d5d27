"""Python functions as tools: the schema comes from the signature, the description from the docstring."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, get_type_hints, overload

from tts.aio import aside
from tts.errors import BadInput, MissingExtra
from tts.files.json_text import dump
from tts.tools.tool import Result, Tool, checked


class FunctionTool(Tool):
    """A Python function as a tool. A plain function runs on a thread, a coroutine function on the caller's loop.

    Raises BadInput for a function without types, without a docstring, or with parameters that JSON cannot name.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        *,
        name: str = "",
        price: float | None = None,
        latency: float | None = None,
        seconds: float = 60.0,
        local: bool = True,
    ) -> None:
        self.name = name or function.__name__
        self.price, self.latency, self.seconds, self.local = price, latency, seconds, local
        self.description = inspect.cleandoc(function.__doc__ or "")
        if not self.description:
            raise BadInput(f"the tool {self.name} has no docstring: describe in it what the function does.")
        self._function = function
        self._arguments = _model(function, self.name)
        self.schema = self._arguments.model_json_schema()
        self.background = not inspect.iscoroutinefunction(function)
        checked(self)

    async def call(self, arguments: Mapping[str, Any]) -> Result:
        """Call the function. What it returns becomes text: a text as it is, anything else as JSON."""
        model = self._arguments.model_validate(dict(arguments))
        given = {name: getattr(model, name) for name in self._arguments.model_fields}
        if inspect.iscoroutinefunction(self._function):
            value = await self._function(**given)
        else:
            value = await aside(lambda: self._function(**given))
        return value if isinstance(value, Result) else Result(_text(value))

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """Call the function as it was written."""
        return self._function(*arguments, **named)


@overload
def tool(function: Callable[..., Any], /) -> FunctionTool: ...
@overload
def tool(
    *, name: str = "", price: float | None = None, latency: float | None = None, seconds: float = 60.0,
    local: bool = True,
) -> Callable[[Callable[..., Any]], FunctionTool]: ...  # fmt: skip


def tool(
    function: Callable[..., Any] | None = None, /, **settings: Any
) -> FunctionTool | Callable[[Callable[..., Any]], FunctionTool]:
    """Make a tool of a Python function with types and a docstring.

    Args:
        function: the function.
        settings: ``name``; ``price``, most dollars of a call; ``latency``, its usual seconds; ``seconds``, its limit;
            ``local``, whether it stays on this machine.

    >>> @tool(price=0.0001)
    ... def lookup(city: str) -> str:
    ...     "Population of a city."
    ...     return {"Bonn": "331 thousand"}.get(city, "unknown")
    """
    if function is not None:
        return FunctionTool(function)
    return lambda given: FunctionTool(given, **settings)


def _model(function: Callable[..., Any], name: str) -> Any:
    """Build the pydantic model of a function's arguments."""
    try:
        from pydantic import ConfigDict, PydanticSchemaGenerationError, create_model
    except ImportError as error:
        raise MissingExtra("tools made of functions need pydantic: pip install 'tts-search[tools]'.") from error
    try:
        hints = get_type_hints(function, include_extras=True)
    except NameError as error:
        raise BadInput(f"the types of the tool {name} cannot be read: {error}.") from error
    fields: dict[str, Any] = {}
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY):
            raise BadInput(f"the tool {name} takes {parameter}: give each argument a name that a call can use.")
        if parameter.name not in hints:
            raise BadInput(
                f"the tool {name} has no type for {parameter.name!r}: annotate it, such as {parameter}: str."
            )
        default = ... if parameter.default is parameter.empty else parameter.default
        fields[parameter.name] = (hints[parameter.name], default)
    try:
        return create_model(name, __config__=ConfigDict(extra="forbid"), **fields)
    except (PydanticSchemaGenerationError, NameError, TypeError) as error:
        raise BadInput(
            f"the types of the tool {name} have no JSON form: use numbers, texts, lists and such."
        ) from error


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    try:
        return dump(value)
    except (TypeError, ValueError):
        return str(value)
