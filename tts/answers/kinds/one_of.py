"""One of the words that the user lists: ``one-of:yes,no``, ``one-of:valid,invalid``; for questions with few answers."""

from __future__ import annotations

import re

from tts.answers.extract import joined_boxes
from tts.answers.finding import Found, How
from tts.answers.kinds.kind import Extraction, Kind
from tts.answers.kinds.words import normal, statement
from tts.types import Problem

_TAIL = 2000


class OneOf(Kind):
    """A word of a list. It is looked for in a box, in a statement, then in the last line.

    Of two words, ``not`` before one is the other.
    """

    name = "one-of"
    wants = "one of the words of the list"
    lists = "word"
    least = 2

    def __init__(self, problem: Problem, extract: Extraction, listed: tuple[str, ...] = ()) -> None:
        super().__init__(problem, extract, listed)
        self.words = tuple(dict.fromkeys(normal(word) for word in listed))
        longest_first = sorted(self.words, key=len, reverse=True)
        self._pattern = re.compile(rf"(?<!\w)(?P<not>not )?(?P<word>{'|'.join(map(re.escape, longest_first))})(?!\w)")

    @classmethod
    def asks(cls, listed: tuple[str, ...]) -> str:
        return (
            "Think step by step. End with a line that holds the answer and nothing else, after the words: The answer "
            f"is. It is one of: {', '.join(listed)}."
        )

    def find(self, text: str) -> Found | None:
        boxed = joined_boxes(text)
        if boxed is not None and (word := self._in(boxed)):
            return Found(word, How.BOXED)
        tail = text[-_TAIL:]
        if (stated := statement(tail)) is not None and (word := self._in(stated)):
            return Found(word, How.STATED)
        last = tail.strip().rpartition("\n")[2]
        return Found(word, How.LAST) if (word := self._in(last)) else None

    def same(self, a: str, b: str) -> bool:
        return normal(a) == normal(b)

    def _in(self, text: str) -> str:
        """Return the word that a sentence opens with, else the only one in it, else the one that it ends with."""
        plain = normal(text)
        matches = list(self._pattern.finditer(plain))
        found = [self._meant(match["word"], match["not"]) for match in matches]
        if not matches:
            return ""
        if matches[0].start() == 0 or len(set(found)) == 1:
            return found[0]
        return found[-1] if matches[-1].end() == len(plain) else ""

    def _meant(self, word: str, negated: str | None) -> str:
        if not negated or len(self.words) != 2:
            return word
        return self.words[1 - self.words.index(word)]
