"""Variants: a strategy with parameters in its name, such as ``dvts:granularity=2``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tts.errors import BadInput, UnknownName
from tts.search.strategy import parameters_of, strategy_type

SHARED = {"temperature", "top_p", "aggregate", "max_steps", "step_tokens", "solution_tokens", "profile"}
"""Parameters that a variant's name leaves out: they are settings of a whole run."""


def split(text: str) -> tuple[str, dict[str, Any]]:
    """Split the name of a variant into its strategy and its parameters, such as ``dvts`` and ``{"granularity": 2}``.

    Raises:
        UnknownName: for an unknown strategy or parameter.
        BadInput: a parameter has no value, or one of another kind.
    """
    name, *pairs = text.split(":")
    strategy_type(name)
    known, found = parameters_of(name), dict[str, Any]()
    for pair in pairs:
        parameter, equals, value = pair.partition("=")
        parameter = parameter.strip().replace("-", "_")
        if parameter not in known:
            raise UnknownName(f"parameter of {name}", parameter, known)
        if not equals:
            raise BadInput(f"{text} gives {parameter} no value: write {name}:{parameter}={known[parameter]}.")
        found[parameter] = _value(text, parameter, value.strip(), known[parameter])
    return name, found


def base(text: str) -> str:
    """Return the strategy's name without parameters."""
    return text.partition(":")[0]


def name_of(strategy: str, parameters: Mapping[str, Any]) -> str:
    """Name a strategy with those parameters that differ from its defaults; :func:`split` reads it back.

    A strategy that is not installed here keeps its plain name.
    """
    try:
        known = parameters_of(strategy)
    except UnknownName:
        return strategy
    own = {name: value for name, value in parameters.items() if name in known and name not in SHARED}
    return ":".join([strategy, *(f"{name}={written(own[name])}" for name in sorted(own) if own[name] != known[name])])


def written(value: Any) -> str:
    """Write the value of a parameter as a name holds it."""
    return str(value).lower() if isinstance(value, bool) else f"{value:g}" if isinstance(value, float) else f"{value}"


def _value(text: str, name: str, value: str, default: Any) -> Any:
    """Convert a value to the kind of the parameter's default."""
    if isinstance(default, bool):
        if value.lower() in ("true", "false"):
            return value.lower() == "true"
        raise BadInput(f"{text}: {name} must be true or false, not {value!r}.")
    try:
        return type(default)(value) if isinstance(default, (int, float, str)) else float(value)
    except ValueError as error:
        kind = "a whole number" if isinstance(default, int) else "a number"
        raise BadInput(f"{text}: {name} must be {kind}, not {value!r}.") from error
