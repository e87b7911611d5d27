r"""Which answers are the same answer.

Cheap layers decide first and are exact: spelling (:mod:`tts.answers`), numbers as fractions, words, numbers with
units, tuples, intervals, sets and lists piece by piece. Only what is left goes to math-verify
(:mod:`tts.judge`), one comparison at a time under a hard limit. A comparison that hits the limit says "different".

Conventions:
    * ``x=5`` is ``5``, ``f(x)=2x`` is ``2x``; ``x=1`` and ``y=1`` differ.
    * ``10 cm`` is ``10``, for samples often leave the unit out; ``10 cm`` and ``10 m`` differ, as do ``10 a.m.`` and
      ``10 p.m.``, ``5 million`` and ``5``.
    * ``204_5`` is ``204``; ``204_5`` and ``204_6`` differ.
    * A list without brackets and a set have no order; a tuple and an interval do. ``(1,2)`` is neither ``[1,2)`` nor
      ``\{1,2\}``.
    * A decimal of six or more places is the endless fraction that it rounds; other numbers are compared exactly.
"""

from __future__ import annotations

import atexit
import re
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from types import TracebackType

from tts.answers import LONGEST, canonical, number, parsable
from tts.concurrency import aside
from tts.judge import Judge

_PLACES = 6  # decimals from which a rounding is taken for the exact value; math-verify's own choice
_ITEMS = 64  # more pieces than this are compared in the order given
_DIFFERENT = ("0", "1")  # a question whose answer is no
_STRIKES = 3  # an answer that met the limit this often is not compared by algebra again

# ------------------------------------------------------------------------------------------- the pieces of an answer

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
_ASSIGNED = re.compile(rf"({_NAME}|[a-zA-Z]\((?:[a-z])(?:,[a-z])*\)|\([a-z](?:,[a-z])+\))(?:=|\\in|\\approx)(?=.)")
_RELATION = re.compile(r"[=<>]|\\(?:leq|geq|neq|lt|gt|in|equiv)(?![a-zA-Z])")
_BASED = re.compile(r"([0-9A-Za-z]*\d[0-9A-Za-z]*)_\{?(\d+)\}?")
_CLOCK = re.compile(r"\d+(?::\d+)+")
_QUANTITY = re.compile(
    r"(?P<head>.*[\w)}])(?:\^?\\circ(?P<scale>\\text\{[CF]\}|[CF])?"
    r"|\\text\{(?P<text>[A-Za-z][A-Za-z .'-]*)\}(?:\^\{?(?P<power>[23])\}?)?)"
)
_BARE_QUANTITY = re.compile(r"(?P<head>-?[\d./]+)(?P<unit>[a-z]+)(?:\^\{?(?P<power>[23])\}?)?")
_WORD = re.compile(r"\\text\{([A-Za-z][A-Za-z .,'-]*)\}|([A-Za-z]+(?:[-'][A-Za-z]+)*)")


def _word(text: str) -> tuple[str, bool] | None:
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
class _Quantity:
    """An answer that ends in a unit or another word; not ``sure`` where it may be a product, as in ``5m``."""

    head: str
    unit: str
    sure: bool = True


def _quantity(text: str) -> _Quantity | None:
    sure = True
    if match := _QUANTITY.fullmatch(text):
        name = _unit(match["text"]) if match["text"] else "degree" + (match["scale"] or "").strip("\\tex{}")
    elif (match := _BARE_QUANTITY.fullmatch(text)) and _bare(name := _unit(match["unit"])) in _KNOWN:
        sure = len(match["unit"]) > 1
    else:
        return None
    return _Quantity(canonical(match["head"]), {"2": "s", "3": "c"}.get(match["power"] or "", "") + name, sure)


_KNOWN = frozenset(_UNITS.values())


def _bare(unit: str) -> str:
    """The unit of length behind one of area or volume."""
    return unit[1:] if unit[:1] in ("s", "c") and unit[1:] in _KNOWN else unit


def _droppable(unit: str) -> bool:
    """Whether a number with this unit is the number without it: never where the word changes the value."""
    return _bare(unit) in _KNOWN or unit.startswith("degree") or (len(unit) > 2 and unit not in _MEANINGFUL)


@dataclass(frozen=True, slots=True)
class _Sequence:
    """Pieces between commas: ``kind`` is the pair of brackets, ``"{}"`` for a set, ``""`` for a list without any."""

    kind: str
    items: tuple[str, ...]

    @property
    def ordered(self) -> bool:
        return self.kind not in ("", "{}")


def _split(text: str, separator: str) -> list[str] | None:
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


