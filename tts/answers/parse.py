r"""The pieces of an answer: its words, its number and unit, the items between its brackets.

An answer is given as :func:`tts.answers.normalize.canonical` spells it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from tts.answers.normalize import canonical

PLACES = 6
"""Decimals from which a rounding is taken for the exact value; math-verify's own choice."""

_UNITS = {
    name: group.split()[0]
    for group in (
        "cm centimeter centimetre", "m meter metre", "km kilometer kilometre", "mm millimeter millimetre",
        "in inch inches inche", "ft foot feet", "yd yard", "mi mile", "kg kilogram", "g gram", "mg milligram",
        "lb pound lbs", "oz ounce", "s sec second", "min minute", "h hr hour", "day", "week", "month",
        "year yr", "degree deg degrees", "radian rad", "dollar usd", "cent", "unit", "mph mileperhour milesperhour",
        "ml milliliter millilitre", "l liter litre", "hectare", "acre", "percent pct",
    )
    for name in group.split()
}  # fmt: skip

_MEANINGFUL = frozenset(
    "am pm ad bc bce ce hundred thousand million billion trillion dozen score half quarter tenth hundredth east west "
    "north south left right true false yes no even odd none all more less mod base pi sqrt over if".split()
)

_NAME = r"[a-zA-Z](?:_\{?\w+\}?)?'?|\\(?:alpha|beta|gamma|delta|theta|lambda|mu|phi|omega|sigma|rho|tau|ell)"
ASSIGNED = re.compile(rf"({_NAME}|[a-zA-Z]\((?:[a-z])(?:,[a-z])*\)|\([a-z](?:,[a-z])+\))(?:=|\\in|\\approx)(?=.)")
RELATION = re.compile(r"[=<>]|\\(?:leq|geq|neq|lt|gt|in|equiv)(?![a-zA-Z])")
BASED = re.compile(r"([0-9A-Za-z]*\d[0-9A-Za-z]*)_\{?(\d+)\}?")
CLOCK = re.compile(r"\d+(?::\d+)+")
_QUANTITY = re.compile(
    r"(?P<head>.*[\w)}])(?:\^?\\circ(?P<scale>\\text\{[CF]\}|[CF])?"
    r"|\\text\{(?P<text>[A-Za-z][A-Za-z .'-]*)\}(?:\^\{?(?P<power>[23])\}?)?)"
)
_BARE_QUANTITY = re.compile(r"(?P<head>-?[\d./]+)(?P<unit>[a-z]+)(?:\^\{?(?P<power>[23])\}?)?")
_WORD = re.compile(r"\\text\{([A-Za-z][A-Za-z .,'-]*)\}|([A-Za-z]+(?:[-'][A-Za-z]+)*)")


def word(text: str) -> tuple[str, bool] | None:
    """An answer in words, in lower case without spaces, and whether a text command marks it as such."""
    match = _WORD.fullmatch(text)
    if match is None:
        return None
    return re.sub(r"[^a-z]", "", (match[1] or match[2]).lower()), match[1] is not None


def _unit(name: str) -> str:
    name = re.sub(r"[^a-z]", "", name.lower())
    prefix = ""
    for power in ("square", "sq", "cubic", "cu"):
        if name.startswith(power):
            prefix, name = power[0], name[len(power) :]
            break
    return prefix + (_UNITS.get(name) or _UNITS.get(name.removesuffix("s")) or name.removesuffix("s"))


@dataclass(frozen=True, slots=True)
class Quantity:
    """An answer that ends in a unit or another word; not ``sure`` where it may be a product, as in ``5m``."""

    head: str
    unit: str
    sure: bool = True


def quantity(text: str) -> Quantity | None:
    """The number and the unit of an answer; None where it does not end in one."""
    sure = True
    if match := _QUANTITY.fullmatch(text):
        name = _unit(match["text"]) if match["text"] else "degree" + (match["scale"] or "").strip("\\tex{}")
    elif (match := _BARE_QUANTITY.fullmatch(text)) and _bare(name := _unit(match["unit"])) in _KNOWN:
        sure = len(match["unit"]) > 1
    else:
        return None
    return Quantity(canonical(match["head"]), {"2": "s", "3": "c"}.get(match["power"] or "", "") + name, sure)


_KNOWN = frozenset(_UNITS.values())


def _bare(unit: str) -> str:
    """The unit of length behind one of area or volume."""
    return unit[1:] if unit[:1] in ("s", "c") and unit[1:] in _KNOWN else unit


def droppable(unit: str) -> bool:
    """Whether a number with this unit is the number without it: never where the word changes the value."""
    return _bare(unit) in _KNOWN or unit.startswith("degree") or (len(unit) > 2 and unit not in _MEANINGFUL)


@dataclass(frozen=True, slots=True)
class Items:
    """Pieces between commas: ``kind`` is the pair of brackets, ``"{}"`` for a set, ``""`` for a list without any."""

    kind: str
    items: tuple[str, ...]

    @property
    def ordered(self) -> bool:
        return self.kind not in ("", "{}")


def split(text: str, separator: str) -> list[str] | None:
    """The pieces between top-level separators; None where brackets do not balance."""
    pieces, depth, start = [], 0, 0
    for at, char in enumerate(text):
        depth += (char in "([{") - (char in ")]}")
        if depth < 0:
            return None
        if char == separator and depth == 0 and text[at - 1 : at] != "\\":
            pieces.append(text[start:at])
            start = at + 1
    return [*pieces, text[start:]] if depth == 0 else None


def items(text: str) -> Items | None:
    """What stands between the commas, or the semicolons, of an answer; None where it is not made of items."""
    if "\\begin" in text or not re.search(r"[,;{]|\\pm|\\mp", text):
        return None
    kind, body = "", text.replace("\\{", "{").replace("\\}", "}")
    if body[:1] in ("(", "[", "{") and body[-1:] in (")", "]", "}"):
        inner = split(body[1:-1], ",")
        if inner is not None:
            kind, body = body[0] + body[-1], body[1:-1]
    pieces = split(body, ";")  # p=5,q=2;p=7,q=2 is a list of pairs
    if pieces is not None and len(pieces) == 1:
        pieces = split(body, ",")
    if pieces is None or not all(pieces):
        return None
    if kind in ("", "{}"):
        pieces = [variant for piece in pieces for variant in _signs(piece)]
    if len(pieces) == 1 and kind != "{}":
        return None
    return Items(kind, tuple(canonical(piece) for piece in pieces))


def _signs(piece: str) -> list[str]:
    r"""Both readings of a piece with ``\pm``."""
    if "\\pm" not in piece and "\\mp" not in piece:
        return [piece]
    pm, mp = re.compile(r"\\pm(?![a-zA-Z]) ?"), re.compile(r"\\mp(?![a-zA-Z]) ?")
    return [mp.sub("-", pm.sub("+", piece)), mp.sub("+", pm.sub("-", piece))]


def rounds(a: Fraction, b: Fraction) -> bool:
    """Whether one is a decimal of many places and the other the endless fraction it stands for."""
    places_a, places_b = decimals(a), decimals(b)
    if (places_a is None) == (places_b is None):
        return False
    places = places_a if places_a is not None else places_b
    return places is not None and places >= PLACES and abs(a - b) < Fraction(1, 10**places)


def decimals(value: Fraction) -> int | None:
    """The places of a terminating decimal; None for an endless one."""
    rest, counts = value.denominator, []
    for prime in (2, 5):
        count = 0
        while rest % prime == 0:
            rest, count = rest // prime, count + 1
        counts.append(count)
    return max(counts) if rest == 1 else None
