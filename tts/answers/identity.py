"""Equality of two formulas: exact, or numerical at sample points with two precisions.

Rational numbers are compared as fractions. Other numbers are evaluated with 50 digits and with 100: two are equal if
their difference vanishes as the precision grows. Two formulas with symbols are equal if they are at every sample point
at which both are real. A formula that exceeds the bounds of :mod:`tts.answers.evaluate` equals nothing.
"""

from __future__ import annotations

import math
import re
import threading
import zlib
from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache

from tts.answers.evaluate import Beyond, Evaluation, Value, context, drawn
from tts.answers.tree import Expr, Number, imaginary, renamed, symbols

DIGITS = 50
"""Digits of the first evaluation; the second has twice as many. Longer exact numbers need more."""

_MOST_DIGITS = 3000

PLACES, SIGNIFICANT = 6, 5
"""Decimals, and significant digits, from which a rounded value is accepted for an infinite decimal."""

DOUBLE = 15
"""Significant digits from which a decimal may be a double-precision result."""

POINTS, ENOUGH = 7, 2
"""Number of sample points, and of those at which both formulas must be defined."""

_lock = threading.RLock()  # mpmath changes the precision of its context during a computation


def equal(a: Expr, b: Expr) -> bool:
    """Return whether two formulas are equal at every sample point at which both have a value.

    A decimal of many places equals the infinite decimal that it rounds or truncates.
    """
    if a == b:
        return True
    with _lock:
        a, b = _one_case(a, b)
        if not symbols(a) | symbols(b):
            return _equal_at(a, b, 0, complex_too=True) is True or _rounds(a, b) or _rounds(b, a)
        complex_too = imaginary(a) or imaginary(b)
        return _everywhere(lambda index: _equal_at(a, b, index, complex_too))


def ratio(a: Expr, b: Expr) -> int:
    """Return the sign of the constant by which ``a`` is a multiple of ``b``; 0 if there is none, or no symbols."""
    with _lock:
        a, b = _one_case(a, b)
        if not symbols(a) or not symbols(b):
            return 0
        complex_too = imaginary(a) or imaginary(b)
        signs = [_signs(a, b, index, complex_too) for index in range(POINTS)]
        anchor = next((index for index, sign in enumerate(signs) if sign), None)
        if anchor is None or not _everywhere(lambda index: _proportional(a, b, index, anchor, complex_too)):
            return 0
        return signs[anchor]


def approximate(expr: Expr) -> float | None:
    """Convert a real number to a float; None if it has symbols, is not real, or exceeds a float."""
    if symbols(expr):
        return None
    with _lock:
        found = _at(expr, 0, DIGITS)
    if found is None or not _is_real(found[0]):
        return None
    try:
        return float(found[0] if isinstance(found[0], Fraction) else found[0].real)
    except OverflowError:
        return None


def _is_real(value: Value) -> bool:
    return isinstance(value, Fraction) or value.imag == 0 or abs(value.imag) < 1e-30 * abs(value)


def _everywhere(verdict: Callable[[int], bool | None]) -> bool:
    """Return whether no sample point refutes it and enough of them confirm it."""
    found = 0
    for index in range(POINTS):
        here = verdict(index)
        if here is False:
            return False
        found += here is True
    return found >= ENOUGH


# --------------------------------------------------------------------------------------------------------- at one point


