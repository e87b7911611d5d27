"""Equivalence of answers, kind by kind; no comparison fails or runs without end.

The pairs are our own; each value follows from the arithmetic in it or from a convention of docs/GRADING.md.
"""

# ruff: noqa: RUF001  (characters that look like others are among the inputs)
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

from tts.answers.equivalence import deadline, equivalent, grade, group, group_async

SAME = {
    "numbers": r"""
        25 | 025
        0.5 | \frac12
        1/2 | \dfrac{2}{4}
        2^{64} | 18446744073709551616
        \frac{1}{2^{60}} | 2^{-60}
        7! | 5040
        3^{200} | 9^{100}
        2.5\times 10^{-3} | 0.0025
        6.02\times10^{23} | 6.02e23
        1e-5 | 0.00001
        1\frac{1}{2} | \frac32
        (-27)^{1/3} | -3
        27^{2/3} | 9
        \frac{10}{4} | --2.5
    """,
    "repeating decimals": r"""
        0.\overline{6} | \frac{2}{3}
        0.(3) | \frac13
        \frac{41}{333} | 0.123123123\ldots
        1.2\overline{34} | \frac{611}{495}
        0.\dot{3} | 1/3
        0.\overline{9} | 1
    """,
    "binomials": r"""
        \binom{52}{5} | 2598960
        {8 \choose 2} | 28
        56 | \dbinom{8}{3}
        C_{10}^{2} | 45
        n(n-1)/2 | {n \choose 2}
    """,
    "upright letters": r"""
        \mathrm{e}^{-1} | \frac{1}{e}
        \frac{\mathrm{e}^2+1}{2} | \frac{e^2+1}{2}
        3-4\mathrm{i} | 3-4i
        {\rm e}^x | e^x
        e^{\mathrm{i}\pi} | -1
        2\uppi | 2\pi
    """,
    "roots": r"""
        \sqrt(7) | √7
        3\sqrt(2)/2 | \frac{3\sqrt2}{2}
        3\sqrt{(x+1)} | 3\sqrt{x+1}
        \sqrt{117} | 3\sqrt{13}
        \sqrt[4]{16} | 2
        \sqrt{3+2\sqrt2} | 1+\sqrt2
    """,
    "typography": """
        5 | ￡５
        (1,2) | （1，2）
        [1,2) | ［1，2）
        x^2+1 | x² + 1
        x_1+x_2 | x₁ + x₂
        0.75 | ¾
        \\frac{8}{3} | 2⅔
        0.001 | 10⁻³
        -7 | −7
        x\\leq 3 | x⩽3
        5 | \u200b5\ufeff
        42 | "42"
        42 | `42`
        42 | **42**
        42 | «42»
        x+1 | 'x+1'
        4 | \\boldsymbol{4}
        \\frac12 | \\underline{\\frac12}
        5 | The answer is 5.
        5 | \\text{The final answer is } 5
        5 | **Answer: 5**
        5 | = 5
        5 | \\color{red}{5}
        5 | 【5】
        20 | \\text{\\$}20
        12 | 12th
        (3,\\frac{\\pi}{2}) | \\\\left(3,\\\\frac{\\pi}{2}\\\\right)
        2\\pi r | 2\\pir
    """,
    "empty sets": r"""
        \emptyset | ∅
        \varnothing | \emptyset
        \emptyset | \text{no solution}
        \{\} | \varnothing
    """,
    "choices": r"""
        C | \text{(C) } 14
        C | (C)
        C | C)
        C | C. 14
        C | \mathbf{(C)}\ 14
        C | **C.** $14$
        C | \text{Option C}
        14 | \textbf{(C) } 14
    """,
    "intervals and inequalities": r"""
        [5,\infty) | x \ge 5
        (3,4] | 3 < x \le 4
        (-\infty, 2) | x < 2
        (-\infty,-1)\cup(1,\infty) | x<-1 \text{ or } x>1
        x\in(2,3) | 2<x<3
        x \in [1,2]\cup[3,4] | [3,4]\cup[1,2]
        [1,3] | [1,2]\cup[2,3]
        \mathbb{R}\setminus\{1\} | (-\infty,1)\cup(1,\infty)
        x\ne 1 | (-\infty,1)\cup(1,\infty)
        ]-1,1[ | (-1,1)
        \{x \mid x>3\} | (3,\infty)
        (-\infty,+\infty) | ℝ
        \text{all real numbers} | \mathbb{R}
        x < 1 | -x > -1
    """,
    "lists, tuples, sets": r"""
        1,2 | 2, 1
        \{1,2\} | \{2,1\}
        \{1,2,2\} | \{1,2\}
        \pm 5 | 5,-5
        1,2 | x=1 \text{ or } x=2
        x=1,2 | 1,2
        x = \pm 2 | 2,-2
        (1,2), (3,4) | (3,4) \text{ and } (1,2)
        \{(1,2),(3,4)\} | (3,4),(1,2)
        \{(1,2),(3,4)\} | [(3,4),(1,2)]
        p=5,q=2;p=7,q=2 | (5,2),(7,2)
        (x,y)=(1000,10) | x=1000,\ y=10
        \frac{1\pm\sqrt5}{2} | \frac{1+\sqrt5}{2},\frac{1-\sqrt5}{2}
        \{1,3\}\cup\{2,4\} | \{1,2,3,4\}
        1, 3, 5 | n = 1, 3, 5
    """,
    "named values": r"""
        5 | x=5
        \frac{1}{3} | P(A)=\frac{1}{3}
        x^2 | f(x)=x^2
        f(x)=2x+1 | y=2x+1
        \frac14 | \mathrm{P}(X=2)=\frac{1}{4}
        12 | \text{Area}=12
        5 | AB=5
        30 | \angle ABC = 30^\circ
        5 | 2+3=5
        2 | x=\frac{4}{2}=2
        \frac{1}{\sqrt6} | \frac{NO}{BO}=\frac{1}{\sqrt{6}}
    """,
    "equations": r"""
        3x-2y=6 | 6x-4y=12
        3x-2y=6 | -3x+2y+6=0
        y=\frac32x-3 | 3x-2y=6
        (x-3)^2+(y+1)^2=16 | x^2+y^2-6x+2y-6=0
        \frac{x^2}{9}+\frac{y^2}{4}=1 | 4x^2+9y^2=36
    """,
    "units": r"""
        10 cm | 10
        90^\circ | 90
        864 \mbox{ inches}^2 | 864
        10weeks | 10
        3 apples | 3
        60 | 60 km/h
        60 | 60\ \frac{m}{s}
        60\text{ km/h} | 60\text{ kilometers per hour}
        5\text{ m}^2 | 5\text{ square meters}
        15000\text{ kcal m}^{-2}\text{ yr}^{-1} | 15,000 \text{ kcal m⁻² yr⁻¹}
        6 | 6个
        5\text{ million} | 5000000
        1,538.46 \text{ years} | 1538.46
        28\% | 28\text{ percent}
    """,
    "ratios, times, bases": r"""
        3:4 | 6:8
        1:2 | 1\text{ to }2
        20:34 | 20:34:00
        2516_8 | 2516
        1011_2 | 1011_{2}
    """,
    "residues": r"""
        x\equiv 2\pmod 5 | x\equiv 7\pmod{5}
        x\equiv 2\pmod 5 | x \equiv 2 \ (\text{mod } 5)
        2 \pmod 5 | 2 \pmod{5}
        2 | 7 \bmod 5
    """,
    "matrices": r"""
        \begin{pmatrix}1&2\\3&4\end{pmatrix} | \begin{bmatrix}1&2\\3&4\end{bmatrix}
        \begin{pmatrix}1&2\\3&4\end{pmatrix} | \left[\begin{array}{cc}1&2\\3&4\\\end{array}\right]
        \begin{pmatrix}0.5\\2\end{pmatrix} | \begin{pmatrix}\frac12\\2\end{pmatrix}
    """,
    "functions": r"""
        \frac{\sin x}{\cos x} | \tan x
        2\sin x\cos x | \sin 2x
        \sqrt{x}\sqrt{y} | \sqrt{xy}
        \ln(ab) | \ln a+\ln b
        \log_4 8 | 3/2
        e^{\ln 5} | 5
        \frac12 | \sin 30^\circ
        \cos 36^\circ | \frac{1+\sqrt5}{4}
        \arcsin\frac12 | \frac{\pi}{6}
        \sum_{k=1}^{n} k | \frac{n(n+1)}{2}
        \frac{n!}{(n-2)!} | n(n-1)
        (-1)^{n+1} | -(-1)^n
        |x-1| | |1-x|
        \frac{x^2-1}{x-1} | x+1
        1+2i | i(2-i)
        Ce^{-2t} | ce^{-2t}
    """,
    "roundings of endless numbers": r"""
        1/3 | 0.333333333
        \frac{\sqrt{3}}{2} | 0.8660254037844386
        \frac{\sqrt{2}}{2} | 0.7071067811865476
        \pi | 3.14159265
        \frac{1}{12} | 0.083333
    """,
    "words": r"""
        \text{Evelyn} | Evelyn
        \text{yes} | Yes
        \text{east} | \text{ East }
    """,
}

