r"""Quantities: a number and the unit or noun that follows it.

Letters without a text command are a unit only where they cannot be a product of variables: ``10 cm`` and ``60 km/h``
are quantities, ``5m`` is a product.
"""

# ruff: noqa: RUF001  (units in Cyrillic letters)
from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction

from tts.answers.forms import Answer, Formula, Quantity, Unit
from tts.answers.formula_tokens import TRIGONOMETRIC
from tts.answers.tree import Number, mul

_UNITS = {
    name: group.split()[0]
    for group in (
        "cm centimeter centimetre см", "m meter metre м", "km kilometer kilometre км", "mm millimeter millimetre мм",
        "in inch inches inche", "ft foot feet", "yd yard", "mi mile", "kg kilogram кг", "g gram г", "mg milligram",
        "lb pound lbs", "oz ounce", "s sec second с", "min minute мин", "h hr hour hrs ч", "day", "week", "month",
        "year yr", "degree deg degrees", "radian rad", "dollar usd", "euro eur", "cent", "unit",
        "ml milliliter millilitre",
        "l liter litre", "hectare", "acre", "percent pct", "hz hertz", "n newton", "j joule", "kj kilojoule", "w watt",
        "kw kilowatt", "v volt", "a ampere amp", "pa pascal", "k kelvin", "mol mole", "erg", "kcal kilocalorie",
    )
    for name in group.split()
}  # fmt: skip
_KNOWN = frozenset(_UNITS.values())
_SHORT = {"mph": "mi/h", "kmh": "km/h", "kph": "km/h"}
_POWERS = {"square": 2, "sq": 2, "squared": 2, "cubic": 3, "cu": 3, "cubed": 3}
_SCALES = {"hundred": 2, "thousand": 3, "million": 6, "billion": 9, "trillion": 12}
_MEANINGFUL = frozenset(
    "am pm ad bc bce ce hundred thousand million billion trillion dozen score half quarter tenth hundredth east west "
    "north south left right true false yes no even odd none all more less mod base pi sqrt over if or and to "
    "万 千 百 億 亿 兆 半 тыс млн млрд тысяч миллионов".split()
)

_LONG = sorted((name for name in (*_UNITS, *_SHORT, "USD", "EUR") if len(name) > 1), key=len, reverse=True)
_BARE = rf"(?:square|cubic|sq|cu)?(?:{'|'.join(_LONG)})s?(?![a-zA-Z])"
_TEXT = r"\\text\{(?=[^}]*[^\W\d_])(?:[^{}\d:^]|\^-?[123]|\^\{-?[123]\})*+\}"
_RAISED = r"(?:\^\{?-?[123]\}?)?"
_FACTOR = rf"(?>{_TEXT}|{_BARE}|[a-zA-Z](?![a-zA-Z])){_RAISED}"
_FOREIGN = r"[^\W\d_a-zA-Z\u0370-\u03ff]+"
_QUANTITY = re.compile(
    r"(?P<head>.*?[\w)}\]|])(?:(?P<degree>\^?\\circ ?(?:\\text\{[CFK]\}|[CFK])?)|(?P<unit>"
    rf"(?>{_TEXT}|{_BARE}){_RAISED}(?:(?:/|\\cdot|\*|\\times|){_FACTOR}){{0,6}}"
    rf"|\\frac\{{{_FACTOR}\}}\{{{_FACTOR}\}}|{_FACTOR}/{_FACTOR}|{_FOREIGN}))",
    re.DOTALL,
)
_TRIGONOMETRY = re.compile("|".join(TRIGONOMETRIC))
_FACTORS = re.compile(r"(?P<over>[/*])|(?P<name>[^\W\d_]+)|\^ ?\{?(?P<power>-?\d)")


