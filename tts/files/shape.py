"""What a value from a file must look like. A shape is called with the value and what it is; it raises Misfit."""

from __future__ import annotations

import math
import reprlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

Shape = Callable[[Any, str], None]


LARGEST = 2**53
"""The largest whole number: up to it floating point holds each, and arrays do too."""


class Misfit(ValueError):
    """What is wrong with a value, as the end of a sentence."""


def text(value: Any, what: str) -> None:
    """Take a text."""
    if not isinstance(value, str):
        raise Misfit(f"{what} must be a text, not {short(value)}")


def flag(value: Any, what: str) -> None:
    """Take true or false."""
    if not isinstance(value, bool):
        raise Misfit(f"{what} must be true or false, not {short(value)}")


def number(value: Any, what: str) -> None:
    """Take a finite number."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise Misfit(f"{what} must be a number, not {short(value)}")


def whole(value: Any, what: str) -> None:
    """Take a whole number from 0 to :data:`LARGEST`."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= LARGEST:
        raise Misfit(f"{what} must be a whole number, 0 or more, not {short(value)}")


def index(value: Any, what: str) -> None:
    """Take a whole number, -1 or more."""
    if isinstance(value, bool) or not isinstance(value, int) or not -1 <= value <= LARGEST:
        raise Misfit(f"{what} must be a whole number, -1 or more, not {short(value)}")


def mapping(value: Any, what: str) -> None:
    """Take any object."""
    if not isinstance(value, dict):
        raise Misfit(f"{what} must be an object, not {short(value)}")


def tokens(value: Any, what: str) -> None:
    """Take a list of token ids."""
    if not isinstance(value, list) or not set(map(type, value)) <= {int} or not _between(value, 0, LARGEST):
        raise Misfit(f"{what} must be a list of token ids, not {short(value)}")


def _between(values: list[int], least: int, most: int) -> bool:
    return not values or (min(values) >= least and max(values) <= most)


def numbers(value: Any, what: str) -> None:
    """Take a list of finite numbers."""
    if not isinstance(value, list) or not set(map(type, value)) <= {int, float} or not all(map(math.isfinite, value)):
        raise Misfit(f"{what} must be a list of numbers, not {short(value)}")


def optional(shape: Shape) -> Shape:
    """Take null too."""

    def check(value: Any, what: str) -> None:
        if value is not None:
            shape(value, what)

    return check


def one_of(known: Iterable[str]) -> Shape:
    """Take one of these texts."""
    names = [str(name) for name in known]

    def check(value: Any, what: str) -> None:
        if not isinstance(value, str) or value not in names:
            raise Misfit(f"{what} must be one of {', '.join(names)}, not {short(value)}")

    return check


def listed(shape: Shape) -> Shape:
    """Take a list of such values."""

    def check(value: Any, what: str) -> None:
        if not isinstance(value, list):
            raise Misfit(f"{what} must be a list, not {short(value)}")
        for k, each in enumerate(value):
            shape(each, f"{what}[{k}]")

    return check


def fields(needed: Mapping[str, Shape], maybe: Mapping[str, Shape] | None = None, *, more: bool = True) -> Shape:
    """Take an object with these fields; ``more`` allows others, which are ignored."""
    known = {**needed, **(maybe or {})}

    def check(value: Any, what: str) -> None:
        mapping(value, what)
        for name in needed:
            if name not in value:
                raise Misfit(f"{what} has no {name!r}")
        for name, each in value.items():
            if name in known:
                known[name](each, f"{name!r} of {what}")
            elif not more:
                raise Misfit(f"{what} has {short(name)}, which nothing here knows")

    return check


def short(value: Any) -> str:
    """Format a value for an error message."""
    return _SHORT.repr(value)


_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = 60
