"""Evaluation of a formula at a point: an exact fraction if possible, else a number of many digits.

All work is bounded by the size of numbers, never by time, so a value does not depend on the machine.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import lru_cache
from typing import Any

from tts.answers.tree import SERIES, Apply, Expr, Number, Symbol

Value = Any
"""A Fraction, or a real or complex number of mpmath, which is untyped."""

BITS = 1 << 17
"""Limit of bits of an exact numerator or denominator."""

WORK = 20_000
"""Limit of operations of an evaluation; operations on long numbers count several times."""

TERMS = 400
"""Limit of terms of a sum or product."""

_INTEGER = 10_000  # limit of a factorial's argument


class Beyond(ArithmeticError):
    """The value is undefined or too large to compute."""


@lru_cache(maxsize=64)
def context(digits: int) -> Any:
    """Return mpmath arithmetic with so many digits."""
    from mpmath import MPContext  # imported late: most answers need fractions only

    made = MPContext()
    made.dps = digits
    return made


class Evaluation:
    """Evaluator of formulas with so many digits; records how the value was computed.

    Attributes:
        bits: length of the longest exact number that was rounded.
        work: operations so far.
        real: whether all intermediate values were real.
    """

    def __init__(self, digits: int) -> None:
        self.digits, self.bits, self.work = digits, 0, 0
        self.real = True

    def value(self, expr: Expr, point: Mapping[str, Fraction]) -> Value:
        """Evaluate a formula with the symbols set to the values of ``point``. Raises Beyond."""
        if isinstance(expr, Number):
            return expr.value
        if isinstance(expr, Symbol):
            return self._symbol(expr.name, point)
        if expr.name in SERIES:
            return self._series(expr, point)
        found = [self.value(arg, point) for arg in expr.args]
        return self._unknown(expr.name, found) if expr.name.startswith("\\") else self._apply(expr.name, found)

    def inexact(self, value: Value) -> Value:
        """Convert to a number of mpmath; a fraction is rounded."""
        if not isinstance(value, Fraction):
            return value
        self.bits = max(self.bits, value.numerator.bit_length(), value.denominator.bit_length())
        return context(self.digits).mpf(value.numerator) / value.denominator

    def _symbol(self, name: str, point: Mapping[str, Fraction]) -> Value:
        if name in point:
            return point[name]
        if name == "e":
            return +context(self.digits).e
        if name == "\\pi":
            return +context(self.digits).pi
        if name == "i":
            return context(self.digits).mpc(0, 1)
        raise Beyond

    def _unknown(self, name: str, args: list[Value]) -> Value:
        """Draw a number from the name of an unknown function and its arguments."""
        written = [context(self.digits).nstr(self.inexact(arg), 20) for arg in args]
        return drawn(f"{name}({','.join(written)})", 0)

    def _apply(self, name: str, args: list[Value]) -> Value:
        self.work += self.digits // 50
        if self.work > WORK:
            raise Beyond
        try:
            if name in _EXACT and all(isinstance(arg, Fraction) for arg in args):
                found = _EXACT[name](*args)
                if found is not None:
                    self.work += found.denominator.bit_length() >> 10
                    return _bounded(found)
            if name not in _INEXACT:
                raise Beyond
            return self._checked(_INEXACT[name](context(self.digits), *map(self.inexact, args)))
        except (ArithmeticError, ValueError, NotImplementedError, TypeError):
            raise Beyond from None

    def _checked(self, value: Value) -> Value:
        made = context(self.digits)
        self.real = self.real and (value.imag == 0 or abs(value.imag) < 1e-30 * abs(value))
        if not made.isfinite(value) or any(part and abs(made.mag(part)) > 1 << 40 for part in (value.real, value.imag)):
            raise Beyond
        return value

    def _series(self, expr: Apply, point: Mapping[str, Fraction]) -> Value:
        index, lower, upper, term = expr.args
        first, last = self.value(lower, point), self.value(upper, point)
        whole = all(isinstance(end, Fraction) and end.denominator == 1 for end in (first, last))
        if not whole or last - first > TERMS or not isinstance(index, Symbol):
            raise Beyond
        kind, total = ("add", Fraction(0)) if expr.name == "sum" else ("mul", Fraction(1))
        for at in range(int(first), int(last) + 1):
            total = self._apply(kind, [total, self.value(term, {**point, index.name: Fraction(at)})])
        return total


def drawn(name: str, seed: int) -> Fraction:
    """Return a number between 0 and 1, determined by a name and a seed."""
    return Fraction(zlib.crc32(f"{seed} {name}".encode()) % 9973 + 17, 10007)


# ---------------------------------------------------------------------------------------------------- exact operations


def _bounded(value: Fraction) -> Fraction:
    if max(value.numerator.bit_length(), value.denominator.bit_length()) > BITS:
        raise Beyond
    return value


def _power(base: Fraction, exponent: Fraction) -> Fraction | None:
    if exponent.denominator > 1:
        rooted = _root(base, Fraction(exponent.denominator))
        return None if rooted is None else _power(rooted, Fraction(exponent.numerator))
    if base in (0, 1, -1):
        return base ** (
            exponent.numerator if abs(exponent) < 2 else (2 + exponent.numerator % 2) * (1 if exponent > 0 else -1)
        )
    size = max(base.numerator.bit_length(), base.denominator.bit_length())
    if abs(exponent) * (size - 1) > BITS:
        raise Beyond
    return base**exponent.numerator


def _root(base: Fraction, degree: Fraction) -> Fraction | None:
    """Return the exact root; None if it is irrational. An odd root of a negative number is real."""
    if degree.denominator > 1 or not 0 < degree <= 1000:
        return None
    n = int(degree)
    if base < 0:
        rooted = _root(-base, degree) if n % 2 else None
        return None if rooted is None else -rooted
    top, bottom = _integer_root(base.numerator, n), _integer_root(base.denominator, n)
    return None if top is None or bottom is None else Fraction(top, bottom)


def _integer_root(value: int, n: int) -> int | None:
    if value < 2:
        return value
    low, high = 1, 1 << (value.bit_length() // n + 1)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if middle**n <= value else (low, middle - 1)
    return low if low**n == value else None


def _factorial(n: Fraction) -> Fraction | None:
    if n.denominator > 1 or n < 0:
        return None
    return Fraction(math.factorial(_small(n)))


def _double_factorial(n: Fraction) -> Fraction:
    return Fraction(math.prod(range(_small(n), 0, -2)))


def _binomial(n: Fraction, k: Fraction) -> Fraction | None:
    if n.denominator > 1 or k.denominator > 1 or n < 0:
        return None
    return Fraction(math.comb(_small(n), int(k))) if k >= 0 else Fraction(0)


def _small(n: Fraction) -> int:
    if n.denominator > 1 or not 0 <= n <= _INTEGER:
        raise Beyond
    return int(n)


def _of_integers(fold: Callable[..., int]) -> Callable[..., Fraction]:
    def folded(*args: Fraction) -> Fraction:
        if any(arg.denominator > 1 for arg in args):
            raise Beyond
        return Fraction(fold(*map(int, args)))

    return folded


def _log(value: Fraction, base: Fraction) -> Fraction | None:
    """Return the logarithm of a power of a whole base; None if it is irrational."""
    if base.denominator > 1 or base < 2 or value <= 0:
        return None
    above, exponent = max(value, 1 / value), 0
    while above.denominator == 1 and above % base == 0:
        above, exponent = above / base, exponent + 1
    return Fraction(exponent if value >= 1 else -exponent) if above == 1 else None


_EXACT: dict[str, Callable[..., Fraction | None]] = {
    "add": lambda a, b: a + b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
    "mod": lambda a, b: a - b * math.floor(a / b),
    "pow": _power,
    "root": _root,
    "abs": abs,
    "floor": lambda a: Fraction(math.floor(a)),
    "ceil": lambda a: Fraction(math.ceil(a)),
    "sign": lambda a: Fraction((a > 0) - (a < 0)),
    "factorial": _factorial,
    "factorial2": _double_factorial,
    "binom": _binomial,
    "falling": lambda n, k: Fraction(math.perm(_small(n), _small(k))),
    "max": max,
    "min": min,
    "gcd": _of_integers(math.gcd),
    "lcm": _of_integers(math.lcm),
    "log": _log,
    "re": lambda a: a,
    "im": lambda _: Fraction(0),
}

# -------------------------------------------------------------------------------------------------- inexact operations


def _inexact_power(made: Any, base: Value, exponent: Value) -> Value:
    if (base == 0 and made.re(exponent) <= 0) or made.mag(exponent) > 60:
        raise Beyond
    if base and abs(exponent) * (abs(made.mag(base)) + 1) > 1 << 40:
        raise Beyond
    return made.power(base, exponent)


def _inexact_root(made: Any, base: Value, degree: Value) -> Value:
    if made.im(base) == 0 and made.re(base) < 0 and degree % 2 == 1:
        return -made.power(-base, 1 / degree)
    return made.power(base, 1 / degree)


def _of_mpmath(function: str) -> Callable[..., Value]:
    """Wrap a function of mpmath; huge arguments, which are slow to reduce, are refused."""

    def applied(made: Any, *args: Value) -> Value:
        if any(arg and made.mag(arg) > 400 for arg in args):
            raise Beyond
        return getattr(made, function)(*args)

    return applied


def _of_reals(function: Callable[..., Value]) -> Callable[..., Value]:
    def applied(made: Any, *args: Value) -> Value:
        if any(made.im(arg) for arg in args):
            raise Beyond
        return function(made, *map(made.re, args))

    return applied


_INEXACT: dict[str, Callable[..., Value]] = {
    "add": lambda _, a, b: a + b,
    "mul": lambda _, a, b: a * b,
    "div": lambda _, a, b: a / b,
    "pow": _inexact_power,
    "root": _inexact_root,
    "abs": lambda _, a: abs(a),
    "floor": _of_reals(lambda made, a: made.floor(a)),
    "ceil": _of_reals(lambda made, a: made.ceil(a)),
    "sign": _of_reals(lambda made, a: made.sign(a)),
    "max": _of_reals(lambda _, *args: max(args)),
    "min": _of_reals(lambda _, *args: min(args)),
    "ln": lambda made, a: made.ln(a),
    "log": lambda made, a, b: made.ln(a) / made.ln(b),
    "re": lambda made, a: made.re(a),
    "im": lambda made, a: made.im(a),
    "factorial": _of_mpmath("factorial"),
    "binom": _of_mpmath("binomial"),
}
_SAME_NAME = "exp sin cos tan cot sec csc asin acos atan acot asec acsc sinh cosh tanh coth sech csch asinh acosh atanh"
_INEXACT |= {name: _of_mpmath(name) for name in _SAME_NAME.split()}
