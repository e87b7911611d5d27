"""Characters: replaces typographic variants by the plain characters, and symbols by LaTeX commands."""

# ruff: noqa: RUF001  (characters that look like others are what this module is about)
from __future__ import annotations

import re
import unicodedata

_SYMBOLS = {
    "×": r"\times ", "·∙⋅•": r"\cdot ", "÷": r"\div ", "π": r"\pi ", "∞": r"\infty ", "°º": r"^\circ ",
    "≤⩽≦": r"\leq ", "≥⩾≧": r"\geq ", "≠": r"\neq ", "∪": r"\cup ", "∩": r"\cap ", "∅⌀": r"\emptyset ",
    "∈": r"\in ", "∖": r"\setminus ", "±": r"\pm ", "∓": r"\mp ", "√": r"\sqrt ", "∛": r"\cbrt ", "≈": r"\approx ",
    "≡": r"\equiv ", "∠": r"\angle ", "⌊": r"\lfloor ", "⌋": r"\rfloor ", "⌈": r"\lceil ", "⌉": r"\rceil ",
    "ℝ": r"\mathbb{R}", "ℤ": r"\mathbb{Z}", "ℕ": r"\mathbb{N}", "ℚ": r"\mathbb{Q}", "ℂ": r"\mathbb{C}",
    "∧": r"\land ", "∨": r"\lor ", "…": r"\ldots ", "′’‘＇": "'", "“”„«»＂": '"', "£€¥￥￡": "",
    "。．｡": ".", "、": ",",
    "−﹣－‐‑‒–—": "-", "∶：": ":", "⁄∕": "/", "∣": "|",
}  # fmt: skip
_SYMBOLS |= {
    letter: f"\\{unicodedata.name(letter).rsplit(' ', 1)[1].lower()} "
    for letter in "αβγδεζηθκλμνξρστυφχψω"
    if unicodedata.name(letter).startswith("GREEK SMALL LETTER ")
}
_CHARACTERS = str.maketrans({character: to for characters, to in _SYMBOLS.items() for character in characters})
_SMALL = {unicodedata.normalize("NFKC", c): c for c in "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿⁱ"}
_RAISED = re.compile(f"[{''.join(_SMALL.values())}]+")
_LOWERED = re.compile("[₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ₐₑₒₓₖₗₘₙₚₛₜ]+")
_SELECTORS = "".join(map(chr, range(0xFE00, 0xFE10)))  # they select a glyph and have no meaning
_VULGAR = re.compile("[\u00bc-\u00be\u2150-\u215e\u2189]")


def plain(text: str) -> str:
    """Replace typographic variants by the plain characters, and symbols by commands."""
    if text.isascii():
        return text
    text = _VULGAR.sub(lambda match: "\\frac{{{}}}{{{}}}".format(*_level(match).split("⁄")), text)
    text = _RAISED.sub(lambda match: f"^{{{_level(match)}}}", text)
    text = _LOWERED.sub(lambda match: f"_{{{_level(match)}}}", text)
    text = unicodedata.normalize("NFKC", text.translate(_CHARACTERS)).translate(_CHARACTERS)
    return "".join(c for c in text if unicodedata.category(c) not in ("Cf", "Co", "Cs") and c not in _SELECTORS)


def _level(match: re.Match[str]) -> str:
    """Replace raised, lowered or stacked characters by those on the line."""
    return unicodedata.normalize("NFKC", match[0]).replace("−", "-")
