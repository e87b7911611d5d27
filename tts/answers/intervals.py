r"""Sets of real numbers: intervals, unions, complements of points, inequalities in one variable."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from itertools import pairwise

from tts.answers.forms import Answer, Formula, Interval, Items, Named, Reals, Relation, Unread
from tts.answers.identity import approximate, equal
from tts.answers.pieces import brackets, expression, split
from tts.answers.tree import INFINITY, Expr, Symbol, minus, negative

EVERY = Interval(None, False, None, False)

_KNOWN = {"\\mathbb{R}": (EVERY,), "\\emptyset": ()}
_EVERY_WORD = re.compile(r"(?:all)?(?:the)?(?:realnumbers|reals)")
_NO_SOLUTION = re.compile(
    r"\\text\{(?:there (?:is|are) )?no (?:real )?solutions?\}|no(?:real)?solutions?", re.IGNORECASE
)
_BUILDER = re.compile(r"([a-z])(?:\\in(?:\\mathbb\{R\}|R))?[|:](.+)")
_FRENCH = re.compile(r"([\[\]])([^\[\]]*)([\[\]])")


def known_set(text: str, read: Callable[[str], Answer]) -> Answer | None:
    r"""Parse all real numbers, all but some, none, or ``\{x \mid ...\}``."""
    if text in _KNOWN:
        return Reals(_KNOWN[text])
    if _EVERY_WORD.fullmatch(re.sub(r"\\text|[{} ]", "", text).lower()):
        return Reals((EVERY,))
    if _NO_SOLUTION.fullmatch(text):
        return Reals(())
    pieces = split(text, r"\\(?:setminus|backslash)(?![a-zA-Z])")
    if len(pieces) == 2 and pieces[0] in ("\\mathbb{R}", "R"):
        removed = read(pieces[1])
        return without(removed.items) if isinstance(removed, Items) and removed.kind == "{}" else None
    outer = brackets(text)
    if outer is not None and outer[0] == "{}" and (match := _BUILDER.fullmatch(outer[1])):
        found = read(match[2])
        return found if isinstance(found, Reals) and found.name in ("", match[1]) else None
    return None


def union(text: str, read: Callable[[str], Answer], separator: str) -> Answer | None:
    """Parse sets with a union sign between them, or inequalities with *or*."""
    pieces = split(text, separator)
    if len(pieces) < 2:
        return None
    parts = [read(piece) for piece in pieces]
    items = [part for part in parts if isinstance(part, Items) and part.kind == "{}"]
    if len(items) == len(parts):
        return Items("{}", tuple(item for part in items for item in part.items))
    sets = [found for part in parts if (found := reals(part)) is not None]
    names = {found.name for found in sets}
    if len(sets) < len(parts) or len(names) > 1:
        return Unread(text)
    return Reals(tuple(piece for found in sets for piece in found.pieces), names.pop())


def without(points: Sequence[Answer], name: str = "") -> Reals | None:
    """Return the real numbers without some points; None if one is not a number."""
    ends = [point.expr for point in points if isinstance(point, Formula)]
    order = [at for end in ends if (at := approximate(end)) is not None]
    if len(order) != len(points) or not points:
        return None
    edges: list[Expr | None] = [
        None,
        *(end for _, end in sorted(zip(order, ends, strict=True), key=lambda e: e[0])),
        None,
    ]
    return Reals(tuple(Interval(low, False, high, False) for low, high in pairwise(edges)), name)


def interval(text: str) -> Answer | None:
    """Parse an unambiguous interval: one bracket of each kind, an infinite end, or French brackets."""
    if (match := _FRENCH.fullmatch(text)) and (match[1] == "]" or match[3] == "["):
        return _between(split(match[2], "[,;]"), match[1] == "[", match[3] == "]")
    outer = brackets(text)
    if outer is None or "{" in outer[0]:
        return None
    ends = split(outer[1], "[,;]")
    if outer[0] in ("(]", "[)") or any(end.strip(" +-") == "\\infty" for end in ends):
        return _between(ends, outer[0][0] == "[", outer[0][1] == "]")
    return None


def _between(ends: list[str], low_closed: bool, high_closed: bool) -> Answer | None:
    values = [expression(end) for end in ends]
    if len(ends) != 2 or None in values or values[0] == INFINITY or values[1] == negative(INFINITY):
        return None
    return Reals((span(values[0], low_closed, values[1], high_closed),))


def span(low: Expr | None, low_closed: bool, high: Expr | None, high_closed: bool) -> Interval:
    """Build an interval; an infinite end is None and open."""
    low, high = (None if end in (INFINITY, negative(INFINITY)) else end for end in (low, high))
    return Interval(low, low_closed and low is not None, high, high_closed and high is not None)


def reals(answer: Answer) -> Reals | None:
    """Interpret an answer as a set of real numbers; None if it cannot be one."""
    if isinstance(answer, Reals):
        return answer
    if isinstance(answer, Named):
        found = reals(answer.value) or reals(Items("{}", (answer.value,)))
        return None if found is None else Reals(found.pieces, answer.name)
    if not isinstance(answer, Items):
        return None
    ends = [item.expr for item in answer.items if isinstance(item, Formula)]
    if len(ends) == len(answer.items) and answer.kind == "{}":
        return Reals(tuple(Interval(end, True, end, True) for end in ends))
    if len(ends) == len(answer.items) == 2 and answer.kind in ("()", "[]"):
        closed = answer.kind == "[]"
        return Reals((Interval(ends[0], closed, ends[1], closed),))
    return None


def half_line(found: Reals) -> Relation | None:
    """Return the inequality of a set that is all below or all above a number; None for another set."""
    if len(found.pieces) != 1 or not found.name:
        return None
    [piece], name = found.pieces, Symbol(found.name)
    if piece.low is None and piece.high is not None:
        return Relation("<=" if piece.high_closed else "<", minus(name, piece.high))
    if piece.high is None and piece.low is not None:
        return Relation("<=" if piece.low_closed else "<", minus(piece.low, name))
    return None


def same_reals(a: Reals, b: Reals) -> bool:
    """Return whether two sets have the same numbers, and the same variable if both name one."""
    if a.name and b.name and a.name != b.name:
        return False
    first, second = _merged(a.pieces), _merged(b.pieces)
    return len(first) == len(second) and all(any(_same_interval(x, y) for y in second) for x in first)


def _same_interval(x: Interval, y: Interval) -> bool:
    if (x.low_closed, x.high_closed) != (y.low_closed, y.high_closed):
        return False
    ends = ((x.low, y.low), (x.high, y.high))
    return all(a is b if a is None or b is None else equal(a, b) for a, b in ends)


def _merged(pieces: tuple[Interval, ...]) -> list[Interval]:
    """Return the set as ordered intervals that do not touch; unchanged if an end is not a number."""
    keyed = []
    for piece in pieces:
        low = -math.inf if piece.low is None else approximate(piece.low)
        high = math.inf if piece.high is None else approximate(piece.high)
        if low is None or high is None:
            return list(pieces)
        if low < high or (low == high and piece.low_closed and piece.high_closed):
            keyed.append((low, not piece.low_closed, high, piece))
    merged: list[Interval] = []
    reach, closed = -math.inf, False
    for low, opened, high, piece in sorted(keyed, key=lambda key: key[:3]):
        touches = merged and (low < reach or (low == reach and (closed or not opened)))
        if not touches:
            merged.append(piece)
        elif (high, piece.high_closed) > (reach, closed):
            merged[-1] = Interval(merged[-1].low, merged[-1].low_closed, piece.high, piece.high_closed)
        if not touches or (high, piece.high_closed) > (reach, closed):
            reach, closed = high, piece.high_closed
    return merged
