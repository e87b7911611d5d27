"""Checks of verifiable instructions (IFEval, arXiv 2311.07911): does a response do what an instruction says?

Names and arguments are those of the published data. Text alone decides 20 of its 25 instructions. The other five need
the packages of the extra ``ifeval``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tts.answers.kinds import packaged_checks
from tts.errors import BadInput
from tts.files.json_text import parse

_ANSWERS = ("My answer is yes.", "My answer is no.", "My answer is maybe.")
_BULLET = re.compile(r"^\s*(?:\*[^*]|-).*$", re.MULTILINE)
_BOLD, _ITALIC = re.compile(r"\*\*[^\n*]*\*\*"), re.compile(r"\*[^\n*]*\*")
_FENCE = re.compile(r"\A```(?:json)?|```\Z", re.IGNORECASE)
_RESPONSES = "******"
_WORD = re.compile(r"\w+")


def _related(count: int, relation: str, bound: int) -> bool:
    if relation == "at least":
        return count >= bound
    if relation == "less than":
        return count < bound
    raise ValueError(f"the relation {relation!r} is neither 'at least' nor 'less than'")


def _occurrences(text: str, word: str) -> int:
    return len(re.findall(re.escape(word), text, re.IGNORECASE))


def _existence(text: str, keywords: Sequence[str]) -> bool:
    return all(_occurrences(text, word) for word in keywords)


def _frequency(text: str, keyword: str, frequency: int, relation: str) -> bool:
    """Parts of words count, as published: "war" is in "warm"."""
    return _related(_occurrences(text, keyword), relation, frequency)


def _forbidden(text: str, forbidden_words: Sequence[str]) -> bool:
    return not any(re.search(rf"\b{re.escape(word)}\b", text, re.IGNORECASE) for word in forbidden_words)


def _letters(text: str, letter: str, let_frequency: int, let_relation: str) -> bool:
    return _related(text.lower().count(letter.lower()), let_relation, let_frequency)


def _number_words(text: str, num_words: int, relation: str) -> bool:
    return _related(len(_WORD.findall(text)), relation, num_words)


def _number_paragraphs(text: str, num_paragraphs: int) -> bool:
    """Paragraphs are divided by ``***``. A divider may open and close the text; an empty paragraph inside fails."""
    parts = [part.strip() for part in re.split(r"\s?\*\*\*\s?", text)]
    return all(parts[1:-1]) and sum(map(bool, parts)) == num_paragraphs


def _first_word(text: str, num_paragraphs: int, nth_paragraph: int, first_word: str) -> bool:
    """Paragraphs are divided by blank lines; punctuation ends the word."""
    parts = [part.strip() for part in text.split("\n\n")]
    if sum(map(bool, parts)) != num_paragraphs or not 1 <= nth_paragraph <= len(parts):
        return False
    words = parts[nth_paragraph - 1].split()
    begins = words[0].lstrip("'").lstrip('"') if words else ""
    return re.split(r"[.,?!'\"]", begins)[0].lower() == first_word.lower()


def _placeholders(text: str, num_placeholders: int) -> bool:
    return len(re.findall(r"\[.*?\]", text)) >= num_placeholders


def _postscript(text: str, postscript_marker: str) -> bool:
    """The marker may be anywhere; a space may follow each full stop of the data's two markers."""
    spelled = {"P.S.": r"p\.\s?s\.", "P.P.S": r"p\.\s?p\.\s?s"}
    pattern = spelled.get(postscript_marker, re.escape(postscript_marker.lower()))
    return re.search(pattern, text.lower()) is not None


def _bullets(text: str, num_bullets: int) -> bool:
    return len(_BULLET.findall(text)) == num_bullets


def _constrained(text: str) -> bool:
    return any(answer in text for answer in _ANSWERS)


def _highlights(text: str, num_highlights: int) -> bool:
    marked = [*_ITALIC.findall(text), *_BOLD.findall(text)]
    return sum(bool(part.strip("*").strip()) for part in marked) >= num_highlights


