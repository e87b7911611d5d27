"""Scope of the built-in models: a check of a problem's words, without a model."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from tts.files import json_text
from tts.models.files import BUILT_IN

_UNKNOWN_SHARE = 0.2
_LARGEST = 999


@dataclass(frozen=True, slots=True)
class Scope:
    """The result of the check; ``reasons`` are sentences, empty if ``known``."""

    known: bool
    reasons: tuple[str, ...]


@cache
def known_words() -> frozenset[str]:
    """Return the words of the built-in models' tokenizer, in lower case."""
    table = json_text.read(BUILT_IN / "lab-1m" / "tokenizer.json")["model"]["vocab"]
    return frozenset(token.strip().lower() for token in table if token.strip().isalpha())


def look(text: str) -> Scope:
    """Compare a problem with the training problems: words, sizes of numbers, and a question.

    A name and a noun may be unknown, since the models are trained with unknown ones; more may not.
    """
    words = [w.lower() for w in re.findall(r"[^\W\d_]+", text)]
    numbers = [int(n) for n in re.findall(r"\d+", text)]
    reasons = list[str]()
    strange = sorted({w for w in words if w not in known_words() and w != "s"})
    if not words:
        reasons.append("There is no text.")
    elif (len(strange) > 2 and sum(w in strange for w in words) > _UNKNOWN_SHARE * len(words)) or (
        len(strange) > 0 and not numbers
    ):
        reasons.append("Words the laboratory does not know: " + ", ".join(strange[:6]) + ".")
    if re.search(r"[\^=<>√∫π\\]|\d\s*[*/]\s*\d|\d\.\d", text) or re.search(r"\b[xyz]\b", text):
        reasons.append("It holds a formula; the laboratory knows stories with whole numbers only.")
    if any(n > _LARGEST for n in numbers):
        reasons.append(f"A number is above {_LARGEST}.")
    if "?" not in text and not re.search(r"\b(how many|how much|how far|how old|what is|find)\b", text.lower()):
        reasons.append("It does not ask a question.")
    if not numbers and not set(words) & {
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
    }:
        reasons.append("It holds no number.")
    return Scope(not reasons, tuple(reasons))


def known(text: str) -> bool:
    """Return whether a problem is of the kind that the built-in models were trained on."""
    return look(text).known
