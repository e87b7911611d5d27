r"""Which answers are the same answer.

Cheap layers decide first and are exact: spelling (:mod:`tts.answers.normalize`), numbers as fractions, words, numbers
with units, tuples, intervals, sets and lists piece by piece. Only what is left goes to math-verify
(:mod:`tts.answers.math_verify_pool`), one comparison at a time under a hard limit. A comparison that hits the limit
says "different".

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
from types import TracebackType

from tts.aio import aside
from tts.answers import parse
from tts.answers.math_verify_pool import Judge
from tts.answers.normalize import LONGEST, canonical, number, parsable

_ITEMS = 64  # more pieces than this are compared in the order given
_DIFFERENT = ("0", "1")  # a question whose answer is no
_STRIKES = 3  # an answer that met the limit this often is not compared by algebra again


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
        first, second = parse.items(a), parse.items(b)
        if first is not None and second is not None:
            return self._same_items(first, second, symmetric)
        for sequence, other in ((first, b), (second, a)):
            if sequence is not None and len(sequence.items) == 1:  # a set of one is its element
                pair = (sequence.items[0], other) if sequence is first else (other, sequence.items[0])
                return self._same(*pair, symmetric)
            if sequence is not None and number(other) is not None:
                return False
        return self._by_algebra(a, b, symmetric)

    def _same_items(self, a: parse.Items, b: parse.Items, symmetric: bool) -> bool:
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
    places = None if value is None else parse.decimals(value)
    if value is None or places is None or not parse.PLACES <= places <= 100:
        return answer
    digits = str(abs(value.numerator) * 10**places // value.denominator).rjust(places + 1, "0")
    return f"{'-' if value < 0 else ''}{digits[:-places]}.{digits[-places:]}"


def _quick(a: str, b: str) -> bool | None:
    """A verdict on two different spellings without algebra; None where that is needed."""
    x, y = number(a), number(b)
    if x is not None and y is not None:
        return x == y or parse.rounds(x, y)
    words = parse.word(a), parse.word(b)
    for word, value in zip(words, (y, x), strict=True):
        if word is not None and value is not None and (word[1] or len(word[0]) > 3):
            return False
    if words[0] and words[1] and (words[0][1] or words[1][1] or min(len(words[0][0]), len(words[1][0])) > 3):
        return words[0][0] == words[1][0]  # math-verify would read bare words as products and call anagrams equal
    if parse.CLOCK.fullmatch(a) and parse.CLOCK.fullmatch(b):
        return re.sub(r"^(\d+:\d+):00$", r"\1", a) == re.sub(r"^(\d+:\d+):00$", r"\1", b)
    based = parse.BASED.fullmatch(a), parse.BASED.fullmatch(b)
    if based[0] and based[1]:
        return based[0].groups() == based[1].groups()
    if based[0] and y is not None:
        return based[0][1] == b
    if based[1] and x is not None:
        return based[1][1] == a
    return None


def _reduced(a: str, b: str) -> tuple[str, str] | None:
    """The same question with a name or a unit taken off; None where there is none to take off."""
    if parse.split(a, ",") in (None, [a]) and parse.split(b, ",") in (None, [b]):
        names = parse.ASSIGNED.match(a), parse.ASSIGNED.match(b)
        values = [text[name.end() :] if name else text for name, text in zip(names, (a, b), strict=True)]
        conflict = names[0] and names[1] and names[0][1] != names[1][1] and "(" not in names[0][1] + names[1][1]
        if any(names) and not conflict and not any(map(parse.RELATION.search, values)):
            return canonical(values[0]), canonical(values[1])
    first, second = parse.quantity(a), parse.quantity(b)
    if first and second:
        return (first.head, second.head) if first.unit == second.unit else _DIFFERENT
    quantity = first or second
    if quantity is None or not quantity.sure or parse.word(a) or parse.word(b):
        return None
    if not parse.droppable(quantity.unit):
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
