r"""Answers as strings: brought to one canonical spelling.

Nothing here needs a computer algebra system. Numbers are compared exactly as fractions; what this module cannot
decide goes to :mod:`tts.answers.equivalence`.

Conventions:
    * ``1,234``, ``1{,}234`` and ``1 234`` are the number 1234 when they are the whole answer; ``(1,234)`` and
      ``1, 234`` are two numbers.
    * A percent sign on a number is dropped, so ``50%`` is 50 and never 1/2: graders that also accept a hundredth or
      a hundredfold call 1 and 100 equal.
"""

from __future__ import annotations

import re
from fractions import Fraction
from functools import lru_cache

LONGEST = 2000
"""Characters beyond which an answer is only compared as a string: nothing that long is an answer, and the cost of
rewriting it would not be bounded."""

_DIGITS = 1000  # Python's own limit on digits in a conversion is 4300; numbers beyond this one stay strings

# ---------------------------------------------------------------------------------------------------- extraction


# ------------------------------------------------------------------------------------------------------- numbers

_PLAIN = r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)"
_NUMBER = re.compile(
    rf"(?P<sign>[+-]?)(?:"
    rf"(?P<decimal>(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{{1,3}})?)"
    rf"|(?P<whole>\d+) ?\\frac\{{(?P<top>\d+)\}}\{{(?P<bottom>\d+)\}}"
    rf"|(?P<words>\d+) (?P<over>\d+)/(?P<under>\d+)"
    rf"|\\frac\{{(?P<num>{_PLAIN})\}}\{{(?P<den>{_PLAIN})\}}"
    rf"|(?P<p>(?:\d+(?:\.\d*)?|\.\d+))/(?P<q>{_PLAIN})"
    rf"|(?P<mantissa>\d+(?:\.\d*)?)(?:\\times|\\cdot|\*)10\^(?P<exponent>-?\d{{1,3}}|\{{[+-]?\d{{1,3}}\}})"
    rf")(?:\\?%)?"
)


@lru_cache(maxsize=1 << 14)
def number(canonical: str) -> Fraction | None:
    r"""The exact value of an integer, decimal, fraction, mixed number or ``a\times10^b``; None for anything else."""
    match = _NUMBER.fullmatch(canonical) if len(canonical) <= _DIGITS else None
    if match is None:
        return None
    part = match.groupdict()
    try:
        if part["decimal"]:
            value = Fraction(part["decimal"])
        elif part["whole"]:
            value = int(part["whole"]) + Fraction(int(part["top"]), int(part["bottom"]))
        elif part["words"]:
            value = int(part["words"]) + Fraction(int(part["over"]), int(part["under"]))
        elif part["num"]:
            value = Fraction(part["num"]) / Fraction(part["den"])
        elif part["p"]:
            value = Fraction(part["p"]) / Fraction(part["q"])
        else:
            value = Fraction(part["mantissa"]) * Fraction(10) ** int(part["exponent"].strip("{}"))
    except ZeroDivisionError:
        return None
    return -value if part["sign"] == "-" else value


# --------------------------------------------------------------------------------------------------- canonical form

_CHARACTERS = str.maketrans(
    {
        "\N{MINUS SIGN}": "-",
        "\N{EN DASH}": "-",
        "\N{MULTIPLICATION SIGN}": r"\times ",
        "\N{MIDDLE DOT}": r"\cdot ",
        "\N{GREEK SMALL LETTER PI}": r"\pi ",
        "\N{INFINITY}": r"\infty ",
        "\N{DEGREE SIGN}": r"^\circ ",
        "\N{LESS-THAN OR EQUAL TO}": r"\leq ",
        "\N{GREATER-THAN OR EQUAL TO}": r"\geq ",
        "\N{NOT EQUAL TO}": r"\neq ",
        "\N{UNION}": r"\cup ",
        "\N{EMPTY SET}": r"\emptyset ",
        "\N{ELEMENT OF}": r"\in ",
        "\N{POUND SIGN}": "",
        "\N{EURO SIGN}": "",
        "\N{NO-BREAK SPACE}": " ",
        "\N{FULLWIDTH COMMA}": ",",
        "\N{FULLWIDTH PERCENT SIGN}": "%",
        "\N{PRIME}": "'",
        "\N{PLUS-MINUS SIGN}": r"\pm ",
        "\N{SUPERSCRIPT TWO}": "^2",
        "\N{SUPERSCRIPT THREE}": "^3",
    }
)

