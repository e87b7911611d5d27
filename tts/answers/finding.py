r"""Automatic extraction: the answer of a solution, and how it was found: boxed, stated in words, or the last quantity.

Models that were not trained to box state their answers in words, in any language. A statement is weaker evidence than a
box, and the last quantity of a text is weaker still: it is right for short answers, and wrong for a solution that lost
its way. So a weaker kind votes only if no candidate has a stronger one (:func:`strongest`).
"""

# ruff: noqa: RUF001  (colons of other scripts)
from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from tts.answers.extract import joined_boxes, last_number
from tts.errors import BadInput
from tts.files.json_text import parse

_TAIL = 4000  # an answer is at the end, and the cost of looking for it must be bounded


class How(StrEnum):
    """How an answer was found, strongest first."""

    BOXED = "boxed"
    STATED = "stated"
    LAST = "last quantity"


@dataclass(frozen=True, slots=True)
class Found:
    """An answer, and how it was found."""

    answer: str
    how: How


_STATEMENT = re.compile(
    r"(?:(?:^|(?<=[\s*_>(]))(?:"
    r"(?:final |correct |right )?answer(?:\*\*)?(?:\s+(?:is|would be|to the \w+ is)(?::|\b)|\s*[:：=])"
    r"|(?:réponse|respuesta|resposta|risposta|antwort|odpowiedź|ответ)(?:\s+\w+)?"
    r"(?:\s+(?:est|es|é|è|ist|lautet|to)\b|\s*[:：])|####)"
    r"|答案(?:是|为|為|[:：])|答え(?:は|[:：])|정답(?:은|[:：])|الجواب(?: هو|[:：])|उत्तर(?: है|[:：]))"
    r"(?:\*\*)?\s*(?P<statement>[^\n]+)",
    re.IGNORECASE | re.MULTILINE,
)
_BOLD_LINE = re.compile(r"^\s*(?:\*\*|__)(?P<statement>[^*_\n]{1,200})(?:\*\*|__)[.!]?\s*$", re.MULTILINE)
_JSON = re.compile(r'\{[^{}]*"(?:final_)?answer"[^{}]*\}', re.IGNORECASE)


def auto(text: str) -> Found | None:
    """Find the answer of a solution: the last complete box, else the last statement, else the last quantity."""
    if (boxed := joined_boxes(text)) is not None:
        return Found(boxed, How.BOXED)
    tail = text[-_TAIL:]
    statement = _in_json(tail) or _stated(tail)
    if statement:
        return Found(statement, How.STATED)
    last = last_number(_last_sentence(tail)) or last_number(tail)
    return Found(last, How.LAST) if last else None


def strongest(found: Iterable[How | None]) -> How | None:
    """Return the strongest way in which any of these answers was found; None without an answer."""
    ways = set(found)
    return next((how for how in How if how in ways), None)


def _stated(text: str) -> str | None:
    statements = list(_STATEMENT.finditer(text)) or list(_BOLD_LINE.finditer(text))[-1:]
    if not statements:
        return None
    statement = statements[-1]["statement"].strip().strip("*_ ")
    return last_number(f"The answer is {statement}") or _short(statement)


def _short(statement: str) -> str | None:
    """Return a statement that is itself an answer: a few words without a sentence around them."""
    words = statement.rstrip(".。!").strip("\"'“”‘’` ")
    return words if words and len(words.split()) <= 6 else None


def _in_json(text: str) -> str | None:
    for match in reversed(list(_JSON.finditer(text))):
        try:
            row = parse(match[0])
        except BadInput:
            continue
        value = next((row[key] for key in row if key.lower() in ("answer", "final_answer")), None)
        if isinstance(value, (str, int, float)) and not isinstance(value, bool) and str(value).strip():
            return str(value).strip()
    return None


def _last_sentence(text: str) -> str:
    """Return the last sentence with a digit or a formula; the whole text if no sentence ends."""
    sentences = re.split(r"(?<=[.!?。！？])\s+|\n+", text.strip())
    return next((sentence for sentence in reversed(sentences) if re.search(r"[\d$\\½¼¾]", sentence)), text)
