"""The tree of a formula: numbers, symbols, and operations on them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True, slots=True)
class Number:
    """An exact number; ``places`` counts its written decimals."""

    value: Fraction
    places: int = 0


@dataclass(frozen=True, slots=True)
class Symbol:
    """A variable or a constant, by name."""

    name: str


@dataclass(frozen=True, slots=True)
class Apply:
    r"""An operation or function with its arguments: ``add``, ``mul``, ``div``, ``pow``, ``sin``, ...

    A name that begins with a backslash is an unknown function, such as the f of ``f(x)``.
    """

    name: str
    args: tuple[Expr, ...]


Expr = Number | Symbol | Apply

SERIES = ("sum", "prod")
"""Operations whose arguments are an index, its first and last value, and a term."""

CONSTANTS = frozenset({"e", "i", "\\pi"})
INFINITY = Symbol("\\infty")
MINUS_ONE = Number(Fraction(-1))


def add(a: Expr, b: Expr) -> Expr:
    return Apply("add", (a, b))


def mul(a: Expr, b: Expr) -> Expr:
    return Apply("mul", (a, b))


def minus(a: Expr, b: Expr) -> Expr:
    return add(a, negative(b))


def negative(a: Expr) -> Expr:
    return Number(-a.value, a.places) if isinstance(a, Number) else mul(MINUS_ONE, a)


def symbols(expr: Expr) -> frozenset[str]:
    """Return the names of the free symbols of a tree, without constants."""
    if isinstance(expr, Symbol):
        return frozenset() if expr.name in CONSTANTS else frozenset([expr.name])
    if isinstance(expr, Number):
        return frozenset()
    found = frozenset[str]().union(*map(symbols, expr.args))
    return found - symbols(expr.args[0]) if expr.name in SERIES else found


def imaginary(expr: Expr) -> bool:
    """Return whether the imaginary unit occurs in a tree."""
    return any(map(imaginary, expr.args)) if isinstance(expr, Apply) else expr == Symbol("i")


def renamed(expr: Expr, names: Mapping[str, str]) -> Expr:
    """Rename the symbols of a tree."""
    if isinstance(expr, Symbol):
        return Symbol(names.get(expr.name, expr.name))
    return Apply(expr.name, tuple(renamed(arg, names) for arg in expr.args)) if isinstance(expr, Apply) else expr
