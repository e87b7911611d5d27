"""Equivalence of answers, kind by kind; no comparison fails or runs without end."""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
import threading
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.answers.pairs import DIFFERENT, SAME
from tts.answers.equivalence import deadline, equivalent, grade, group, group_async


def pairs(table: dict[str, str]) -> list[tuple[str, str]]:
    found = []
    for lines in table.values():
        for line in lines.strip().splitlines():
            left, right = line.strip().split(" | ", 1)
            found.append((left, right))
    return found


@pytest.mark.parametrize(("a", "b"), pairs(SAME))
def test_what_is_the_same_is_found_to_be_so_either_way_round(a: str, b: str) -> None:
    assert equivalent(a, b)
    assert equivalent(b, a)
    assert grade(a, b)
    assert grade(b, a)


@pytest.mark.parametrize(("a", "b"), pairs(DIFFERENT))
def test_what_differs_is_told_apart_either_way_round(a: str, b: str) -> None:
    assert not equivalent(a, b)
    assert not equivalent(b, a)


@pytest.mark.parametrize(
    ("gold", "answer"), [("0.2", "2e-1"), ("0.5", "0,5"), ("100, 200, 300", "100,200,300"), ("1234", "1,234")]
)
def test_of_an_ambiguous_answer_the_gold_decides_the_reading(gold: str, answer: str) -> None:
    assert grade(gold, answer)


def test_an_ambiguous_gold_answer_has_one_reading() -> None:
    assert not grade("2e-1", "0.2")
    assert not grade("0,5", "0.5")


exact = st.fractions(min_value=-1000, max_value=1000, max_denominator=60)


@settings(max_examples=60, deadline=None)
@given(exact, exact)
def test_sums_written_out_equal_their_value_and_no_other(a: object, b: object) -> None:
    written = f"{a}+({b})"
    assert equivalent(written, str(a + b))  # type: ignore[operator]
    assert not equivalent(written, str(a + b + 1))  # type: ignore[operator]


@settings(max_examples=40, deadline=None)
@given(st.integers(-9, 9), st.integers(-9, 9), st.integers(1, 9), st.integers(1, 9))
def test_a_line_is_itself_times_any_number_and_no_other_line(a: int, b: int, c: int, k: int) -> None:
    line = f"{a}x+{b}y+z={c}"
    assert equivalent(line, f"{k * a}x+{k * b}y+{k}z={k * c}")
    assert equivalent(line, f"{-k * a}x+{-k * b}y-{k}z={-k * c}")
    assert not equivalent(line, f"{k * a}x+{k * b}y+{k}z={k * c + 1}")


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(-50, 50), min_size=2, max_size=5), st.randoms())
def test_the_order_of_a_set_does_not_matter_and_that_of_a_tuple_does(items: list[int], shuffler: random.Random) -> None:
    other = list(items)
    shuffler.shuffle(other)
    first, second = (", ".join(map(str, side)) for side in (items, other))
    assert equivalent(rf"\{{{first}\}}", rf"\{{{second}\}}")
    assert equivalent(f"({first})", f"({second})") == (items == other)


latex = st.text(alphabet=r"\{}()[]$%.,;:=+-^_/<>| 0123456789abxeifrcsqtpmdo" + "\n√²½∞", max_size=40)
commands = st.lists(
    st.sampled_from(
        r"\pm \pmod \pmb \pmatrix \mp \frac \sqrt \begin{pmatrix} \end{pmatrix} \cup \in \text{a} \overline { } ( ) [ "
        r"] | , \choose ! ^ _ = < \pmod{7} 2 x \{ \} \circ \sin \sum_{k=1}^ \equiv : \infty e- \\ & \begin{cases} "
        r"\end{cases}".split()
    ),
    max_size=14,
).map(" ".join)


@settings(max_examples=400, deadline=None)
@given(latex | commands | st.text(max_size=30), latex | commands)
def test_no_answer_however_odd_ends_a_comparison(a: str, b: str) -> None:
    start = time.process_time()
    assert isinstance(equivalent(a, b), bool)
    assert equivalent(a, a)
    assert equivalent(a, b) == equivalent(b, a)
    assert isinstance(grade(a, b), bool)
    assert time.process_time() - start < 3


PATHOLOGICAL = [
    "{" * 10**6,
    "9^9^9^9",
    "1" * 10**6,
    r"\frac{" * 300,
    "(" * 1500,
    r"\sqrt" * 300,
    "x!" * 300,
    "-" * 1900,
]


@pytest.mark.parametrize("answer", PATHOLOGICAL, ids=lambda text: repr(text[:8]))
def test_pathological_answers_are_compared_in_a_moment(answer: str) -> None:
    start = time.process_time()
    assert not equivalent(answer, "x+1")
    assert equivalent(answer, answer)
    assert time.process_time() - start < 5


def test_classes_are_numbered_as_they_appear() -> None:
    assert group(["2", "1/2", "2.0", r"\sqrt{8}", "0.5", r"2\sqrt{2}", "?", "2"]) == [0, 1, 0, 2, 1, 2, 3, 0]
    assert group([r"3\pmod 7", r"3 \pmod{7}", r"x\equiv 3\pmod 7"]) == [0, 0, 0]
    assert group([]) == []


VOTES = {
    "circles": [f"(x-{n})^2+(y+{n})^2={n * n + 1}" for n in range(32)],
    "planes": [f"{n}x+{n + 1}y-{2 * n + 1}z={n}" for n in range(1, 33)],
    "factorials": [f"{n}!" for n in range(10**5, 10**5 + 8)],
    "towers": [f"{n}^{{{n}^{{{n}^{{{n}}}}}}}" for n in range(3, 11)],
    "roots": [rf"\frac{{{n}+\sqrt{{{n}}}}}{{\pi}}" for n in range(2, 66)],
}


@pytest.mark.parametrize("answers", VOTES.values(), ids=VOTES)
def test_votes_over_different_formulas_take_seconds_at_most(answers: list[str]) -> None:
    start = time.process_time()
    assert group(answers) == list(range(len(answers)))
    assert time.process_time() - start < 5


def test_after_the_deadline_only_spellings_share_a_class() -> None:
    answers = [r"\sqrt{8}", r"2\sqrt{2}", r"\sqrt 8"]
    with deadline(-1) as limit:
        assert group(answers) == [0, 1, 0]
    assert limit.passed
    with deadline(60) as limit:
        assert group(answers) == [0, 0, 0]
    assert not limit.passed
    assert group(answers) == [0, 0, 0]


def test_it_works_in_threads_and_in_an_event_loop() -> None:
    verdicts: list[bool] = []
    threads = [
        threading.Thread(target=lambda n=n: verdicts.append(equivalent(rf"\sqrt{{{n * n * 2}}}", rf"{n}\sqrt2")))
        for n in range(2, 8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert verdicts == [True] * 6
    assert asyncio.run(group_async(["y+y", "2y", "3y"])) == [0, 0, 1]


def test_numbers_and_lists_are_compared_without_loading_mpmath() -> None:
    code = (
        "import sys, tts.answers.equivalence as e; e.group(['1/2', '0.5', '{1,2}', '2,1', 'x=5', '10 cm', '(1,2]']); "
    )
    out = subprocess.run(
        [sys.executable, "-c", code + "print('mpmath' in sys.modules)"], capture_output=True, text=True, check=True
    )
    assert out.stdout.strip() == "False"