_TEXT = r"\\(?:text|textbf|textrm|textit|textnormal|textsf|mbox|mathrm|mathbf|mathsf|rm|bf)"

_REWRITES: list[tuple[re.Pattern[str], str]] = [
    (re.compile(pattern), replacement)
    for pattern, replacement in [
        (r"\s+", " "),
        # layout
        (r"\\(?:left|right|big|Big|bigg|Bigg)[lrm]?(?![a-zA-Z])\s*\.?(?=\s*$)", ""),
        (r"\\(?:left|right)\s*\.", ""),
        (r"\\(?:left|right|[bB]igg?[lrm]?|displaystyle|textstyle|limits|rm|bf)(?![a-zA-Z])\s*", ""),
        (r"(?<=\d)(?:,|\{,\})\\!\s*(?=\d{3})", ""),
        (r"(?<=\d) ?\{ ?, ?\} ?(?=\d{3})", ""),
        (r"\\!", ""),
        (r"(?<!\\)\\[,;: >]|~|\\q?quad(?![a-zA-Z])", " "),
        (r"\\[$]|[$]", ""),
        (r"\\%", "%"),
        # one command for one meaning
        (r"\\[dtc]frac(?![a-zA-Z])", r"\\frac"),
        (r"\\l?brace(?![a-zA-Z])", r"\\{"),
        (r"\\rbrace(?![a-zA-Z])", r"\\}"),
        (r"\\le(?![a-zA-Z])", r"\\leq"),
        (r"\\ge(?![a-zA-Z])", r"\\geq"),
        (r"\\ne(?![a-zA-Z])", r"\\neq"),
        (r"\\degree(?![a-zA-Z])", r"^\\circ"),
        (r"\^ ?\{ ?\\circ ?\}", r"^\\circ"),
        (rf"{_TEXT} ?(?=\{{)", r"\\text"),
        (r"\\text\{ *([^{}]*?) *\}", r"\\text{\1}"),
        # arguments without braces
        (r"\\frac ?(\d) ?(\d)(?!\d)", r"\\frac{\1}{\2}"),
        (r"\\frac ?(\d) ?(\{)", r"\\frac{\1}\2"),
        (r"(\\frac ?\{[^{}]*\}) ?(\d)", r"\1{\2}"),
        (r"\\frac (?=\{)", r"\\frac"),
        (r"\\sqrt ?(\d)", r"\\sqrt{\1}"),
        (r"([\^_]) ?\{ ?(\d|[a-zA-Z]) ?\}", r"\1\2"),
        # ordinals, lists in words
        (r"(?<=\d) ?\^? ?\{? ?\\text\{(?:st|nd|rd|th)\} ?\}?", ""),
        (r" ?,? ?\\text\{ ?,? ?(?:and|or),? ?\} ?", ","),
        (r"(?<=[\w)}\]]) ?,? (?:and|or) (?=[\w({\[\\+-])", ","),
        # spaces mean something only between digits and after a command
        (r"(?<=[,;]) | (?=[,;])", ""),
    ]
]

_SPACES = re.compile(r"\\text\{[^{}]*\}|(\\[a-zA-Z]+) (?=[a-zA-Z])|(?<=\d) (?=\d)| ")
_THOUSANDS = re.compile(r"([+-]?)(\d{1,3}(?:[, ]\d{3})+)(\.\d+)?(%?)")
_BOX = re.compile(r"\\(?:boxed|fbox) ?\{([^{}]*)\}")
_LISTED = re.compile(r",\s+\d|\b(?:and|or)\b\W*\d")
_WORDS = re.compile(r"[A-Za-z][A-Za-z .,'-]*")