def _coordinate(name: str, index: int) -> Fraction:
    """Return the value of a symbol at a sample point; the last two points are whole, for sums and factorials."""
    free, digest = drawn(name, index), zlib.crc32(name.encode())
    values = (free, 1 + free, -free, 3 + 9 * free, (1 + 3 * free) * (-1 if digest % 3 else 1))
    return (
        values[index]
        if index < len(values)
        else Fraction((2 + digest % 11, 4 + digest // 11 % 23)[index - len(values)])
    )


@lru_cache(maxsize=1 << 15)
def _at(expr: Expr, index: int, digits: int) -> tuple[Value, int, bool] | None:
    """Evaluate at a sample point: value, needed digits, and whether it is real throughout; None without a value."""
    evaluation = Evaluation(digits)
    try:
        value = evaluation.value(expr, {name: _coordinate(name, index) for name in symbols(expr)})
    except Beyond:
        return None
    return value, DIGITS * (1 + evaluation.bits // (3 * DIGITS)), evaluation.real


def _equal_at(a: Expr, b: Expr, index: int, complex_too: bool) -> bool | None:
    """Compare at one sample point; None if one of the two has no value there."""

    def sides(digits: int) -> tuple[Value, Value, int] | None:
        first, second = _at(a, index, digits), _at(b, index, digits)
        if first is None or second is None or not (complex_too or (first[2] and second[2])):
            return None
        return first[0], second[0], max(first[1], second[1])

    return _agree(sides)


def _proportional(a: Expr, b: Expr, index: int, anchor: int, complex_too: bool) -> bool | None:
    """Return whether a(p) b(q) = b(p) a(q) at a sample point p, where q is the anchor."""

    def sides(digits: int) -> tuple[Value, Value, int] | None:
        found = [_at(a, index, digits), _at(b, anchor, digits), _at(b, index, digits), _at(a, anchor, digits)]
        values = [value for value in found if value is not None]
        if len(values) < 4 or not (complex_too or all(real for _, _, real in values)):
            return None
        evaluation = Evaluation(digits)
        exact = all(isinstance(value, Fraction) for value, _, _ in values)
        x, y, z, w = (value if exact else evaluation.inexact(value) for value, _, _ in values)
        return x * y, z * w, max(needed for _, needed, _ in values)

    return _agree(sides)


def _agree(sides: Callable[[int], tuple[Value, Value, int] | None]) -> bool | None:
    """Compare two sides, evaluated with as many digits as needed; None if one has no value."""
    digits = DIGITS
    while (found := sides(digits)) is not None:
        x, y, needed = found
        if isinstance(x, Fraction) and isinstance(y, Fraction):
            return x == y
        if needed <= digits:
            finer = sides(2 * digits)
            return None if finer is None else _vanishes((x, y), finer[:2], digits)
        if needed > _MOST_DIGITS:
            return None
        digits = needed
    return None


def _vanishes(coarse: tuple[Value, Value], fine: tuple[Value, Value], digits: int) -> bool:
    """Return whether the difference of two numbers goes to zero as their precision doubles."""
    evaluation, ten = Evaluation(2 * digits), context(2 * digits).mpf(10)
    x, y = map(evaluation.inexact, fine)
    before = abs(evaluation.inexact(coarse[0]) - evaluation.inexact(coarse[1]))
    after = abs(x - y)
    return bool(after <= ten ** (20 - 2 * digits) * max(abs(x), abs(y)) or after <= before * ten ** (-digits // 2))


def _signs(a: Expr, b: Expr, index: int, complex_too: bool) -> int:
    """Return the sign of a(p) b(p) at a sample point; 0 if one of the two is zero or has no value."""
    first, second = _at(a, index, DIGITS), _at(b, index, DIGITS)
    if first is None or second is None or not first[0] or not second[0]:
        return 0
    if not (complex_too or (first[2] and second[2])):
        return 0
    x, y = (value if isinstance(value, Fraction) else value.real for value, _, _ in (first, second))
    return 1 if (x > 0) == (y > 0) else -1


# ------------------------------------------------------------------------------------------------------------- spelling

_CONSTANT = re.compile(r"C(?:_\w+)?")


def _one_case(a: Expr, b: Expr) -> tuple[Expr, Expr]:
    """Lower-case the arbitrary constants C, C_1, ... of both, unless a formula has both cases."""
    found = []
    for side in (a, b):
        names = symbols(side)
        upper = {name: name.lower() for name in names if _CONSTANT.fullmatch(name)}
        found.append(renamed(side, upper) if upper and names.isdisjoint(upper.values()) else side)
    return found[0], found[1]


def _rounds(decimal: Expr, b: Expr) -> bool:
    """Return whether the first is a decimal of many places that rounds or truncates the infinite decimal ``b``."""
    if not isinstance(decimal, Number) or not PLACES <= decimal.places <= 100:
        return False
    shift = 10**decimal.places
    written = abs(decimal.value) * shift
    found = _at(b, 0, 4 * DIGITS)
    if written < 10 ** (SIGNIFICANT - 1) or found is None or not _is_real(found[0]):
        return False
    value = found[0]
    if isinstance(value, Fraction):
        if terminates(value):
            return False
    else:
        value = _fraction(value.real)
    scaled = abs(value) * shift
    if (value < 0) != (decimal.value < 0):
        return False
    if written >= 10 ** (DOUBLE - 1):  # computed in double precision, whose last digit may be off
        return bool(abs(scaled - written) <= written / 10 ** (DOUBLE - 1))
    return written in (math.floor(scaled), math.floor(scaled + Fraction(1, 2)))


def _fraction(value: Value) -> Fraction:
    """Convert a number of mpmath to a fraction; 0 if that would be too long."""
    if abs(context(DIGITS).mag(value)) > 1000:
        return Fraction(0)
    sign, mantissa, exponent, _ = value._mpf_
    return Fraction(-int(mantissa) if sign else int(mantissa)) * Fraction(2) ** int(exponent)


def terminates(value: Fraction) -> bool:
    """Return whether a number has finitely many decimals."""
    return places(value) is not None


def places(value: Fraction) -> int | None:
    """Return the number of decimals; None for an infinite decimal."""
    rest, counts = value.denominator, []
    for prime in (2, 5):
        count = 0
        while rest % prime == 0:
            rest, count = rest // prime, count + 1
        counts.append(count)
    return max(counts) if rest == 1 else None
