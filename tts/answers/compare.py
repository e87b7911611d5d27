r"""Comparison of two answers of any form.

Conventions:
    * ``x=5`` is ``5``, ``f(x)=2x`` is ``2x`` and ``y=2x``; ``x=1`` and ``y=1`` differ. ``2x=10`` is not ``5``.
    * Two equations are the same when one is a constant multiple of the other; of an inequality, a positive one.
    * ``10 cm`` is ``10``, since samples often leave out the unit; ``10 cm`` and ``10 m`` differ, as do ``10 a.m.`` and
      ``10 p.m.``.
    * ``204_5`` is ``204``; ``204_5`` and ``204_6`` differ.
    * A list without brackets and a set have no order; a tuple and an interval do. ``(1,2)`` is neither ``[1,2)`` nor
      ``\{1,2\}``. A set has each element once, a list does not.
    * ``(1,2)`` is an interval if the other answer is one.
    * A choice's letter is the choice, and so is its text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

from tts.answers.forms import (
    Answer,
    Based,
    Choice,
    Congruence,
    Formula,
    Items,
    Matrix,
    Named,
    Quantity,
    Ratio,
    Reals,
    Relation,
    Unread,
)
from tts.answers.identity import equal, ratio
from tts.answers.intervals import half_line, reals, same_reals
from tts.answers.relations import equation
from tts.answers.tree import Apply, Number, Symbol, mul
from tts.answers.units import droppable

_MANY = 64  # longer lists are compared in order


def same(a: Answer, b: Answer) -> bool:
    """Return whether two answers are the same. Symmetric; not guaranteed to be transitive."""
    if a == b:
        return True
    for kind, rule in _RULES:
        for first, second in ((a, b), (b, a)):
            if isinstance(first, kind):
                return rule(first, second)
    return False


def _choices(a: Choice, b: Answer) -> bool:
    if isinstance(b, Choice):
        return a.letter == b.letter and same(a.content, b.content)
    if isinstance(b, Formula) and isinstance(b.expr, Symbol) and re.fullmatch("[A-Z]", b.expr.name):
        return a.letter == b.expr.name
    return same(a.content, b)


def _names(a: Named, b: Answer) -> bool:
    if isinstance(b, Named):
        if a.name == b.name or _curve(a.name, b.name) or _curve(b.name, a.name):
            return same(a.value, b.value)
        first, second = equation(a), equation(b)
        return first is not None and second is not None and ratio(first, second) != 0
    if isinstance(b, Relation):
        first = equation(a)
        return b.sign == "=" and first is not None and ratio(first, b.difference) != 0
    if isinstance(b, Items) and b.items and all(isinstance(item, Named) for item in b.items):
        names = ",".join(item.name for item in b.items if isinstance(item, Named))
        return a.name == f"({names})" and same(a.value, _values(b))
    if isinstance(b, Reals) and b.name not in ("", a.name):
        return False
    return same(a.value, b)


def _curve(name: str, other: str) -> bool:
    """Return whether a name is a function's without its argument: ``x`` for ``x(t)``, ``y`` for ``f(x)``."""
    match = re.fullmatch(r"([a-zA-Z])\([a-z]\)", other)
    return match is not None and name in ("y", match[1])


def _quantities(a: Quantity, b: Answer) -> bool:
    if isinstance(b, Quantity):
        return a.unit == b.unit and same(a.amount, b.amount)
    return not isinstance(b, Unread) and droppable(a.unit) and same(a.amount, b)


# --------------------------------------------------------------------------------------------------------------- lists


def _lists(a: Items, b: Answer) -> bool:
    if isinstance(b, Items):
        return _items(a, b)
    if isinstance(b, Reals):
        found = reals(a)
        return found is not None and same_reals(found, b)
    if isinstance(b, Matrix):
        flat = tuple(entry for row in b.rows for entry in row)
        vector = b.kind == "matrix" and (len(b.rows) == 1 or len(flat) == len(b.rows))
        return vector and a.kind in ("()", "[]") and _in_order(a.items, flat)
    return len(a.items) == 1 and a.kind in ("", "{}") and same(a.items[0], b)  # a set of one is its element


def _items(a: Items, b: Items) -> bool:
    if _all_named(a) != _all_named(b):
        a, b = _values(a), _values(b)
    kinds = {a.kind, b.kind}
    tuples = all(isinstance(item, Items) and item.kind == "()" for item in a.items + b.items)
    if kinds <= {"", "{}"} or (tuples and kinds & {"", "{}"}):
        first, second = (_distinct(side.items) if "{}" in kinds else side.items for side in (a, b))
        return _unordered(first, second)
    if "{}" in kinds or (kinds == {"()", "[]"} and len(a.items) == 2):  # with two pieces they may be intervals
        return False
    return _in_order(a.items, b.items)


