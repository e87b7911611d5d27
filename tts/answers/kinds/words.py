"""Exact text: the same words, whatever the case, the articles, the punctuation and the spaces."""

from __future__ import annotations

import re
import unicodedata

from tts.answers.extract import joined_boxes
from tts.answers.finding import Found, How, auto
from tts.answers.kinds.kind import Kind

_ARTICLE = re.compile(r"\b(?:a|an|the)\b")
_LATEX = re.compile(r"\\(?:text|textbf|mathrm|mathbf|mbox)\s*\{([^{}]*)\}")
_LONGEST = 200  # characters of a last line that is an answer


def normal(text: str) -> str:
    """Return the words of a text in lower case, without articles and punctuation (as SQuAD 1.1 grades).

    A text of punctuation alone stays as it is but for spaces and backslashes, and so do signs in numbers: ``-1.5`` is
    not ``15``.
    """
    text = unicodedata.normalize("NFKC", _LATEX.sub(r"\1", text)).casefold().strip()
    words = re.findall(r"(?<!\w)[-+]?\d+(?:[.,]\d+)*%?|\w+", text)
    if not words:
        return "".join(text.replace("\\", "").split())
    return " ".join(_ARTICLE.sub(" ", " ".join(words)).split()) or " ".join(words)


class Words(Kind):
    """A text: what a box holds, a statement, or the last line if it is short."""

    name = "text"
    wants = "a short text"
    instruction = "End with a line that holds the answer and nothing else, after the words: The answer is"

    def find(self, text: str) -> Found | None:
        boxed = joined_boxes(text)
        if boxed is not None:
            return Found(boxed, How.BOXED)
        if (stated := statement(text)) is not None:
            return Found(stated, How.STATED)
        last = text.strip().rpartition("\n")[2].strip()
        return Found(last, How.LAST) if last and len(last) <= _LONGEST else None

    def same(self, a: str, b: str) -> bool:
        return normal(a) == normal(b)


_STATED = re.compile(
    r"(?:answer(?:\*\*)?(?:\s+is)?\s*[:：]|answer\s+is|####)(?:\*\*)?\s*(?P<text>[^\n]+)",  # noqa: RUF001
    re.IGNORECASE,
)


def statement(text: str) -> str | None:
    """Return the last stated answer, whole: words count here, where mathematics looks for the number among them."""
    stated = [match["text"].strip().strip("*_ ").rstrip(".。") for match in _STATED.finditer(text[-4000:])]
    if stated and stated[-1]:
        return stated[-1].strip("\"'“”‘’`* ")  # noqa: RUF001
    found = auto(text)
    return found.answer if found is not None and found.how is How.STATED else None
