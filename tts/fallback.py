r"""What a text without a box ends with, for those who ask for it by name (``--extract last-number``).

A solution that never boxed its answer gets one all the same, which is right for models that were not taught to box,
and wrong for a solution that lost its way: its last number votes like any other. The boxed rule
(:func:`tts.answers.extract`) is therefore the default everywhere.
"""

from __future__ import annotations

import re

from tts.answers import Box, boxes

_TAIL = 4000  # an answer stands at the end, and what is searched for it must be bounded

_PHRASE = re.compile(r"(?:answer is|answer\s*:)\s*(?P<said>[^\n]*?)(?=\.(?:\s|$)|\n|$)", re.IGNORECASE)
_FORMULA = re.compile(r"\$\$(.+?)\$\$|\$([^$]+)\$|\\\[(.+?)\\\]|\\\((.+?)\\\)", re.DOTALL)
_NUMBER = re.compile(r"(?<![\w.])[-+]?(?:\d{1,3}(?:[ ,]\d{3})+(?!\d)(?:\.\d+)?|\d+(?:[.,]\d+)?|\.\d+)(?:/\d+)?%?")
_GROUPED = re.compile(r"[-+]?[1-9]\d{0,2}(?:,\d{3})+(?:\.\d+)?%?")
_WORDLESS = re.compile(
    r"(?:[\s,;:.$]|\\[()\[\]\\]|\\q?quad|\\text *\{ *(?:and|or) *\}|\band\b|\bor\b|[a-z](?:_\{?\d\}?)? ?=)*"
)
_APART = 60  # characters between two parts of one answer


def last_number(text: str) -> str | None:
    r"""The boxes, formulas or the number that a text ends with; None where it has none of them.

    The last box counts where there is one, together with those before it that only commas and an *and* or *or* stand
    between: ``\boxed{1}, \boxed{2}`` is ``1, 2``. Else what follows the last "answer is", else the end of the text: of
    formulas between math delimiters and plain numbers the later one. A comma in a plain number groups thousands or,
    where it cannot, is the decimal point: ``2,74`` is 2.74.
    """
    if found := _boxed(text):
        return found
    tail = text[-_TAIL:]
    said = [match["said"] for match in _PHRASE.finditer(tail)]
    return (_stated(said[-1]) if said else None) or _final(tail)


def _boxed(text: str) -> str | None:
    last: list[Box] = []
    for box in boxes(text):
        apart = box.start - last[-1].end if last else 0
        nested = bool(last) and apart < 0
        if last and (nested or apart > _APART or not _WORDLESS.fullmatch(text[last[-1].end : box.start])):
            last = []
        last.append(box)
    return ", ".join(box.content(text) for box in last) or None


def _stated(text: str) -> str | None:
    """What a sentence such as "the answer is ..." goes on with; where that is a sentence again, what it ends with."""
    if _FORMULA.match(text) and (groups := _formulas(text)):
        return groups[0][0]
    number = _NUMBER.match(text)
    return _plain(number[0]) if number else _final(text)


def _final(text: str) -> str | None:
    """The last formulas that belong together, or a number that comes after them."""
    groups = _formulas(text)
    found, end = groups[-1] if groups else (None, 0)
    numbers = list(_NUMBER.finditer(text, end))
    return _plain(numbers[-1][0]) if numbers else found


def _formulas(text: str) -> list[tuple[str, int]]:
    """Formulas, those that only commas and *and* stand between as one, and where each ends."""
    groups: list[tuple[str, int]] = []
    for match in _FORMULA.finditer(text):
        content = next(part for part in match.groups() if part is not None).strip()
        apart = match.start() - groups[-1][1] if groups else _APART + 1
        if apart <= _APART and _WORDLESS.fullmatch(text[groups[-1][1] : match.start()]):
            groups[-1] = f"{groups[-1][0]}, {content}", match.end()
        else:
            groups.append((content, match.end()))
    return groups


def _plain(number: str) -> str:
    return number if _GROUPED.fullmatch(number) else number.replace(",", ".")
