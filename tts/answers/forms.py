"""The forms of answers; :func:`tts.answers.parse.read` finds the form of a canonical spelling."""

from __future__ import annotations

from dataclasses import dataclass

from tts.answers.tree import Expr


@dataclass(frozen=True, slots=True)
class Unread:
    """Words, or a text of no known form: compared by spelling."""

    text: str


@dataclass(frozen=True, slots=True)
class Formula:
    """An expression or a number."""

    expr: Expr


@dataclass(frozen=True, slots=True)
class Choice:
    """The letter of a choice and the text after it."""

    letter: str
    content: Answer


Unit = tuple[tuple[str, int], ...]
"""The factors of a unit, by name, with their powers; a noun is a factor too."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """An amount and its unit or noun."""

    amount: Answer
    unit: Unit


@dataclass(frozen=True, slots=True)
class Items:
    """Items between commas: ``kind`` is the pair of brackets, ``"{}"`` for a set, ``""`` for a plain list."""

    kind: str
    items: tuple[Answer, ...]


@dataclass(frozen=True, slots=True)
class Interval:
    """Real numbers between two ends; None is infinite."""

    low: Expr | None
    low_closed: bool
    high: Expr | None
    high_closed: bool


@dataclass(frozen=True, slots=True)
class Reals:
    """A set of real numbers as a union of intervals, and the name of the variable in it."""

    pieces: tuple[Interval, ...]
    name: str = ""


@dataclass(frozen=True, slots=True)
class Named:
    """``name = value``; ``lhs`` is the name as a formula if it is one."""

    name: str
    value: Answer
    lhs: Expr | None


@dataclass(frozen=True, slots=True)
class Relation:
    """An equation or inequality ``difference sign 0`` with a sign of ``= < <= !=``."""

    sign: str
    difference: Expr


@dataclass(frozen=True, slots=True)
class Congruence:
    """``name`` is congruent to ``value`` modulo ``modulus``."""

    name: str
    value: Expr
    modulus: Expr


@dataclass(frozen=True, slots=True)
class Ratio:
    """Numbers between colons; ``clock`` if they may be a time of day."""

    parts: tuple[Expr, ...]
    clock: bool


@dataclass(frozen=True, slots=True)
class Based:
    """Digits in a base."""

    digits: str
    base: str


@dataclass(frozen=True, slots=True)
class Matrix:
    """Rows of entries; ``kind`` distinguishes a matrix, a determinant and a list of cases."""

    kind: str
    rows: tuple[tuple[Answer, ...], ...]


Answer = Unread | Formula | Choice | Quantity | Items | Reals | Named | Relation | Congruence | Ratio | Based | Matrix
