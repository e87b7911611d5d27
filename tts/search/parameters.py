"""Checks the parameters of strategies that a file sets: a profile or a trace."""

from __future__ import annotations

from typing import Any

from tts.answers.aggregate import AGGREGATES, is_aggregation
from tts.files import shape
from tts.files.shape import Misfit


def check_parameter(name: str, value: Any, default: Any) -> None:
    """Raise Misfit for a value of another kind than the parameter's default."""
    what = f"the parameter {name!r}"
    if name == "aggregate":
        if not isinstance(value, str) or not (value == "auto" or is_aggregation(value)):
            raise Misfit(f"{what} must be one of {', '.join((*AGGREGATES, 'auto'))}, not {shape.short(value)}")
    elif isinstance(default, bool):
        shape.flag(value, what)
    elif isinstance(default, int):
        shape.whole(value, what)
    elif isinstance(default, float):
        shape.number(value, what)
    elif isinstance(default, str):
        shape.text(value, what)
    elif default is None:
        shape.optional(shape.number)(value, what)
    elif not isinstance(value, type(default)):
        raise Misfit(f"{what} must be {type(default).__name__}, not {shape.short(value)}")
