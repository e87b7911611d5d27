"""Boxes in text, and the canonical spelling of answers."""

from __future__ import annotations

import subprocess
import sys
import time
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tts.answers.extract import extract
from tts.answers.normalize import LONGEST, canonical, number, parsable


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        (r"so \boxed{42}.", "42"),
        (r"\boxed{1} then \boxed{2}", "2"),
        (r"\boxed{\frac{1}{\sqrt{2}}}", r"\frac{1}{\sqrt{2}}"),
        (r"\boxed{\{1, 2\}}", r"\{1, 2\}"),
        (r"\fbox{7}", "7"),
        (r"\boxed 5", "5"),
        (r"\boxed5.", "5"),
        (r"\boxed{1} and later \boxed{\frac{1}{2", "1"),
        (r"\boxed{1 and \boxed{2}", "2"),
        (r"\boxed{\boxed{3}}", r"\boxed{3}"),
        (r"stray } and { \boxed{3}", "3"),
        (r"\boxed{}", None),
        (r"It is \boxed{5}. As you asked, it is within \boxed{}.", "5"),
        (r"It is \boxed{5}. (You asked for `\boxed{...}`.)", "5"),
        (r"It is \boxed{5}, in the form \boxed{answer} or \boxed{\text{your answer}}", "5"),
        ("the answer is 42", None),
        (r"\boxed{42", None),
        (r"a \boxedly named thing", None),
        ("", None),
    ],
)
def test_the_last_complete_box_is_the_answer(text: str, answer: str | None) -> None:
    assert extract(text) == answer


@pytest.mark.parametrize("text", ["{" * 10**6, r"\boxed{" + "{" * 10**6, "\\" * 10**6 + "boxed{", r"\boxed{" * 10**5])
def test_a_megabyte_of_braces_takes_linear_time(text: str) -> None:
    start = time.process_time()
    assert extract(text) is None
    assert time.process_time() - start < 3


@pytest.mark.parametrize(
    ("answer", "spelling"),
    [
        ("025", "25"),
        ("+5", "5"),
        ("-0", "0"),
        ("5.", "5"),
        ("$5$", "5"),
        ("(0)", "0"),
        ("1,234", "1234"),
        ("1{,}234", "1234"),
        (r"11,\! 111,\! 111", "11111111"),
        (r"\$1,234.50", "2469/2"),
        ("1, 234", "1, 234"),
        ("(1,234)", "(1,234)"),
        ("100 and 200", "100, 200"),
        (r"\dfrac12", "1/2"),
        ("0.50", "1/2"),
        ("1 1/2", "3/2"),
        (r"-2\frac58", "-21/8"),
        (r"2.5 \times 10^{-3}", "1/400"),
        (r"50\%", "50"),
        (r"\left( 3, \frac{\pi}{2} \right)", r"(3,\frac{\pi}{2})"),
        (r"\text{ east }", r"\text{east}"),
        (r"\textbf{(A)}", "A"),
        (r"\boxed{7}", "7"),
        (r"\pi r^{2}", r"\pi r^2"),
        ("(a+5)(b+2)", "(a+5)(b+2)"),
        ("1/0", "1/0"),
    ],
)
def test_typography_does_not_matter(answer: str, spelling: str) -> None:
    assert canonical(answer) == spelling


quick = settings(max_examples=60, deadline=None)
latex = st.text(alphabet=r"\{}()[]$%.,;:=+-^_/ 0123456789abxitexfrcsqdoT" + "\n", max_size=30)


@quick
@given(latex | st.text(max_size=30))
def test_canonical_is_idempotent(answer: str) -> None:
    assert canonical(canonical(answer)) == canonical(answer)


@quick
@given(st.integers(), st.integers(), st.sampled_from(["{}", "${}$", r"\boxed{{{}}}", "0{}", "{}.", "{}.0", r"{}\%"]))
def test_different_integers_keep_different_spellings(a: int, b: int, style: str) -> None:
    spelled = style.format(abs(a))
    assert canonical(spelled) == str(abs(a))
    assert (canonical(spelled) == canonical(str(b))) == (abs(a) == b)


@quick
@given(st.integers(0, 10**12))
def test_thousands_separators_leave_the_number_as_it_is(value: int) -> None:
    assert canonical(f"{value:,}") == str(value)
    assert canonical(f"{value:,}".replace(",", "{,}")) == str(value)


@quick
@given(st.fractions())
def test_fractions_are_read_exactly(value: Fraction) -> None:
    assert number(canonical(f"\\frac{{{value.numerator}}}{{{value.denominator}}}")) == value


@pytest.mark.parametrize("answer", ["", " ", "?", "...", r"\text{}", "{}", "$$", r"\quad", r"\ldots"])
def test_punctuation_is_no_answer(answer: str) -> None:
    assert not parsable(answer)


@pytest.mark.parametrize("answer", ["0", "x", r"\infty", r"\emptyset", r"\text{east}", r"\pm 1", r"\mathbb{R}"])
def test_a_letter_a_digit_or_a_symbol_is_one(answer: str) -> None:
    assert parsable(answer)


def test_very_long_answers_are_left_alone() -> None:
    text = "1+" * LONGEST
    assert canonical(text) == text


def test_importing_it_loads_no_computer_algebra() -> None:
    code = "import sys, tts.answers.votes; print([m for m in ('sympy', 'mpmath') if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
