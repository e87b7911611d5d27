r"""Finds the answer in a solution.

By default only a box holds an answer (:func:`extract`). What a text without a box ends with (:func:`last_number`) is
for those who ask for it by name (``--extract last-number``): it is right for models that were not taught to box, and
wrong for a solution that lost its way, whose last number then votes like any other.
"""

# ruff: noqa: RUF001  (minus signs and colons of other scripts)
from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from tts.answers.normalize import parsable

_TOKEN = re.compile(
    r"\\{1,2}(?:boxed|fbox)(?![a-zA-Z])\s*(?:(?P<open>\{)|(?P<bare>[+-]?\d[\d.,]*(?:/\d+)?|[A-Z]\b))"
    r"|\\[\\{}]|[{}]"
)

_PLACEHOLDER = re.compile(r"(?:\\text\{)?(?:(?:the|your|my|final) )*answer\}?", re.IGNORECASE)
_LAST = 20  # boxes looked at, from the last one on: nested boxes repeat each other


def extract(text: str) -> str | None:
    r"""The content of the last complete box that holds an answer, stripped; None when there is none.

    An empty box, dots, or the word *answer* in a box repeat what the prompt asked for. See :func:`boxes`.
    """
    return next((box.content(text) for box in reversed(deque(boxes(text), maxlen=_LAST)) if box.holds(text)), None)


@dataclass(frozen=True, slots=True)
class Box:
    """A box in a text: where it begins and ends, and where what it holds does."""

    start: int
    opened: int
    closed: int
    end: int

    def content(self, text: str) -> str:
        """What it holds, stripped; of a bare number without the sentence's punctuation."""
        found = text[self.opened : self.closed].strip()
        return found if text[self.opened - 1] == "{" else found.rstrip(".,")

    def holds(self, text: str) -> bool:
        """Whether it holds an answer."""
        content = self.content(text)
        return parsable(content) and not _PLACEHOLDER.fullmatch(content)


def boxes(text: str) -> Iterator[Box]:
    r"""The complete boxes of a text, in the order in which they end.

    A box is ``\boxed{...}`` or ``\fbox{...}`` with balanced braces (``\{`` and ``\}`` do not count), or ``\boxed``
    followed by a bare number or capital letter. A box that never closes gives nothing, and an earlier complete box
    counts. Where boxes nest the outer one counts, since it ends last. Time is linear in the length of the text.
    """
    start = min((at for at in (text.find("\\boxed"), text.find("\\fbox")) if at >= 0), default=-1)
    if start < 0:
        return
    stack: list[tuple[int, int]] = []  # where a box and its content begin, or -1 for any other brace
    for token in _TOKEN.finditer(text, max(start - 1, 0)):
        if token["bare"] is not None:
            yield Box(token.start(), *token.span("bare"), token.end())
        elif token["open"] is not None:
            stack.append(token.span())
        elif token[0] == "{":
            stack.append((-1, -1))
        elif token[0] == "}" and stack and (opened := stack.pop())[0] >= 0:
            yield Box(*opened, token.start(), token.end())


def conclusion(text: str, prompt: str = "") -> str:
    """The part of a solution that answers: all of it, or what follows the thinking of a policy that thinks first.

    Thinking begins with ``<think>``, in the text or at the end of the ``prompt``, and ends with ``</think>``. Thinking
    that never ends concludes nothing: what it boxes on its way is no answer.
    """
    _, closed, rest = text.rpartition("</think>")
    if closed:
        return rest
    return "" if "<think>" in text or prompt.rstrip().endswith("<think>") else text


_TAIL = 4000  # an answer stands at the end, and what is searched for it must be bounded