def _sequence(text: str) -> _Sequence | None:
    if "\\begin" in text or not re.search(r"[,;{]|\\pm|\\mp", text):
        return None
    kind, body = "", text.replace("\\{", "{").replace("\\}", "}")
    if body[:1] in ("(", "[", "{") and body[-1:] in (")", "]", "}"):
        inner = _split(body[1:-1], ",")
        if inner is not None:
            kind, body = body[0] + body[-1], body[1:-1]
    pieces = _split(body, ";")  # p=5,q=2;p=7,q=2 is a list of pairs
    if pieces is not None and len(pieces) == 1:
        pieces = _split(body, ",")
    if pieces is None or not all(pieces):
        return None
    if kind in ("", "{}"):
        pieces = [variant for piece in pieces for variant in _signs(piece)]
    if len(pieces) == 1 and kind != "{}":
        return None
    return _Sequence(kind, tuple(canonical(piece) for piece in pieces))


def _signs(piece: str) -> list[str]:
    r"""Both readings of a piece with ``\pm``."""
    if "\\pm" not in piece and "\\mp" not in piece:
        return [piece]
    pm, mp = re.compile(r"\\pm(?![a-zA-Z]) ?"), re.compile(r"\\mp(?![a-zA-Z]) ?")
    return [mp.sub("-", pm.sub("+", piece)), mp.sub("+", pm.sub("-", piece))]


def _rounds(a: Fraction, b: Fraction) -> bool:
    """Whether one is a decimal of many places and the other the endless fraction it stands for."""
    places_a, places_b = _decimals(a), _decimals(b)
    if (places_a is None) == (places_b is None):
        return False
    places = places_a if places_a is not None else places_b
    return places is not None and places >= _PLACES and abs(a - b) < Fraction(1, 10**places)


def _decimals(value: Fraction) -> int | None:
    """The places of a terminating decimal; None for an endless one."""
    rest, counts = value.denominator, []
    for prime in (2, 5):
        count = 0
        while rest % prime == 0:
            rest, count = rest // prime, count + 1
        counts.append(count)
    return max(counts) if rest == 1 else None


# ---------------------------------------------------------------------------------------------------- the comparison


class Equivalence:
    """Compares answers and remembers the verdicts. Safe to use from several threads; :meth:`close` when done.

    Args:
        seconds: limit of processor time for one comparison by algebra.
        workers: most such comparisons at once.
        memory: verdicts kept.
    """

    def __init__(self, seconds: float = 5.0, workers: int = 2, memory: int = 1 << 16) -> None:
        self.judge = Judge(seconds, workers)
        self._memory = memory
        self._verdicts: OrderedDict[tuple[str, str, bool], bool] = OrderedDict()
        self._strikes: dict[str, int] = {}
        self._lock = threading.Lock()

    def equivalent(self, a: str, b: str) -> bool:
        """Whether two answers are the same. Symmetric; not promised to be transitive."""
        return a == b or self._same(canonical(a), canonical(b), symmetric=True)

    def grade(self, gold: str, answer: str) -> bool:
        """Whether ``answer`` is right. ``gold`` decides what form is asked for: ``x < 4`` is not met by ``4``."""
        return gold == answer or self._same(canonical(gold), canonical(answer), symmetric=False)

    def group(self, answers: Sequence[str]) -> list[int]:
        """The class of each answer, numbered in the order of first appearance.

        An answer joins the first class whose first member it equals, so that n answers of k classes take at most
        n x k comparisons, most of them settled by spelling.
        """
        classes: dict[str, int] = {}
        founders: list[str] = []
        for answer in answers:
            spelling = canonical(answer)
            if spelling in classes:
                continue
            for index, founder in enumerate(founders):
                if self._same(founder, spelling, symmetric=True):
                    classes[spelling] = index
                    break
            else:
                classes[spelling] = len(founders)
                founders.append(spelling)
        return [classes[canonical(answer)] for answer in answers]

    async def group_async(self, answers: Sequence[str]) -> list[int]:
        """:meth:`group` in a thread, for event loops."""
        return await aside(self.group, answers)

    def close(self) -> None:
        """End the worker processes. Using it again starts them anew."""
        self.judge.close()

    def __enter__(self) -> Equivalence:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def _same(self, a: str, b: str, symmetric: bool) -> bool:
        if a == b:
            return True
        if max(len(a), len(b)) > LONGEST or not (parsable(a) and parsable(b)):
            return False
        verdict = _quick(a, b)
        if verdict is not None:
            return verdict
        if (pair := _reduced(a, b)) is not None:
            return self._same(*pair, symmetric)
        first, second = _sequence(a), _sequence(b)
        if first is not None and second is not None:
            return self._same_sequence(first, second, symmetric)
        for sequence, other in ((first, b), (second, a)):
            if sequence is not None and len(sequence.items) == 1:  # a set of one is its element
                pair = (sequence.items[0], other) if sequence is first else (other, sequence.items[0])
                return self._same(*pair, symmetric)
            if sequence is not None and number(other) is not None:
                return False
        return self._by_algebra(a, b, symmetric)

    def _same_sequence(self, a: _Sequence, b: _Sequence, symmetric: bool) -> bool:
        if len(a.items) != len(b.items):
            return False
        pairs = list(zip(a.items, b.items, strict=True))
        if a.ordered or b.ordered:
            kinds = {a.kind, b.kind}
            if "{}" in kinds or (len(kinds) > 1 and not kinds <= {"", "()", "[]"}):
                return False
            if len(pairs) == 2 and kinds == {"()", "[]"}:  # of two pieces each they may be intervals
                return False
            return all(self._same(x, y, symmetric) for x, y in pairs)
        if len(pairs) > _ITEMS:
            return all(self._same(x, y, symmetric) for x, y in pairs)
        rest = list(b.items)
        for item in a.items:
            match = next((other for other in rest if other == item), None)
            match = match or next((other for other in rest if self._same(item, other, symmetric)), None)
            if match is None:
                return False
            rest.remove(match)
        return True

    def _by_algebra(self, a: str, b: str, symmetric: bool) -> bool:
        if symmetric and b < a:
            a, b = b, a
        key = (a, b, symmetric)
        with self._lock:
            if key in self._verdicts:
                self._verdicts.move_to_end(key)
                return self._verdicts[key]
            if max(self._strikes.get(a, 0), self._strikes.get(b, 0)) >= _STRIKES:
                return False
        verdict = self.judge.ask(_spelled(a), _spelled(b), symmetric)
        with self._lock:
            if verdict is None:
                for side in (a, b):
                    self._strikes[side] = self._strikes.get(side, 0) + 1
                while len(self._strikes) > self._memory:
                    del self._strikes[next(iter(self._strikes))]
            self._verdicts[key] = bool(verdict)
            while len(self._verdicts) > self._memory:
                self._verdicts.popitem(last=False)
        return bool(verdict)


