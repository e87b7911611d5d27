"""Pairs of answers that are the same, and pairs that differ, by kind: ``a | b`` a line.

The pairs are our own; each value follows from the arithmetic in it or from a convention of docs/GRADING.md.
"""

# ruff: noqa: RUF001  (characters that look like others are among the inputs)
from __future__ import annotations

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
