"""The forms that an answer can have; :func:`tts.answers.parse.read` finds them in a canonical spelling."""

from __future__ import annotations

from dataclasses import dataclass

from tts.answers.tree import Expr


@dataclass(frozen=True, slots=True)
class Unread:
    """Words, or a text that fits no form: compared as it is spelled."""

    text: str


@dataclass(frozen=True, slots=True)
class Formula:
    """An expression, a number among them."""

    expr: Expr


@dataclass(frozen=True, slots=True)
class Choice:
    """The letter of a choice, and the text that follows it."""

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
    """Pieces between commas: ``kind`` is the pair of brackets, ``"{}"`` for a set, ``""`` for a list without any."""

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
    """A set of real numbers as a union of intervals, and the name of the variable that lies in it."""

    pieces: tuple[Interval, ...]
    name: str = ""


@dataclass(frozen=True, slots=True)
class Named:
    """``name = value``; ``lhs`` is the name as a formula where it is one."""

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
    """Numbers between colons; ``clock`` where they may be a time of day."""

    parts: tuple[Expr, ...]
    clock: bool


@dataclass(frozen=True, slots=True)
class Based:
    """Digits in a base."""

    digits: str
    base: str


@dataclass(frozen=True, slots=True)
class Matrix:
    """Rows of entries; ``kind`` tells a matrix, a determinant and a list of cases apart."""

    kind: str
    rows: tuple[tuple[Answer, ...], ...]


Answer = Unread | Formula | Choice | Quantity | Items | Reals | Named | Relation | Congruence | Ratio | Based | Matrix