def _spelled(answer: str) -> str:
    """A number of many decimals as a decimal again: as a fraction it would not be taken for a rounding."""
    value = number(answer)
    places = None if value is None else _decimals(value)
    if value is None or places is None or not _PLACES <= places <= 100:
        return answer
    digits = str(abs(value.numerator) * 10**places // value.denominator).rjust(places + 1, "0")
    return f"{'-' if value < 0 else ''}{digits[:-places]}.{digits[-places:]}"


def _quick(a: str, b: str) -> bool | None:
    """A verdict on two different spellings without algebra; None where that is needed."""
    x, y = number(a), number(b)
    if x is not None and y is not None:
        return x == y or _rounds(x, y)
    words = _word(a), _word(b)
    for word, value in zip(words, (y, x), strict=True):
        if word is not None and value is not None and (word[1] or len(word[0]) > 3):
            return False
    if words[0] and words[1] and (words[0][1] or words[1][1] or min(len(words[0][0]), len(words[1][0])) > 3):
        return words[0][0] == words[1][0]  # math-verify would read bare words as products and call anagrams equal
    if _CLOCK.fullmatch(a) and _CLOCK.fullmatch(b):
        return re.sub(r"^(\d+:\d+):00$", r"\1", a) == re.sub(r"^(\d+:\d+):00$", r"\1", b)
    based = _BASED.fullmatch(a), _BASED.fullmatch(b)
    if based[0] and based[1]:
        return based[0].groups() == based[1].groups()
    if based[0] and y is not None:
        return based[0][1] == b
    if based[1] and x is not None:
        return based[1][1] == a
    return None


def _reduced(a: str, b: str) -> tuple[str, str] | None:
    """The same question with a name or a unit taken off; None where there is none to take off."""
    if _split(a, ",") in (None, [a]) and _split(b, ",") in (None, [b]):
        names = _ASSIGNED.match(a), _ASSIGNED.match(b)
        values = [text[name.end() :] if name else text for name, text in zip(names, (a, b), strict=True)]
        conflict = names[0] and names[1] and names[0][1] != names[1][1] and "(" not in names[0][1] + names[1][1]
        if any(names) and not conflict and not any(map(_RELATION.search, values)):
            return canonical(values[0]), canonical(values[1])
    first, second = _quantity(a), _quantity(b)
    if first and second:
        return (first.head, second.head) if first.unit == second.unit else _DIFFERENT
    quantity = first or second
    if quantity is None or not quantity.sure or _word(a) or _word(b):
        return None
    if not _droppable(quantity.unit):
        return _DIFFERENT
    return (quantity.head, b) if first else (a, quantity.head)


_shared = Equivalence()
atexit.register(_shared.close)


def equivalent(a: str, b: str) -> bool:
    """:meth:`Equivalence.equivalent` of the comparison that the whole process shares."""
    return _shared.equivalent(a, b)


def grade(gold: str, answer: str) -> bool:
    """:meth:`Equivalence.grade` of the shared comparison."""
    return _shared.grade(gold, answer)


def group(answers: Sequence[str]) -> list[int]:
    """:meth:`Equivalence.group` of the shared comparison."""
    return _shared.group(answers)


async def group_async(answers: Sequence[str]) -> list[int]:
    """:meth:`Equivalence.group_async` of the shared comparison."""
    return await _shared.group_async(answers)


def close() -> None:
    """End the shared comparison's worker processes; this also happens when the interpreter exits."""
    _shared.close()
