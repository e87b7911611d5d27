"""Splitting of an answer at its top level: at separators, and between its outer brackets."""

from __future__ import annotations

import re
from functools import lru_cache

from tts.answers.formula import Refused, formula
from tts.answers.identity import places
from tts.answers.normalize import canonical, number
from tts.answers.tree import Expr, Number

_STEP = re.compile(r"\\begin|\\end|\\[{}]|\\[a-zA-Z]+|\\.|.", re.DOTALL)
_CHANGE = {"(": 1, "[": 1, "{": 1, "\\{": 1, "\\begin": 1, ")": -1, "]": -1, "}": -1, "\\}": -1, "\\end": -1}


def depth(text: str) -> int:
    """Return the deepest nesting of brackets."""
    now = deepest = 0
    for char in text:
        now += (char in "([{") - (char in ")]}")
        deepest = max(deepest, now)
    return deepest


@lru_cache(maxsize=256)
def _pattern(separator: str) -> re.Pattern[str]:
    return re.compile(separator)


def cuts(text: str, separator: str) -> list[re.Match[str]]:
    """Return the top-level matches of a pattern; none if brackets do not balance."""
    found, now, at = [], 0, 0
    pattern = _pattern(separator)
    while at < len(text):
        if now == 0 and (match := pattern.match(text, at)) and match.end() > at:
            found.append(match)
            at = match.end()
            continue
        step = _STEP.match(text, at)
        assert step is not None
        now += _CHANGE.get(step[0], 0)
        if now < 0:
            return []
        at = step.end()
    return found if now == 0 else []


def split(text: str, separator: str) -> list[str]:
    """Split at the top-level matches of a pattern; one piece if there are none."""
    found = cuts(text, separator)
    starts, ends = [0, *(match.end() for match in found)], [*(match.start() for match in found), len(text)]
    return [text[start:end] for start, end in zip(starts, ends, strict=True)]


def brackets(text: str) -> tuple[str, str] | None:
    """Return the outer pair of brackets, such as ``(]`` or ``{}``, and its content; None without one."""
    opening = "\\{" if text.startswith("\\{") else text[:1]
    closing = "\\}" if text.endswith("\\}") else text[-1:]
    if opening not in ("(", "[", "\\{") or closing not in (")", "]", "\\}") or len(text) < 2:
        return None
    inner, now = text[len(opening) : -len(closing)], 0
    for char in inner:
        now += (char in "([{") - (char in ")]}")
        if now < 0:
            return None
    return (opening[-1] + closing[-1], inner) if now == 0 else None


def expression(text: str) -> Expr | None:
    """Parse a piece of an answer as a formula; None if it is not one."""
    spelling = canonical(text)
    value = number(spelling)
    if value is not None:
        return Number(value, places(value) or 0)
    try:
        return formula(spelling)
    except (Refused, RecursionError):
        return None
