"""The text that is shown where no solution has an answer."""

from __future__ import annotations

import pytest

from tests.answers.test_finding import ask
from tts.answers.medoid import medoid
from tts.commands.solution_text import print_solution


def test_the_medoid_shares_most_words_with_the_others() -> None:
    # Words in common over words in all: 0-1 2/4, 0-2 1/5, 1-2 2/4. Sums with itself: 1.7, 2.0, 1.7.
    assert medoid(["a b c", "b c d", "c d e"]) == 1
    assert medoid(["one", "one"]) == 0
    assert medoid(["", "a long text that no other is like", "", ""]) == 0


def test_without_scores_the_most_typical_text_is_shown_with_the_reason(capsys: pytest.CaptureFixture[str]) -> None:
    solution = ask(
        "I like cats", "I like dogs very much indeed because they bark all day", "I like my cats", extract="boxed"
    )
    print_solution(solution, as_json=False, show_steps=False)
    said = " ".join(capsys.readouterr().out.split())
    assert "Answer none: none of 3 finished solutions has one by the rule 'boxed'; try --extract auto." in said
    assert "The most typical text ends: I like cats" in said