def _all_named(items: Items) -> bool:
    return bool(items.items) and all(isinstance(item, Named) for item in items.items)


def _values(items: Items) -> Items:
    """Convert ``x=1, y=2`` to the tuple (1, 2); leave other items unchanged."""
    if not _all_named(items):
        return items
    return Items("()", tuple(item.value for item in items.items if isinstance(item, Named)))


def _in_order(a: Sequence[Answer], b: Sequence[Answer]) -> bool:
    return len(a) == len(b) and all(map(same, a, b))


def _distinct(items: Sequence[Answer]) -> list[Answer]:
    found: list[Answer] = []
    for item in items:
        if len(items) > _MANY or not any(same(item, other) for other in found):
            found.append(item)
    return found


def _unordered(a: Sequence[Answer], b: Sequence[Answer]) -> bool:
    if len(a) != len(b) or len(a) > _MANY:
        return _in_order(a, b)
    rest = list(b)
    for item in a:
        match = next((at for at, other in enumerate(rest) if item == other), None)
        if match is None:
            match = next((at for at, other in enumerate(rest) if same(item, other)), None)
        if match is None:
            return False
        del rest[match]
    return True


def _matrices(a: Matrix, b: Answer) -> bool:
    if not isinstance(b, Matrix) or a.kind != b.kind or [*map(len, a.rows)] != [*map(len, b.rows)]:
        return False
    if a.kind == "cases":
        return _unordered([Items("()", row) for row in a.rows], [Items("()", row) for row in b.rows])
    return all(map(_in_order, a.rows, b.rows))


# ---------------------------------------------------------------------------------------------------------- statements


def _sets(a: Reals, b: Answer) -> bool:
    if isinstance(b, Relation):
        edge = half_line(a)
        return edge is not None and _relations(edge, b)
    return isinstance(b, Reals) and same_reals(a, b)


def _relations(a: Relation, b: Answer) -> bool:
    if not isinstance(b, Relation) or a.sign != b.sign:
        return False
    sign = ratio(a.difference, b.difference)
    return sign > 0 or (sign < 0 and a.sign in ("=", "!="))


def _congruences(a: Congruence, b: Answer) -> bool:
    if not isinstance(b, Congruence) or (a.name and b.name and a.name != b.name) or not equal(a.modulus, b.modulus):
        return False
    rests = [Apply("mod", (side.value, side.modulus)) for side in (a, b)]
    return equal(a.value, b.value) or equal(*rests)


def _ratios(a: Ratio, b: Answer) -> bool:
    if not isinstance(b, Ratio):
        return isinstance(b, Formula) and len(a.parts) == 2 and not a.clock and equal(Apply("div", a.parts), b.expr)
    if (a.clock and b.clock) or len(a.parts) != len(b.parts) or any(_zero(side.parts[0]) for side in (a, b)):
        return a.parts == b.parts
    return all(equal(mul(x, b.parts[0]), mul(y, a.parts[0])) for x, y in zip(a.parts, b.parts, strict=True))


def _zero(expr: Any) -> bool:
    return equal(expr, Number(Fraction(0)))


def _bases(a: Based, b: Answer) -> bool:
    return isinstance(b, Formula) and isinstance(b.expr, Number) and a.digits == str(b.expr.value)


# ------------------------------------------------------------------------------------------------- formulas and words


def _formulas(a: Formula, b: Answer) -> bool:
    if isinstance(b, Formula):
        return equal(a.expr, b.expr)
    return isinstance(b, Unread) and isinstance(a.expr, Symbol) and a.expr.name == _plain(b.text)


def _words(a: Unread, b: Answer) -> bool:
    return isinstance(b, Unread) and _plain(a.text) == _plain(b.text)


def _plain(text: str) -> str:
    """Remove text commands and spaces; lower-case words and remove their punctuation."""
    plain = re.sub(r"\\text\{([^{}]*)\}", r"\1", text).replace(" ", "")
    if not re.fullmatch(r"[A-Za-z.,'\-]+", plain) or re.fullmatch(r"[A-Z]{2,}", plain):
        return plain
    return re.sub(r"[.,'\-]", "", plain).lower()


_RULES: tuple[tuple[type[Any], Callable[[Any, Answer], bool]], ...] = (
    (Choice, _choices),
    (Named, _names),
    (Quantity, _quantities),
    (Items, _lists),
    (Reals, _sets),
    (Relation, _relations),
    (Congruence, _congruences),
    (Ratio, _ratios),
    (Based, _bases),
    (Matrix, _matrices),
    (Formula, _formulas),
    (Unread, _words),
)
"""The first of the two forms in this order determines the comparison."""