def _unspace(match: re.Match[str]) -> str:
    if match[0].startswith("\\text"):
        return match[0]
    if match[1]:
        return match[0]
    before, after = match.start() - 1, match.end()
    return " " if before >= 0 and match.string[before].isdigit() and match.string[after : after + 1].isdigit() else ""


def _closes_at_end(text: str) -> bool:
    """Whether the bracket that opens ``text`` is the one that its last character closes."""
    depth = 0
    for at, char in enumerate(text):
        depth += (char in "([{") - (char in ")]}")
        if depth == 0:
            return at == len(text) - 1
    return False


def _unwrap(text: str) -> str:
    """Take off what stands around a whole answer: math delimiters, a box, a text command, trailing punctuation."""
    text = text.strip().rstrip(".,;:").strip()
    if text.endswith("\\") and not text.endswith("\\\\"):
        text = text[:-1].rstrip()
    for opening, closing in (("\\(", "\\)"), ("\\[", "\\]"), ("$$", "$$"), ("$", "$")):
        if len(text) >= len(opening) + len(closing) and text.startswith(opening) and text.endswith(closing):
            text = text[len(opening) : -len(closing)].strip()
    text = _BOX.sub(r"\1", text)
    for command in ("\\boxed", "\\fbox"):
        if text.startswith(command + "{") and _closes_at_end(text[len(command) :]):
            text = text[len(command) + 1 : -1].strip()
    if text.startswith("\\text{") and text.endswith("}") and text.count("{") == 1:
        content = text[6:-1].strip()
        if content and not (len(content) > 1 and _WORDS.fullmatch(content)):
            text = content  # \text{5}, \text{(A)}, \text{E}: no word that needs protection
    if re.fullmatch(r"\([A-Z]\)", text) or (re.fullmatch(r"\(.*\)", text) and number(text[1:-1]) is not None):
        text = text[1:-1]
    return text


def _once(text: str) -> str:
    text = _unwrap(text.translate(_CHARACTERS))
    # ", " separates the items of a list, and "," before three digits thousands: told apart while spaces still stand
    listed = _LISTED.search(re.sub(r"\\!\s*", "", text)) is not None
    for pattern, replacement in _REWRITES:
        text = pattern.sub(replacement, text)
    exact, sign, _ = text.partition("\\approx")
    if sign and re.search(r"[\d\\]", exact):
        text = exact.rstrip()
    text = _SPACES.sub(_unspace, text)
    text = re.sub(r"(?<=\d),(?=\d)", ", ", text) if listed else text
    if match := _THOUSANDS.fullmatch(text):
        text = match[1] + match[2].replace(",", "").replace(" ", "") + (match[3] or "") + match[4]
    value = number(text)
    return text if value is None else str(value)


@lru_cache(maxsize=1 << 14)
def canonical(answer: str) -> str:
    r"""One spelling for answers that differ in typography only; idempotent, and never one for two different numbers.

    Numbers become ``7``, ``-3`` or ``1/2``; ``\text{...}`` keeps its words. An answer longer than :data:`LONGEST`
    is only stripped.
    """
    text = answer.strip()
    if len(text) > LONGEST:
        return text
    for _ in range(LONGEST):
        previous, text = text, _once(text)
        if text == previous or len(text) > LONGEST:
            break
    return text


_COMMAND = re.compile(r"\\[a-zA-Z]+")
_NOUNS = {"\\infty", "\\emptyset", "\\varnothing", "\\pi", "\\top", "\\bot"}
_NOUNS |= {
    "\\" + name
    for name in "alpha beta gamma delta epsilon theta lambda mu phi psi omega rho sigma tau Delta Omega".split()
}


@lru_cache(maxsize=1 << 14)
def parsable(answer: str) -> bool:
    """Whether there is anything to compare: a letter, a digit, or a symbol such as infinity; only these may vote."""
    text = canonical(answer)
    return any(map(str.isalnum, _COMMAND.sub("", text))) or not _NOUNS.isdisjoint(_COMMAND.findall(text))
