r"""Canonical spelling of answers: one string for answers that differ in typography only.

Numbers are compared exactly as fractions; :mod:`tts.answers.compare` compares what this module does not decide.

Conventions:
    * ``1,234``, ``1{,}234`` and ``1 234`` are the number 1234 when they are the whole answer; ``(1,234)`` and
      ``1, 234`` are two numbers.
    * A percent sign on a number is dropped, so ``50%`` is 50 and never 1/2: graders that also accept a hundredth or
      a hundredfold call 1 and 100 equal.
    * ``2e-1`` is Euler's number doubled, less one; ``1e-5``, ``2.5e-3`` and ``3E-4`` are decimals.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache

from tts.answers.characters import plain

LONGEST = 2000
"""Characters beyond which an answer is only compared as a string: nothing that long is an answer, and the cost of
rewriting it would not be bounded."""

_DIGITS = 1000  # Python's own limit on digits in a conversion is 4300; numbers beyond this one stay strings

# ------------------------------------------------------------------------------------------------------- numbers

_PLAIN = r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)"
_NUMBER = re.compile(
    rf"(?P<sign>[+-]?)(?:"
    rf"(?P<decimal>(?:\d+(?:\.\d*)?|\.\d+)(?:E[+-]?\d{{1,3}})?"
    rf"|(?:\d+\.\d*|\.\d+|0*1|\d+(?=e(?:\d|[+-]0)))e[+-]?\d{{1,3}})"
    rf"|(?P<whole>\d+) ?\\frac\{{(?P<top>\d+)\}}\{{(?P<bottom>\d+)\}}"
    rf"|(?P<words>\d+) (?P<over>\d+)/(?P<under>\d+)"
    rf"|\\frac\{{(?P<num>{_PLAIN})\}}\{{(?P<den>{_PLAIN})\}}"
    rf"|(?P<p>(?:\d+(?:\.\d*)?|\.\d+))/(?P<q>{_PLAIN})"
    rf"|(?P<mantissa>\d+(?:\.\d*)?)(?:\\times|\\cdot|\*)10\^(?P<exponent>-?\d{{1,3}}|\{{[+-]?\d{{1,3}}\}})"
    rf")(?:\\?%)?",
    re.ASCII,
)


@lru_cache(maxsize=1 << 14)
def number(canonical: str) -> Fraction | None:
    r"""Return the exact value of an integer, decimal, fraction, mixed number or ``a\times10^b``; None otherwise."""
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

_TEXT = r"\\(?:text|textbf|textrm|textit|textnormal|textsf|texttt|mbox|hbox|mathrm|mathsf|mathtt|emph)"
_STYLE = r"\\(?:mathbf|boldsymbol|bm|pmb|bold|underline|mathit|mathnormal)"


def _styled(match: re.Match[str]) -> str:
    """Return the content of a bold or underlined piece; words stay words."""
    return rf"\text{{{match[1]}}}" if re.fullmatch(r"[A-Za-z][A-Za-z ]+", match[1]) else match[1]


def _half_day(match: re.Match[str]) -> str:
    return rf"\text{{{match[1].lower()}m}}"


_RENAMED = {
    f"\\{name}": to
    for names, to in {
        "dfrac tfrac cfrac": r"\frac", "dbinom tbinom": r"\binom",
        "le leqslant leqq": r"\leq", "ge geqslant geqq": r"\geq",
        "ne": r"\neq", "lt": "<", "gt": ">", "brace lbrace": r"\{", "rbrace": r"\}", "lbrack": "[", "rbrack": "]",
        "vert lvert rvert mid": "|", "colon": ":", "varnothing O": r"\emptyset", "uppi": r"\pi", "vee": r"\lor",
        "wedge": r"\land", "degree": r"^\circ", "R reals Reals": r"\mathbb{R}",
        "quad qquad thinspace enspace hfill": " ",
        "left right middle displaystyle textstyle limits nolimits rm bf": "",
        " ".join(size + side for size in ("big", "Big", "bigg", "Bigg") for side in ("", "l", "r", "m")): "",
    }.items()
    for name in names.split()
}  # fmt: skip
_COMMAND = re.compile(r"\\[a-zA-Z]+")

_Rules = list[tuple[str, str | Callable[[re.Match[str]], str]]]
_LATEX: _Rules = [
    (r"\\(?:left|right|big|Big|bigg|Bigg)[lrm]?(?![a-zA-Z])\s*\.?(?=\s*$)", ""),
    (r"\\(?:left|right)\s*\.", ""),
    (_COMMAND.pattern, lambda match: _RENAMED.get(match[0], match[0])),
    (r"(?<=\d)(?:,|\{,\})\\!\s*(?=\d{3})", ""),
    (r"\\!", ""),
    (r"(?<!\\)\\[,;: >]|\\[hv]space\*? ?\{[^{}]*\}", " "),
    (r" +", " "),
    (r"\\[$]", ""),
    (r"\\%", "%"),
    (r"\\\{ ?\\\}", r"\\emptyset"),
    (r"\^ ?\{ ?\\circ ?\}", r"^\\circ"),
    (r"\\(?:mathbf|Bbb) ?\{R\}", r"\\mathbb{R}"),
    (r"\\(?:text)?color ?\{[^{}]*\}", ""),
    (r"\\mathbb ?([A-Z])(?![a-zA-Z])", r"\\mathbb{\1}"),
    (rf"(?:{_TEXT}|\\operatorname) ?\{{ ?([ei]) ?\}}", r"\1"),
    (rf"{_TEXT} ?\{{ ?(\\[a-zA-Z]+)? ?\}}", r"\1"),
    (rf"(?:{_TEXT}|\\operatorname|\\mathbb) ?\{{ ?([A-Z]) ?\}}(?=\()", r"\1"),
    (rf"{_STYLE} ?\{{ ?([^{{}}]*?) ?\}}", _styled),
    (rf"{_TEXT} ?(?=\{{)", r"\\text"),
    (r"\\text\{ *([^{}]*?) *\}", r"\\text{\1}"),
    # arguments without braces
    (r"\\frac ?(\d) ?(\d)(?!\d)", r"\\frac{\1}{\2}"),
    (r"\\frac ?(\d) ?(\{)", r"\\frac{\1}\2"),
    (r"(\\frac ?\{[^{}]*\}) ?(\d)", r"\1{\2}"),
    (r"\\frac (?=\{)", r"\\frac"),
    (r"\\sqrt ?(\d+)", r"\\sqrt{\1}"),
    (r" ?,? ?\\text\{ ?,? ?(?:and|or),? ?\} ?", ","),
]
"""Rules for texts with a backslash."""

_PLAIN_TEXT: _Rules = [
    (r"\s+|~", " "),
    (r"[$]", ""),
    (r"(?<=\d) ?\{ ?, ?\} ?(?=\d{3})", ""),
    (r"\{ ?([:;]) ?\}", r"\1"),
    (r"<=", r"\\leq "),
    (r">=", r"\\geq "),
    (r"!=", r"\\neq "),
    (r"([\^_]) ?\{ ?(\d|[a-zA-Z]) ?\}", r"\1\2"),
    # times, ordinals, ratios, lists and conditions in words
    (r"(?<=\d)(?: |(?= ?\\text)) ?(?:\\text\{ ?)?([aApP])\.? ?[mM]\.?(?: ?\})?$", _half_day),
    (r" ?\(([a-z] ?\\in[^()]*)\)$", r",\1"),
    (r"(?<=\d) ?\^? ?\{? ?(?:\\text\{(?:st|nd|rd|th)\}|(?:st|nd|rd|th)\b) ?\}?", ""),
    (r"(?<=\d) ?(?:\\text\{ ?)?\bto\b(?: ?\})? ?(?=\d)", ":"),
    (r"(?<=[\w)}\]]) ?,? (?:and|or) (?=[\w({\[\\+-])", ","),
    (r"(?<=[)}\]]) ?(?:and|or) ?(?=[({\[])", ","),
    # spaces mean something only between digits and after a command
    (r"(?<=[,;]) | (?=[,;])", ""),
]
_LATEX_REWRITES, _REWRITES = (
    [(re.compile(pattern), replacement) for pattern, replacement in rules] for rules in (_LATEX, _PLAIN_TEXT)
)

_CONNECTIVES = [
    (re.compile(pattern), replacement)
    for pattern, replacement in [
        (rf" ?,? ?{_TEXT} ?\{{ ?,? ?or,? ?\}} ?|(?<=[\w)}}\]]) ?,? or (?=[\w({{\[\\+-])", r"\\lor "),
        (rf" ?,? ?{_TEXT} ?\{{ ?,? ?and,? ?\}} ?|(?<=[\w)}}\]]) ?,? and (?=[\w({{\[\\+-])", r"\\land "),
    ]
]
_INEQUALITY = re.compile(r"[<>]|\\(?:leq?|geq?|lt|gt|leqslant|geqslant|neq?)(?![a-zA-Z])")

_SPACES = re.compile(r"\\text\{(?:[^{}]|\{[^{}]*\})*\}|(\\[a-zA-Z]+) (?=[a-zA-Z])|(?<=\d) (?=\d)| ")
_THOUSANDS = re.compile(r"([+-]?)(\d{1,3}(?:[, ]\d{3})+)(\.\d+)?(%?)", re.ASCII)
_BOX = re.compile(r"\\(?:boxed|fbox) ?\{([^{}]*)\}")
_LISTED = re.compile(r",\s+\d|\b(?:and|or)\b\W*\d")
_WORDS = re.compile(r"[A-Za-z][A-Za-z .,'-]*")
_LEAD = re.compile(
    r"(?:(?:the|so|thus|hence|therefore|my|our)[ ,]+)*(?:final |correct )?(?:answer|ans|result|solution)"
    r"(?: is| are|)(?: ?[:=])? *(?![a-z])",
    re.IGNORECASE,
)
_FIRST_TEXT = re.compile(r"\\text\{([^{}]*)\}(?=.)")
_START = re.compile(r"(?:=|\\(?:therefore|Rightarrow|implies)(?![a-zA-Z])) *")
_OPTION = re.compile(r"(?:\\text ?\{)?(?:option|choice) \(?([A-J])\)?\}?", re.IGNORECASE)
_ENDLESS = re.compile(r"(-?\d*\.\d*?)(\d{1,9}?)\2{2,}(?:\.{3}|\\l?dots(?![a-zA-Z]))", re.ASCII)
_QUOTES = [
    ("'", "'"),
    ('"', '"'),
    ("`", "`"),
    ("**", "**"),
    ("__", "__"),
    ("*", "*"),
    ("``", "''"),
    ("_", "_"),
    ("「", "」"),
    ("【", "】"),
]
_DELIMITERS = [("\\(", "\\)"), ("\\[", "\\]"), ("$$", "$$"), ("$", "$"), *_QUOTES]
_WRAPPERS = ("\\boxed", "\\fbox", "\\boldsymbol", "\\mathbf", "\\underline", "\\bm", "\\displaystyle")


def _unspace(match: re.Match[str]) -> str:
    if match[0].startswith("\\text") or match[1]:
        return match[0]
    before, after = match.start() - 1, match.end()
    return " " if before >= 0 and match.string[before].isdigit() and match.string[after : after + 1].isdigit() else ""


def _closes_at_end(text: str) -> bool:
    """Return whether the first bracket of ``text`` is closed by its last character."""
    depth = 0
    for at, char in enumerate(text):
        depth += (char in "([{") - (char in ")]}")
        if depth == 0:
            return at == len(text) - 1
    return False


def _unwrap(text: str) -> str:
    """Remove what surrounds a whole answer: delimiters, quotes, a box, a text command, a lead-in, punctuation."""
    text = _ENDLESS.sub(r"\1\\overline{\2}", text.strip()).rstrip(".,;:").strip()
    if match := _START.match(text):
        text = text[match.end() :]
    if match := _OPTION.fullmatch(text):
        text = match[1]
    if text.endswith("\\") and not text.endswith("\\\\"):
        text = text[:-1].rstrip()
    for opening, closing in _DELIMITERS:
        inner = text[len(opening) : -len(closing)]
        around = len(text) > len(opening) + len(closing) and text.startswith(opening) and text.endswith(closing)
        if around and (closing not in inner or closing in ("\\)", "\\]", "$")):
            text = inner.strip()
    text = _BOX.sub(r"\1", text)
    for command in _WRAPPERS:
        if text.startswith(command + "{") and _closes_at_end(text[len(command) :]):
            text = text[len(command) + 1 : -1].strip()
    if text.startswith("{") and _closes_at_end(text):
        text = text[1:-1].strip()
    if text.startswith("\\text{") and text.endswith("}") and text.count("{") == 1:
        content = text[6:-1].strip()
        if content and not (len(content) > 1 and _WORDS.fullmatch(content)):
            text = content  # \text{5}, \text{(A)}, \text{E}: no word that needs protection
    if (match := _FIRST_TEXT.match(text)) and _LEAD.fullmatch(match[1].strip()):
        text = text[match.end() :]
    text = _LEAD.sub("", text, count=1) if _LEAD.match(text) else text
    if re.fullmatch(r"\([A-Z]\)", text) or (re.fullmatch(r"\(.*\)", text) and number(text[1:-1]) is not None):
        text = text[1:-1]
    return text


_ESCAPED = re.compile(
    r"\\\\(?=(?:[dtc]?frac|sqrt|left|right|text|mathrm|mathbf|pi|cdot|times|theta|alpha|beta|infty|cup|circ|pm|leq?|geq?|"
    r"boxed|sin|cos|tan|log|ln|angle|overline)(?![a-zA-Z])|[{}])"
)
_NOUN = re.compile(
    r"^([+-]?[\d.,/]*\d) ((?!(?:sin|cos|tan|cot|sec|csc|log|ln|exp|sqrt|pi|and|or|mod|choose|to|st|nd|rd|th)\b)"
    r"[a-zA-Z]{4,}(?:\^\{?-?\d\}?)?(?: [a-zA-Z]+(?:\^\{?-?\d\}?)?)*)$"
)  # 3 apples
_GROUPED_AMOUNT = re.compile(
    r"^[+-]?\d{1,3}(?:,\d{3})+(?![\d,])(?=(?:\.\d+)? ?(?:\\text|\\times|\\cdot|[a-zA-Z]))", re.ASCII
)
_MARKDOWN = re.compile(r"(?<![\w)*])\*\*(?=\S)([^*]+)\*\*(?![\w(*])")


def _once(text: str) -> str:
    text = _unwrap(plain(text))
    if "\\begin" not in text:
        text = _ESCAPED.sub(r"\\", text)
    text = _NOUN.sub(r"\1\\text{\2}", _MARKDOWN.sub(r"\1", text))
    text = _GROUPED_AMOUNT.sub(lambda match: match[0].replace(",", ""), text)
    # ", " separates the items of a list, and "," before three digits thousands: distinguished while the spaces exist
    listed = _LISTED.search(re.sub(r"\\!\s*", "", text)) is not None
    if _INEQUALITY.search(text):
        for pattern, connective in _CONNECTIVES:
            text = pattern.sub(connective, text)
    for pattern, replacement in [*_LATEX_REWRITES, *_REWRITES] if "\\" in text else _REWRITES:
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


_INTEGER = re.compile(r"-?[1-9]\d{0,99}", re.ASCII)


@lru_cache(maxsize=1 << 14)
def canonical(answer: str) -> str:
    r"""Return one spelling for answers that differ in typography only; idempotent, distinct for distinct numbers.

    Numbers become ``7``, ``-3`` or ``1/2``; ``\text{...}`` keeps its words. An answer longer than :data:`LONGEST`
    is only stripped.
    """
    text = answer.strip()
    if len(text) > LONGEST or _INTEGER.fullmatch(text):
        return text
    for _ in range(LONGEST):
        previous, text = text, _once(text)
        if text == previous or len(text) > LONGEST:
            break
    return text


_NOUNS = {"\\infty", "\\emptyset", "\\varnothing", "\\pi", "\\top", "\\bot"}
_NOUNS |= {
    "\\" + name
    for name in "alpha beta gamma delta epsilon theta lambda mu phi psi omega rho sigma tau Delta Omega".split()
}


@lru_cache(maxsize=1 << 14)
def parsable(answer: str) -> bool:
    """Return whether an answer has anything to compare: a letter, a digit, or a symbol; only these may vote."""
    text = canonical(answer)
    return any(map(str.isalnum, _COMMAND.sub("", text))) or not _NOUNS.isdisjoint(_COMMAND.findall(text))


_INTEGER_E = re.compile(r"[+-]?\d+e[+-]\d{1,3}", re.ASCII)
_GROUPED = re.compile(r"[+-]?\d{1,3}(?:,\d{3})+", re.ASCII)
_COMMA = re.compile(r"([+-]?\d+),(\d+)", re.ASCII)


def readings(answer: str) -> list[str]:
    """Return the canonical spelling, and those of other readings of an ambiguous answer.

    ``2e-1`` may be a decimal, ``0,5`` may have a decimal comma, and ``100,200,300`` may be a list.
    """
    found = [canonical(answer)]
    text = answer.strip().strip("$").strip()
    if _INTEGER_E.fullmatch(text):
        found.append(canonical(text.replace("e", "E")))
    if match := _COMMA.fullmatch(text):
        found.append(canonical(f"{match[1]}.{match[2]}"))
    if _GROUPED.fullmatch(text):
        found.append(canonical(text.replace(",", ", ")))
    return found