DIFFERENT = {
    "numbers": r"""
        100 | 1
        50% | 0.5
        5 | 5.0000001
        1/3 | 0.33
        \frac13 | 0.333334
        \frac{1}{1000003} | 0.000001
        \frac{1}{2^{60}} | \frac{1}{2^{61}}
        10^{-30} | 2\cdot10^{-30}
        10^{-30} | 0
        e^{-100} | e^{-101}
        e^{-100} | 0
        1+10^{-20} | 1
        2^{200} | 2^{200}+1
        \sqrt2\cdot 10^{300} | \sqrt2(10^{300}+1)
        e^{\pi\sqrt{163}} | 262537412640768744
        9^{9^9} | 9^{9^9}+1
        0.\overline{45} | 0.\overline{54}
    """,
    "what is not parsed whole": r"""
        3 | 3\sqrt(2)
        10 | {10 \choose 3}
        A\subseteq B | B\subseteq A
        p\Rightarrow q | q\Rightarrow p
        1,2,3,\dots | 1,3,5,\dots
        \frac{\partial f}{\partial x} | \frac{\partial f}{\partial y}
        5 \star 3 | 5 \diamond 3
        2^{n | 2^{m
        9 | 9\bmod 5
        1+2+\cdots+n | 1+2+\cdots+2n
        \int_0^1 x\,dx | \int_0^2 x\,dx
        \vec{a}\cdot\vec{b}=0 | \vec{a}\times\vec{b}=0
        \forall x>0, f(x)=0 | f(x)=0
        \text{at least }3 | 3
        \text{Player } 3 | \text{Player } 4
        4 | \text{2 or 4}
        (a+5)(b+2) | (+5)(b+2)
    """,
    "equations": r"""
        4 | 2x=4
        16 | (x-3)^2+(y+1)^2=16
        0 | x^2-5x+6=0
        3 | |x|=3
        180 | A+B+C=180
        x<4 | 4
        y=2x+1 | y=2x-1
        x^2-y^2=4 | y^2-x^2=4
        2x>6 | 2x<6
    """,
    "names": r"""
        x=1 | y=1
        x=1,y=2 | x=2,y=1
        P(A)=\frac12 | P(B)=\frac12
        f(x)=2x | f'(x)=2x
        f(x)=2x | f^{-1}(x)=2x
        \angle A=40^\circ | \angle C=40^\circ
        \overline{AB}=3 | \overline{BC}=3
        AB | BA
    """,
    "decimal exponents": """
        2e-1 | 0.2
        3e+2 | 300
    """,
    "choices": r"""
        B | (C) 12
        (B) 12 | (B) 13
        14 | (C) 15
    """,
    "intervals": r"""
        [2,5) | (2,5)
        [5,\infty) | x > 5
        (3,4] | 3 \le x \le 4
        x > 2 | y > 2
        (1,2) | [1,2]
        (1,2)\cup(3,4) | (1,2),(3,4)
    """,
    "lists, tuples, sets": r"""
        (1,2) | (2,1)
        (1,2) | \{1,2\}
        1,1,2 | 1,2
        1,1,2 | 1,2,2
        3,4 | 3,4,5
        1,234 | (1,234)
        \{(1,2),(3,4)\} | \{(2,1),(4,3)\}
        1+\sqrt{19} | 1 \pm \sqrt{19}
        \emptyset | \{0\}
    """,
    "units": r"""
        10 cm | 10 m
        5\text{ cm} | 5\text{ cm}^2
        10\text{ km/h} | 10\text{ m/s}
        10\text{ a.m.} | 10\text{ p.m.}
        5\text{ million} | 5
        5\text{ red}, 3\text{ blue} | 3\text{ red}, 5\text{ blue}
        2\text{ ft }3\text{ in} | 3\text{ ft }2\text{ in}
    """,
    "ratios, times, bases": """
        3:4 | 4:3
        12:00 | 1:00
        5:10 | 10:20
        2516_8 | 2516_9
        37_8 | 31
    """,
    "residues": r"""
        x \equiv 3\pmod 7 | x\equiv 3\pmod 5
        x \equiv 3\pmod 7 | x\equiv 4\pmod 7
        3\pmod 7 | 3\pmod 5
    """,
    "matrices": r"""
        \begin{pmatrix}1\\2\end{pmatrix} | \begin{pmatrix}2\\1\end{pmatrix}
        \begin{pmatrix}1\\2\end{pmatrix} | \begin{pmatrix}1&2\end{pmatrix}
        \begin{vmatrix}1&2\\3&4\end{vmatrix} | \begin{pmatrix}1&2\\3&4\end{pmatrix}
        \begin{cases} x=1\\ y=2\end{cases} | \begin{cases} x=2\\ y=1\end{cases}
    """,
    "functions": r"""
        \sqrt{x^2} | x
        \sin 30 | \frac12
        \sin^2x | \sin x^2
        \binom{n}{k} | \binom{k}{n}
        2^{3x} | 2^3x
        \log_2 3 | \log_3 2
        \log 8 | \ln 8
        (-1)^n | (-1)^{n+1}
        n! | (n+1)!
        \binom{n}{2} | \binom{n}{3}
        \max(a,b) | \min(a,b)
        \mathrm{e}+1 | \mathrm{e}-1
        2^{n} | 2^{m}
        C-c | c-C
    """,
    "words": r"""
        \text{east} | \text{west}
        east | seat
        \text{May } 5 | \text{May } 6
    """,
}


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