def quantity(text: str, read: Callable[[str], Answer]) -> Answer | None:
    """Parse an amount with a unit; None if the answer does not end in one."""
    match = _QUANTITY.fullmatch(text)
    if match is None or not re.search(r"\d|\\", match["head"]):
        return None
    if match["degree"]:
        scale = re.sub(r".*circ|\\text|[{} ]", "", match["degree"])
        return None if _TRIGONOMETRY.search(match["head"]) else Quantity(read(match["head"]), (("degree" + scale, 1),))
    unit = _unit(match["unit"])
    if not unit or ("\\text" not in match["unit"] and not _bare_unit(match["head"], match["unit"], unit)):
        return None
    return _scaled(read(match["head"]), unit)


def droppable(unit: Unit) -> bool:
    """Return whether the unit may be dropped: never if the word changes the value."""
    return all(name not in _MEANINGFUL and (name in _KNOWN or len(name) > 2 or not name.isascii()) for name, _ in unit)


def _bare_unit(head: str, written: str, unit: Unit) -> bool:
    """Return whether letters without a text command are a unit and not a product of variables."""
    if re.search(r"[\d})|\]]$", head) is None:
        return False
    names = {name for name, _ in unit}
    if re.fullmatch(_FOREIGN, written):
        return True
    if not names <= _KNOWN:
        return False
    return (
        len(re.sub(r"[^a-zA-Z]", "", written)) > 1 if len(names) == 1 else bool(names & {"s", "h", "min", "cm", "ml"})
    )


def _scaled(amount: Answer, unit: Unit) -> Answer:
    """Return the quantity, with ``5 million people`` as 5000000 people."""
    (first, power), *others = unit
    scale = next((word for word in _SCALES if first.startswith(word)), None)
    if scale is None or power != 1 or not isinstance(amount, Formula):
        return Quantity(amount, unit)
    amount = Formula(mul(amount.expr, Number(Fraction(10 ** _SCALES[scale]))))
    rest = _name(first.removeprefix(scale))
    kept = tuple(sorted([*([(rest, 1)] if rest else []), *others]))
    return Quantity(amount, kept) if kept else amount


def _name(word: str) -> str:
    return _UNITS.get(word) or _UNITS.get(word.removesuffix("s")) or word.removesuffix("s")


def _unit(written: str) -> Unit:
    """Parse the factors of a unit with their powers, sorted by name; other words are one noun."""
    text = re.sub(r"\\frac\{(.*)\}\{(.*)\}", r"\1/\2", written) if written.startswith("\\frac") else written
    text = (
        re.sub(r"\\text\{((?:[^{}]|\{[^{}]*\})*)\}", r" \1 ", text)
        .replace("\\cdot", "*")
        .replace("\\times", "*")
        .lower()
    )
    text = re.sub(r"\bper\b", "/", re.sub(r"(?<=\w)\.(?=\w)", "", text))
    for short, long in _SHORT.items():
        text = re.sub(rf"\b{short}\b", long, text)
    text = re.sub(r"\b(square(?!d)|cubic|sq(?!uare)|cu(?!b))(?=[a-z]{2})", r"\1 ", text)
    return tuple(sorted((name, power) for name, power in _gathered(text).items() if power))


def _gathered(text: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for at, part in enumerate(re.split(r"([/*])", text)):
        if at % 2:
            continue
        sign = -1 if at and re.split(r"([/*])", text)[at - 1] == "/" else 1
        for name, power in _product(part):
            found[name] = found.get(name, 0) + sign * power
    return found


def _product(part: str) -> list[tuple[str, int]]:
    """Parse the adjacent factors of ``kg m^2`` or ``square meters``; ``red balls`` is one noun."""
    factors: list[tuple[str, int]] = []
    ahead = 1
    for match in _FACTORS.finditer(part):
        word, power = match["name"], match["power"]
        if power and factors:
            factors[-1] = factors[-1][0], int(power)
        elif word in ("square", "sq", "cubic", "cu"):
            ahead = _POWERS[word]
        elif word in _POWERS and factors:
            factors[-1] = factors[-1][0], _POWERS[word]
        elif word:
            factors.append((_name(word), ahead))
            ahead = 1
    if all(name in _KNOWN for name, _ in factors) or len(factors) == 1:
        return factors
    words = re.findall(r"[^\W\d_]+", part)
    return [("".join(words).removesuffix("s"), 1)]