def _sections(text: str, section_spliter: str, num_sections: int) -> bool:
    return len(re.findall(rf"{re.escape(section_spliter)}\s?\d+", text)) >= num_sections


def _json(text: str) -> bool:
    try:
        parse(_FENCE.sub("", text.strip()).strip())
    except BadInput:
        return False
    return True


def _title(text: str) -> bool:
    return any(title.strip("<>").strip() for title in re.findall(r"<<[^\n]+>>", text))


def _two_responses(text: str) -> bool:
    """Exactly two different responses; a divider may open and close the text."""
    parts = [part.strip() for part in text.split(_RESPONSES)]
    kept = [part for part in parts if part]
    return all(parts[1:-1]) and len(kept) == 2 and kept[0] != kept[1]


def _repeated(text: str, prompt_to_repeat: str) -> bool:
    return text.strip().lower().startswith(prompt_to_repeat.strip().lower())


def _ends(text: str, end_phrase: str) -> bool:
    return text.strip().strip('"').lower().endswith(end_phrase.strip().lower())


def _quoted(text: str) -> bool:
    text = text.strip()
    return len(text) > 1 and text[0] == text[-1] == '"'


def _no_comma(text: str) -> bool:
    return "," not in text


def _language(text: str, language: str) -> bool:
    return packaged_checks.in_language(text, language)


def _english_capital(text: str) -> bool:
    return text.isupper() and packaged_checks.in_language(text, "en")


def _english_lowercase(text: str) -> bool:
    return text.islower() and packaged_checks.in_language(text, "en")


def _capital_words(text: str, capital_frequency: int, capital_relation: str) -> bool:
    return _related(sum(map(str.isupper, packaged_checks.words(text))), capital_relation, capital_frequency)


def _number_sentences(text: str, num_sentences: int, relation: str) -> bool:
    return _related(packaged_checks.sentences(text), relation, num_sentences)


_OF_LANGUAGES: Mapping[str, Callable[..., bool]] = {
    "language:response_language": _language,
    "change_case:english_capital": _english_capital,
    "change_case:english_lowercase": _english_lowercase,
}

CHECKS: Mapping[str, Callable[..., bool]] = {
    "keywords:existence": _existence,
    "keywords:frequency": _frequency,
    "keywords:forbidden_words": _forbidden,
    "keywords:letter_frequency": _letters,
    "length_constraints:number_words": _number_words,
    "length_constraints:number_paragraphs": _number_paragraphs,
    "length_constraints:nth_paragraph_first_word": _first_word,
    "detectable_content:number_placeholders": _placeholders,
    "detectable_content:postscript": _postscript,
    "detectable_format:number_bullet_lists": _bullets,
    "detectable_format:constrained_response": _constrained,
    "detectable_format:number_highlighted_sections": _highlights,
    "detectable_format:multiple_sections": _sections,
    "detectable_format:json_format": _json,
    "detectable_format:title": _title,
    "combination:two_responses": _two_responses,
    "combination:repeat_prompt": _repeated,
    "startend:end_checker": _ends,
    "startend:quotation": _quoted,
    "punctuation:no_comma": _no_comma,
    **({"change_case:capital_word_frequency": _capital_words} if packaged_checks.has("nltk") else {}),
    **(
        {"length_constraints:number_sentences": _number_sentences}
        if packaged_checks.has("nltk") and packaged_checks.has("punkt")
        else {}
    ),
    **(_OF_LANGUAGES if packaged_checks.has("langdetect") else {}),
}
"""The check of each instruction: ``(response, **arguments) -> bool``."""


def checked(name: str, arguments: Mapping[str, Any]) -> None:
    """Raise BadInput if the arguments of an instruction do not fit it."""
    try:
        CHECKS[name]("A text.", **arguments)
    except (TypeError, ValueError, AttributeError) as error:
        raise BadInput(f"the arguments of the instruction {name!r} do not fit: {error}.") from error
