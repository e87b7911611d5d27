r"""Extraction of the answer from a solution.

:func:`extract` takes the answer from a box only. :func:`last_number` (``--extract last-number``) also takes the end of
a text without a box. That is right for models that were not trained to box, and wrong for a solution that lost its way,
whose last number then votes.
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
_LAST = 20  # number of boxes examined, from the last one: nested boxes repeat each other


def extract(text: str) -> str | None:
    r"""Return the content of the last complete box that contains an answer, stripped; None without one.

    An empty box, dots, or the word *answer* in a box only repeat the prompt. See :func:`boxes`.
    """
    return next((box.content(text) for box in reversed(deque(boxes(text), maxlen=_LAST)) if box.holds(text)), None)


@dataclass(frozen=True, slots=True)
class Box:
    """A box in a text: where it and its content begin and end."""

    start: int
    opened: int
    closed: int
    end: int

    def content(self, text: str) -> str:
        """Return the content, stripped; a bare number loses the punctuation of the sentence."""
        found = text[self.opened : self.closed].strip()
        return found if text[self.opened - 1] == "{" else found.rstrip(".,")

    def holds(self, text: str) -> bool:
        """Return whether it contains an answer."""
        content = self.content(text)
        return parsable(content) and not _PLACEHOLDER.fullmatch(content)


def boxes(text: str) -> Iterator[Box]:
    r"""Yield the complete boxes of a text, in the order in which they end.

    A box is ``\boxed{...}`` or ``\fbox{...}`` with balanced braces (``\{`` and ``\}`` do not count), or ``\boxed``
    followed by a bare number or capital letter. A box that never closes is ignored, and an earlier complete one counts.
    Of nested boxes the outer one counts, since it ends last. Time is linear in the length of the text.
    """
    start = min((at for at in (text.find("\\boxed"), text.find("\\fbox")) if at >= 0), default=-1)
    if start < 0:
        return
    stack: list[tuple[int, int]] = []  # start of a box and of its content, or -1 for another brace
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
    """Return the part of a solution that answers: all of it, or what follows the thinking of a reasoning policy.

    Thinking begins with ``<think>``, in the text or at the end of the ``prompt``, and ends with ``</think>``.
    Unfinished
    thinking has no conclusion: boxes in it are not answers.
    """
    _, closed, rest = text.rpartition("</think>")
    if closed:
        return rest
    return "" if "<think>" in text or prompt.rstrip().endswith("<think>") else text


_TAIL = 4000  # the answer is at the end, and the search for it must be bounded

_PHRASE = re.compile(
    r"(?:answer\s+is|(?:réponse|respuesta|resposta|risposta|antwort|odpowiedź|ответ)\s+(?:est|es|é|è|ist|to)"
    r"|答案(?:是|为|為)|答えは|정답은|(?:answer|réponse|respuesta|risposta|antwort|ответ|答案|答え|정답)\s*[:：])"
    r"\s*(?P<statement>[^\n]*?)(?=\.(?:\s|$)|。|\n|$)",
    re.IGNORECASE,
)
_FORMULA = re.compile(
    r"\$\$(.+?)\$\$|\$([^$]+)\$|\\\[(.+?)\\\]|\\\((.+?)\\\)"
    r"|\\begin\{(?P<name>(?:equation|align|gather|multline|displaymath|eqnarray|math)\*?)\}(.+?)\\end\{(?P=name)\}",
    re.DOTALL,
)
_PART = r"\{[^{}]{1,40}\}"
_NUMBER = re.compile(
    rf"(?<![\w.\\])[-+−－﹣]?(?:\d*(?:\\[dt]?frac\s*{_PART}\s*{_PART}|\\sqrt(?:\[\d\])?\s*{_PART}|√\(?\d+\)?|[½⅓⅔¼¾])"
    r"|(?:\d{1,3}(?:(?:[ ,]|\{,\})\d{3})+(?!\d)(?:\.\d+)?|\d+(?:[.,]\d+)?|\.\d+)(?:[eE][-+]?\d+(?!\w)|\^\{?-?\d+\}?)?)"
    r"(?:/\d+)?(?:\\?%|\\pi|π)?"
)
_GROUPED = re.compile(r"[-+]?[1-9]\d{0,2}(?:,\d{3})+(?:\.\d+)?%?")
_COMMAND = re.compile(r"\\(?:text|mathrm|mbox|operatorname)\s*\{[^{}]*\}|\\[a-zA-Z]+")
_WORD = re.compile(r"(?!(?:sin|cos|tan|cot|sec|csc|log|ln|exp|pi|sqrt|mod|max|min)(?![^\W\d_]))[^\W\d_]{2,}")
_OPERATOR = re.compile(r"[\\=<>≤≥≠≈()\[\]{}+*/^,√]|[\w)}]\s*[-−]\s*[\w({\\]|\d:\d")
_ITEM = re.compile(r"\(?[a-zA-Z][).]\s")
_LINE = 200  # characters of a formula without delimiters
_WORDLESS = re.compile(
    r"(?:[\s,;:.$]|\\[()\[\]\\]|\\q?quad|\\text *\{ *(?:and|or) *\}|\band\b|\bor\b|[a-z](?:_\{?\d\}?)? ?=)*"
)
_CHOICE = re.compile(r"(?<![A-Za-z0-9'’])\(?(?P<letter>A(?! +[a-z])|[B-H])\)?(?![A-Za-z0-9'’])")
_CHOSEN = re.compile(
    r"[*(\"'“]*(?P<letter>A(?! +(?!because|since|as)[a-z])|[B-H])(?:[*)\"'”.,:]|\s*$|\s+(?:because|since|as|and not)\b)"
)
_SENTENCE = 200  # characters at the end of a text that may contain a letter
_APART = 60  # limit of characters between two parts of one answer


def last_number(text: str) -> str | None:
    r"""Return the boxes, formulas or number at the end of a text; None without any.

    The last box counts if there is one, together with earlier ones separated only by commas and an *and* or *or*:
    ``\boxed{1}, \boxed{2}`` is ``1, 2``. Otherwise the text after the last "answer is" counts, else the end of the
    text: formulas between math delimiters or a plain number, whichever is later. A comma in a plain number groups
    thousands or, if it cannot, is the decimal point: ``2,74`` is 2.74. A text without numbers may choose a letter.
    """
    if found := joined_boxes(text) or _bare(text):
        return found
    tail = text[-_TAIL:]
    stated = [match["statement"] for match in _PHRASE.finditer(tail)]
    if stated and (letter := _CHOSEN.match(stated[-1])):
        return letter["letter"]
    return (_stated(stated[-1]) if stated else None) or _final(tail) or _letter(stated[-1] if stated else "", tail)


def _letter(statement: str, text: str) -> str | None:
    """Return a choice from a text without numbers: the first stated letter, the one at the start, or the last one."""
    stated, begins, found = _CHOICE.search(statement), _CHOICE.match(text), list(_CHOICE.finditer(text[-_SENTENCE:]))
    chosen = stated or begins or (found[-1] if found else None)
    return chosen["letter"] if chosen else None


def joined_boxes(text: str) -> str | None:
    """Return the last box, together with earlier ones separated only by commas and an *and* or *or*."""
    last: list[Box] = []
    for box in filter(lambda box: box.holds(text), deque(boxes(text), maxlen=_LAST)):
        apart = box.start - last[-1].end if last else 0
        nested = bool(last) and apart < 0
        if last and (nested or apart > _APART or not _WORDLESS.fullmatch(text[last[-1].end : box.start])):
            last = []
        last.append(box)
    return ", ".join(box.content(text) for box in last) or None


def _stated(text: str) -> str | None:
    """Return the continuation of a sentence such as "the answer is ..."; if that is a sentence, its end."""
    if _FORMULA.match(text) and (groups := _formulas(text)):
        return groups[0][0]
    if whole := _bare(text):
        return whole
    number = _NUMBER.match(text)
    return _plain(number[0]) if number else _final(text)


def _bare(text: str) -> str | None:
    """Return a line that is a formula without delimiters: it has an operator or command, and no words.

    A plain number is none, and neither is a calculation, of which the number at its end counts.
    """
    line = text.strip().rstrip(".。").rstrip()
    if len(line) > _LINE or "\n" in line or _FORMULA.search(line) or "$" in line or _ITEM.match(line):
        return None
    rest = _COMMAND.sub("\\\\", line)
    if _WORD.search(rest) or not _OPERATOR.search(rest) or _NUMBER.fullmatch(line):
        return None
    left, equals, right = line.rpartition("=")
    if equals and re.search(r"\d", left) and _NUMBER.fullmatch(right.strip(" ()[]")):
        return None
    return line if parsable(line) else None


def _final(text: str) -> str | None:
    """Return the last formulas that belong together, or a number after them."""
    groups = _formulas(text)
    found, end = groups[-1] if groups else (None, 0)
    numbers = list(_NUMBER.finditer(text, end))
    return _plain(numbers[-1][0]) if numbers else found


def _formulas(text: str) -> list[tuple[str, int]]:
    """Return formulas with their end positions; those separated only by commas and *and* are joined."""
    groups: list[tuple[str, int]] = []
    for match in _FORMULA.finditer(text):
        content = _content(match)
        apart = match.start() - groups[-1][1] if groups else _APART + 1
        if apart <= _APART and _WORDLESS.fullmatch(text[groups[-1][1] : match.start()]):
            groups[-1] = f"{groups[-1][0]}, {content}", match.end()
        else:
            groups.append((content, match.end()))
    return groups


def _content(formula: re.Match[str]) -> str:
    """Return what is between the delimiters; of several aligned lines the last one."""
    if formula["name"] is None:
        return next(part for part in formula.groups() if part is not None).strip()
    lines = [line.replace("&", " ").strip() for line in formula[6].split(r"\\")]
    return next((line for line in reversed(lines) if line), "").rstrip(".,")


def _plain(number: str) -> str:
    number = re.sub("[−－﹣]", "-", number.replace("{,}", ","))
    return number if _GROUPED.fullmatch(number) or "\\" in number else number.replace(",", ".")
