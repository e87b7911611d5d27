r"""Parser of answers: finds a formula, a quantity, a list, an interval, a statement, a matrix, words, ...

A text of no known form is :class:`tts.answers.forms.Unread` and equals only its own spelling, so that no part of an
answer is dropped silently.
"""

from __future__ import annotations

import re
from fractions import Fraction
from functools import lru_cache

from tts.answers.forms import Answer, Based, Choice, Formula, Items, Matrix, Named, Ratio, Unread
from tts.answers.formula import DEPTH
from tts.answers.identity import places
from tts.answers.intervals import interval, known_set, union
from tts.answers.normalize import LONGEST, canonical, number
from tts.answers.pieces import brackets, depth, expression, split
from tts.answers.relations import congruence, relation
from tts.answers.tree import Number, Symbol
from tts.answers.units import quantity


@lru_cache(maxsize=1 << 13)
def read(text: str) -> Answer:
    """Return the form of an answer."""
    text = canonical(text)
    if len(text) > LONGEST or depth(text) > DEPTH:
        return Unread(text)
    for reader in _READERS:
        if (found := reader(text)) is not None:
            return found
    return Unread(text)


# --------------------------------------------------------------------------------------------- numbers, choices, words


def _number(text: str) -> Answer | None:
    value = number(text)
    return None if value is None else Formula(Number(value, places(value) or 0))


_CHOICE = re.compile(
    r"(?:\\text\{\(?(?P<text>[A-J])[).:]?\}[.:)]?|\((?P<bracket>[A-J])\)|(?P<plain>[A-J])[.)](?!\d)"
    r"|(?P<dotted>[A-J])[.:)](?=\d|\\))(?P<content>[^=^_!(*].*)?"
)


def _choice(text: str) -> Answer | None:
    match = _CHOICE.fullmatch(text)
    if match is None:
        return None
    letter = match["text"] or match["bracket"] or match["plain"] or match["dotted"]
    return Choice(letter, read(match["content"])) if match["content"] else Formula(Symbol(letter))


_WORDS = re.compile(
    r"\\text\{[^{}]*[^\W\d_]{2}[^{}]*\}|(?!(?:sin|cos|tan|cot|sec|csc|ln|log|exp|sqrt|arc(?:sin|cos|tan)))"
    r"(?:[A-Za-z]{4,}|[A-Z]{2,}|[Yy]es|[Nn]o|[A-Za-z]*[A-Za-z]{3}(?:[-'][A-Za-z]+)+)"
)


def _words(text: str) -> Answer | None:
    return Unread(text) if _WORDS.fullmatch(text) else None


# --------------------------------------------------------------------------------------------------- lists and matrices

_ENVIRONMENT = re.compile(
    r"\\begin\{([a-z]*matrix|array|cases|aligned)\*?\}(?:\{[clr|]*\})?(.*)\\end\{\1\*?\}", re.DOTALL
)


def _matrix(text: str) -> Answer | None:
    outer = brackets(text)
    match = _ENVIRONMENT.fullmatch(outer[1] if outer is not None and outer[0] in ("()", "[]") else text)
    if match is None or "\\begin" in match[2]:
        return None
    lines = [line for line in re.split(r"\\\\(?:\[[^\]]*\])?", match[2]) if line.strip()]
    rows = tuple(tuple(read(cell) for cell in line.rstrip(",").split("&")) for line in lines)
    if match[1] not in ("cases", "aligned"):
        return Matrix("determinant" if match[1] == "vmatrix" else "matrix", rows)
    single = all(len(row) == 1 for row in rows)
    return Items("", tuple(row[0] for row in rows)) if single else Matrix("cases", rows)


_PLUS_MINUS, _MINUS_PLUS = re.compile(r"\\pm(?![a-zA-Z]) ?"), re.compile(r"\\mp(?![a-zA-Z]) ?")