_PHRASE = re.compile(
    r"(?:answer\s+is|(?:réponse|respuesta|resposta|risposta|antwort|odpowiedź|ответ)\s+(?:est|es|é|è|ist|to)"
    r"|答案(?:是|为|為)|答えは|정답은|(?:answer|réponse|respuesta|risposta|antwort|ответ|答案|答え|정답)\s*[:：])"
    r"\s*(?P<said>[^\n]*?)(?=\.(?:\s|$)|。|\n|$)",
    re.IGNORECASE,
)
_FORMULA = re.compile(r"\$\$(.+?)\$\$|\$([^$]+)\$|\\\[(.+?)\\\]|\\\((.+?)\\\)", re.DOTALL)
_PART = r"\{[^{}]{1,40}\}"
_NUMBER = re.compile(
    rf"(?<![\w.\\])[-+−－﹣]?(?:\d*(?:\\[dt]?frac\s*{_PART}\s*{_PART}|\\sqrt(?:\[\d\])?\s*{_PART}|√\(?\d+\)?|[½⅓⅔¼¾])"
    r"|(?:\d{1,3}(?:(?:[ ,]|\{,\})\d{3})+(?!\d)(?:\.\d+)?|\d+(?:[.,]\d+)?|\.\d+)(?:[eE][-+]?\d+(?!\w)|\^\{?-?\d+\}?)?)"
    r"(?:/\d+)?(?:\\?%|\\pi|π)?"
)
_GROUPED = re.compile(r"[-+]?[1-9]\d{0,2}(?:,\d{3})+(?:\.\d+)?%?")
_WORDLESS = re.compile(
    r"(?:[\s,;:.$]|\\[()\[\]\\]|\\q?quad|\\text *\{ *(?:and|or) *\}|\band\b|\bor\b|[a-z](?:_\{?\d\}?)? ?=)*"
)
_CHOICE = re.compile(r"(?<![A-Za-z0-9'’])\(?(?P<letter>A(?! +[a-z])|[B-H])\)?(?![A-Za-z0-9'’])")
_CHOSEN = re.compile(
    r"[*(\"'“]*(?P<letter>A(?! +(?!because|since|as)[a-z])|[B-H])(?:[*)\"'”.,:]|\s*$|\s+(?:because|since|as|and not)\b)"
)
_SENTENCE = 200  # characters at the end of a text in which a letter is looked for
_APART = 60  # characters between two parts of one answer


def last_number(text: str) -> str | None:
    r"""The boxes, formulas or the number that a text ends with; None where it has none of them.

    The last box counts where there is one, together with those before it that only commas and an *and* or *or* stand
    between: ``\boxed{1}, \boxed{2}`` is ``1, 2``. Else what follows the last "answer is", else the end of the text: of
    formulas between math delimiters and plain numbers the later one. A comma in a plain number groups thousands or,
    where it cannot, is the decimal point: ``2,74`` is 2.74. A text without numbers may choose a letter.
    """
    if found := joined_boxes(text):
        return found
    tail = text[-_TAIL:]
    said = [match["said"] for match in _PHRASE.finditer(tail)]
    if said and (letter := _CHOSEN.match(said[-1])):
        return letter["letter"]
    return (_stated(said[-1]) if said else None) or _final(tail) or _letter(said[-1] if said else "", tail)


def _letter(said: str, text: str) -> str | None:
    """A choice in a text without numbers: the first letter stated, the one that begins the text, or the last one."""
    stated, begins, found = _CHOICE.search(said), _CHOICE.match(text), list(_CHOICE.finditer(text[-_SENTENCE:]))
    chosen = stated or begins or (found[-1] if found else None)
    return chosen["letter"] if chosen else None


def joined_boxes(text: str) -> str | None:
    """Return the last box, together with those before it that only commas and an *and* or *or* separate."""
    last: list[Box] = []
    for box in filter(lambda box: box.holds(text), deque(boxes(text), maxlen=_LAST)):
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
    number = re.sub("[−－﹣]", "-", number.replace("{,}", ","))
    return number if _GROUPED.fullmatch(number) or "\\" in number else number.replace(",", ".")
