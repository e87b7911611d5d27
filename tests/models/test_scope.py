"""The check whether a problem suits the built-in models."""

from __future__ import annotations

import subprocess
import sys

import pytest

from benchmarks.word_problems.generate import load
from benchmarks.word_problems.vocabulary import known_words as grammar_words
from tests.command_line import MIA
from tts.models.scope import known, known_words, look


@pytest.mark.parametrize(
    "text", [MIA, MIA.replace("Mia", "Xandra"), MIA.replace("marbles", "zorbles").replace("Mia", "Xandra")]
)
def test_stories_of_its_kind_are_known_whatever_the_name_and_noun(text: str) -> None:
    assert known(text)


def test_every_test_problem_is_known() -> None:
    assert [p.problem for p in load("lab-500") if not known(p.problem)] == []


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("What is the integral of x^2 from 0 to 3?", "formula"),
        ("Prove that sqrt(2) is irrational.", "does not ask"),
        ("What is the capital of France?", "no number"),
        (MIA.replace("17", "17000"), "above 999"),
        (MIA.replace("17", "1.5"), "formula"),
        ("", "no text"),
    ],
)
def test_what_lies_outside_is_flagged_with_a_reason(text: str, reason: str) -> None:
    assert any(reason in r for r in look(text).reasons)


def test_looking_needs_neither_torch_nor_transformers() -> None:
    code = "import sys, tts.models.scope as s; s.known('x'); print({'torch', 'transformers'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_the_known_words_are_those_of_the_grammar() -> None:
    assert known_words() == {word.lower() for word in grammar_words()}