def signs(piece: str) -> list[str]:
    r"""Return both readings of a piece with ``\pm``, or the piece."""
    if not (_PLUS_MINUS.search(piece) or _MINUS_PLUS.search(piece)):
        return [piece]
    return [_MINUS_PLUS.sub("-", _PLUS_MINUS.sub("+", piece)), _MINUS_PLUS.sub("+", _PLUS_MINUS.sub("-", piece))]


def _list(text: str) -> Answer | None:
    """Parse a list, tuple or set."""
    outer = brackets(text)
    kind, body = outer or ("", text)
    pieces = _between_commas(body)
    if kind and len(pieces) == 1 and kind != "{}":
        kind, pieces = "", _between_commas(text)
    if (len(pieces) == 1 and kind != "{}") or not all(piece.strip() for piece in pieces):
        return None
    if kind in ("", "{}"):
        pieces = [variant for piece in pieces for variant in signs(piece)]
    elif any(len(signs(piece)) > 1 for piece in pieces):
        return None
    return _collected(kind, tuple(read(piece) for piece in pieces))


def _between_commas(body: str) -> list[str]:
    pieces = split(body, ";")  # p=5,q=2;p=7,q=2 is a list of pairs
    return pieces if len(pieces) > 1 else split(body, ",")


def _collected(kind: str, items: tuple[Answer, ...]) -> Answer:
    """Collect items; a list whose values have one name, such as ``x=1, x=2`` or ``x=1, 2``, is one named list."""
    if kind:
        return Items(kind, items)
    items = tuple(part for item in items for part in _flat(item))
    first, *rest = items
    if isinstance(first, Named):
        same = all(isinstance(item, Named) and item.name == first.name for item in rest)
        if same or all(isinstance(item, (Formula, Items)) for item in rest):
            values = [item.value if isinstance(item, Named) else item for item in items]
            return Named(first.name, Items("", tuple(part for value in values for part in _flat(value))), first.lhs)
    return Items("", items)


def _flat(item: Answer) -> tuple[Answer, ...]:
    names = isinstance(item, Items) and any(isinstance(part, Named) for part in item.items)
    return item.items if isinstance(item, Items) and not item.kind and not names else (item,)


def _both_signs(text: str) -> Answer | None:
    variants = signs(text)
    return _collected("", tuple(read(variant) for variant in variants)) if len(variants) > 1 else None


# ---------------------------------------------------------------------------------------------- ratios, bases, formulas


def _ratio(text: str) -> Answer | None:
    pieces = split(text, ":")
    parts = tuple(part for piece in pieces if (part := expression(piece)) is not None)
    if len(pieces) < 2 or len(parts) < len(pieces):
        return None
    clock = bool(re.fullmatch(r"(?:[01]?\d|2[0-4])(?::[0-5]\d){1,2}", text))
    return Ratio(parts[:2] if clock and parts[2:] == (Number(Fraction(0)),) else parts, clock)


_BASED = re.compile(r"(-?[0-9A-Za-z.]*\d[0-9A-Za-z.]*)_\{?(\d+)\}?", re.ASCII)


def _based(text: str) -> Answer | None:
    match = _BASED.fullmatch(text)
    if match is None or (match[1][0].isalpha() and not re.fullmatch(r"[0-9A-F]+", match[1])):
        return None
    return None if re.fullmatch(r"[A-Z]\d?", match[1]) else Based(match[1].upper(), match[2])


def _formula(text: str) -> Answer | None:
    expr = expression(text)
    return None if expr is None else Formula(expr)


_READERS = (
    _number,
    _choice,
    lambda text: known_set(text, read),
    _words,
    _matrix,
    interval,
    lambda text: union(text, read, r"\\lor(?![a-zA-Z])"),
    _list,
    congruence,
    lambda text: relation(text, read),
    lambda text: union(text, read, r"\\cup(?![a-zA-Z])"),
    _both_signs,
    _ratio,
    _based,
    lambda text: quantity(text, read),
    _formula,
)
