"""Multiple choice: letters, with or without their text; ``B``, ``(b)``, ``B) Paris`` and ``Paris`` are one answer."""

from __future__ import annotations

import re

from tts.answers.extract import joined_boxes
from tts.answers.finding import Found, How, auto
from tts.answers.kinds.kind import Extraction, Kind
from tts.answers.kinds.words import normal
from tts.types import Problem

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_USUAL = LETTERS[:10]  # a problem whose options were not found

_LINE = re.compile(r"^[ \t]*(?:[-*][ \t]+)?[(\[]?(?P<letter>[A-Z])[).:\]][ \t]+(?P<text>\S.*?)[ \t]*$", re.MULTILINE)
_INLINE = re.compile(r"(?<!\w)\(?(?P<letter>[A-Z])\)[ \t]*(?P<text>.+?)(?=[,;]?\s+\(?[A-Z]\)|\s*$)", re.MULTILINE)
_MARKED = re.compile(
    r"(?:answer|choice|option|choose|select|pick)\w*(?:\*\*)?[\s:：]*(?:is|are|would be)?[\s:：*_\"'(\[$]*"  # noqa: RUF001
    r"(?:\\text\{|\\boxed\{)?\(?(?P<letter>[A-Za-z])(?![\w'’])",  # noqa: RUF001
    re.IGNORECASE,
)
_ALONE = re.compile(r"\s*[(\[*\"'`$]*(?:\\text\{|\\mathrm\{)?\(?(?P<letter>[A-Za-z])\)?\}?[)\].:,*\"'`$]*(?:\s|$)")
_CAPITAL = re.compile(r"(?<![\w'’.])\(?(?P<letter>[A-Z])\)?(?=[).,:*\s]|$)(?!\s+[a-z])")  # noqa: RUF001
_TAIL = 2000


def options_of(text: str) -> dict[str, str]:
    """Return the options of a problem by letter: A, B, ... in order; empty for fewer than two."""
    for pattern in (_LINE, _INLINE):
        found: dict[str, str] = {}
        for match in pattern.finditer(text):
            letter = match["letter"]
            if letter == "A":  # the last list counts: examples may come before it
                found = {}
            if letter == LETTERS[len(found)] if len(found) < len(LETTERS) else False:
                found[letter] = match["text"].strip()
        if len(found) >= 2:
            return found
    return {}


class Choice(Kind):
    """A letter. It is looked for in a box, in a statement, as an option's text, then at the end of the solution."""

    name = "choice"
    wants = "a letter of the options, or an option's text"
    instruction = (
        "Think step by step. End with a line that holds the letter of the right option and nothing else of the "
        "options: The answer is (X)."
    )

    def __init__(self, problem: Problem, extract: Extraction, listed: tuple[str, ...] = ()) -> None:
        super().__init__(problem, extract, listed)
        self.options = options_of(problem.text)

    def find(self, text: str) -> Found | None:
        boxed = joined_boxes(text)
        if boxed is not None and (letter := self._letter(boxed)):
            return Found(letter, How.BOXED)
        tail = text[-_TAIL:]
        marked = [letter for match in _MARKED.finditer(tail) if (letter := self._known(match["letter"]))]
        if marked:
            return Found(marked[-1], How.STATED)
        stated = auto(tail)
        if stated is not None and stated.how is How.STATED and (letter := self._letter(stated.answer)):
            return Found(letter, How.STATED)
        if letter := self._letter(tail.strip()):
            return Found(letter, How.STATED)
        last = tail.strip().rpartition("\n")[2]
        if (letter := self._letter(last)) or (letter := self._mentioned(last)):
            return Found(letter, How.LAST)
        letters = [letter for match in _CAPITAL.finditer(last) if (letter := self._known(match["letter"]))]
        return Found(letters[-1], How.LAST) if letters else None

    def same(self, a: str, b: str) -> bool:
        return a == b or self._spelled(a) == self._spelled(b)

    def right(self, gold: str, answer: str) -> bool:
        """A data set may write a letter, an option's text, or its number from 1."""
        if gold.strip().isdecimal() and normal(gold) not in map(normal, self.options.values()):
            place = int(gold) - 1
            gold = LETTERS[place] if 0 <= place < len(_USUAL) else gold
        return self.same(gold, answer)

    def _spelled(self, answer: str) -> str:
        return self._letter(answer) or normal(answer)

    def _known(self, letter: str) -> str:
        letter = letter.upper()
        return letter if letter in (self.options or _USUAL) else ""

    def _letter(self, text: str) -> str:
        """Return the letter of a short text: the letter itself, one with its option, or an option's text."""
        plain = normal(text)
        exact = [letter for letter, option in self.options.items() if plain and normal(option) == plain]
        if len(exact) == 1:
            return exact[0]
        begins = _ALONE.match(text)
        if begins is None or not (letter := self._known(begins["letter"])):
            return ""
        rest = normal(text[begins.end() :])
        if not rest or normal(self.options.get(letter, "")) == rest:
            return letter
        marked = text[begins.start("letter") + 1 : begins.end()].strip() != ""  # "A." or "(A)", unlike the article "A"
        return letter if marked and "\n" not in text else ""

    def _mentioned(self, sentence: str) -> str:
        """Return the letter of the only option whose text a sentence holds."""
        words = f" {normal(sentence)} "
        held = {letter: normal(option) for letter, option in self.options.items() if f" {normal(option)} " in words}
        held = {  # "New York City" also holds "New York"
            letter: option
            for letter, option in held.items()
            if not any(option in other for key, other in held.items() if key != letter)
        }
        return next(iter(held)) if len(held) == 1 else ""
