r"""Statements: named values, equations, inequalities, congruences.

Only ``name = value`` names a value, where the name is a letter, a function such as ``f(x)``, a segment or an angle, or
words: ``x^2 = 9`` is not 9. A chain of equal sides, such as ``2+3 = 5``, is its last side.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise

from tts.answers.forms import Answer, Congruence, Formula, Items, Named, Reals, Relation, Unread
from tts.answers.formula_tokens import GREEK
from tts.answers.identity import equal
from tts.answers.intervals import reals, span, without
from tts.answers.normalize import canonical
from tts.answers.pieces import cuts, expression, split
from tts.answers.tree import Expr, Symbol, minus, symbols

_SIGN = r"[=<>]|\\(?:leq|geq|neq|in|equiv|approx)(?![a-zA-Z])"
_UNKNOWN = re.compile(
    r"\\(?:notin|sim|simeq|cong|to|subset\w*|supset\w*|perp|parallel|[lL]eft\w*arrow|[rR]ight\w*arrow|iff|implies|"
    r"forall|exists|propto|mapsto|ll|gg|land|neg)(?![a-zA-Z])"
)
_SUB = r"(?:_\w|_\{[^{}]*\})?"
_LETTER = rf"(?:[A-Za-z]|\\(?:{'|'.join(sorted(GREEK - {'infty'}))})(?![a-zA-Z]))"
_ARGUMENT = r"\((?:[A-Za-z\d]|\\[a-z]+ ?|[|,=<>])+\)"
_CALL = rf"(?:{_LETTER}|[A-Z]{{2,}}){_SUB}(?:'+|\^\{{-1\}}|\^\{{\([n\d]\)\}})?{_ARGUMENT}"
_SEGMENT = rf"[A-Z]{{1,3}}{_SUB}"
_NAME = re.compile(
    rf"(?:m\\angle|\\angle|\\triangle)? ?(?:{_LETTER}{_SUB}'*|[A-Z]{{2,}}{_SUB}|{_CALL}"
    rf"|{_SEGMENT}[:/]{_SEGMENT}|\\frac\{{(?:{_SEGMENT}|{_CALL})\}}\{{(?:{_SEGMENT}|{_CALL})\}}"
    r"|\\(?:overline|bar|vec|hat|overrightarrow)(?:\{[^{}]*\}|[A-Za-z])"
    r"|\|(?:[A-Z]{2,}|\\(?:overline|vec)\{[^{}]*\})\||\[[A-Z]{3,}\]"
    r"|\((?:[a-z]|[a-z]_\w)(?:,(?:[a-z]|[a-z]_\w))+\)|\\text\{[^{}]+\}|[A-Za-z]{4,}|\\frac\{d[a-z]?\}\{d[a-z]\})"
)
_TURNED = {">": "<", "\\geq": "\\leq"}
_MODULUS = re.compile(
    r"(?P<value>.+?)(?:\\pmod ?(?:\{(?P<group>[^{}]+)\}|(?P<bare>\w+))"
    r"|\(?(?:\\text\{mod\}|\\b?mod|mod) ?(?P<plain>[^()]+)\)?)"
)


def relation(text: str, read: Callable[[str], Answer]) -> Answer | None:
    """Parse a statement; None without a relation sign. An unknown sign makes it unread."""
    if _UNKNOWN.search(text):
        return Unread(text)
    signs = [match[0] for match in cuts(text, _SIGN)]
    if not signs:
        return None
    sides = [canonical(side) for side in split(text, _SIGN)]
    found = _stated(sides, signs, read) if all(sides) else None
    return found or Unread(text)


def congruence(text: str) -> Answer | None:
    r"""Parse ``3 \pmod 7`` without a name before it."""
    if not re.search(r"\\pmod|\\text\{mod\}|\\mod", text) or cuts(text, _SIGN):
        return None
    return _congruent("", text)


def equation(named: Named) -> Expr | None:
    """Return a named formula with symbols as the difference of its sides; None for a name with a plain value."""
    if named.lhs is None or not isinstance(named.value, Formula) or not symbols(named.value.expr):
        return None
    return minus(named.lhs, named.value.expr)


def _stated(sides: list[str], signs: list[str], read: Callable[[str], Answer]) -> Answer | None:
    if signs == ["\\equiv"]:
        return _congruent(*sides)
    if signs == ["\\in"]:
        return _member(sides[0], sides[1], read)
    if signs == ["\\neq"]:
        return _unequal(*sides)
    if set(signs) <= {"=", "\\approx"}:
        return _equal(sides, signs, read)
    if set(signs) <= {">", "\\geq"}:
        sides, signs = sides[::-1], [_TURNED[sign] for sign in signs[::-1]]
    return _ordered(sides, signs) if set(signs) <= {"<", "\\leq"} else None


def _congruent(name: str, text: str) -> Answer | None:
    match = _MODULUS.fullmatch(text)
    if match is None:
        return None
    value, modulus = expression(match["value"]), expression(match["group"] or match["bare"] or match["plain"])
    return None if value is None or modulus is None else Congruence(name, value, modulus)


def _member(left: str, right: str, read: Callable[[str], Answer]) -> Answer | None:
    if not _NAME.fullmatch(left):
        return None
    found = read(right)
    as_set = reals(found)
    return Named(left, found, expression(left)) if as_set is None else Reals(as_set.pieces, left)


def _unequal(left: str, right: str) -> Answer | None:
    a, b = expression(left), expression(right)
    if a is None or b is None:
        return None
    return without((Formula(b),), left) if isinstance(a, Symbol) and not symbols(b) else Relation("!=", minus(a, b))


def _equal(sides: list[str], signs: list[str], read: Callable[[str], Answer]) -> Answer | None:
    if len(sides) == 2 and not _NAME.fullmatch(sides[0]) and _NAME.fullmatch(sides[1]):
        sides = [sides[1], sides[0]]
    values = [expression(side) for side in sides]
    if _NAME.fullmatch(sides[0]):
        numbers = all(value is not None and not symbols(value) for value in values[1:])
        return Named(sides[0], read(sides[-1]), values[0]) if len(sides) == 2 or numbers or _chain(values[1:]) else None
    if "\\approx" in signs:
        return None
    if _chain(values):
        return read(sides[-1])
    left, right = values[0], values[-1]
    return Relation("=", minus(left, right)) if len(sides) == 2 and left is not None and right is not None else None


def _chain(values: list[Expr | None]) -> bool:
    """Return whether the sides of a chain are all equal, as in ``2+3=5``."""
    known = [value for value in values if value is not None]
    return len(known) == len(values) and all(equal(a, b) for a, b in pairwise(known))


def _ordered(sides: list[str], signs: list[str]) -> Answer | None:
    r"""Parse a chain of ``<`` and ``\leq``: a set of reals if one name is between numbers, else its parts."""
    found = [expression(side) for side in sides]
    values = [value for value in found if value is not None]
    if len(values) < len(sides):
        return None
    for at in {2: (0, 1), 3: (1,)}.get(len(sides), ()):
        others = values[:at] + values[at + 1 :]
        if _NAME.fullmatch(sides[at]) and not any(symbols(value) - {"\\infty"} for value in others):
            low, high = values[at - 1] if at else None, values[at + 1] if at + 1 < len(values) else None
            closed = [at > 0 and signs[at - 1] == "\\leq", at < len(signs) and signs[at] == "\\leq"]
            return Reals((span(low, closed[0], high, closed[1]),), sides[at])
    steps = tuple(
        Relation("<" if sign == "<" else "<=", minus(a, b))
        for (a, b), sign in zip(pairwise(values), signs, strict=True)
    )
    return steps[0] if len(steps) == 1 else Items("", steps)
