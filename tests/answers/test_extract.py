"""Extraction of answers from texts without a box."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

import pytest

from tests.toy import ToyPolicy, step
from tts import Solver
from tts.answers.extract import last_number
from tts.errors import UnknownName
from tts.protocols import Completion, Request
from tts.types import Finish


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        (r"so \boxed{3}, and 4 are left", "3"),  # a box counts before all else
        (r"\(\boxed{1}\) and \(\boxed{-2}\).", "1, -2"),
        (r"$\boxed{k = 45} \quad \text{and} \quad \boxed{n = 2}$", "k = 45, n = 2"),
        (r"first \boxed{1}. That was wrong, it is \boxed{2}", "2"),  # words between them: not one answer
        (r"\boxed{\boxed{5}}", r"\boxed{5}"),
        ("The answer is $x+1$. I hope it is correct.", "x+1"),
        ("The answer is 12,000,023. Is 7 right too?", "12,000,023"),
        ("Final answer: the largest number of points of $f(x)$ is 19.", "19"),
        ("The answer is 5 apples, which are $2+3$", "5"),
        ("$21,16$ or $11$", "21,16, 11"),
        ("so $t = 3 + 5$, and she began 3 hours ago.", "3"),
        (r"Thus \[ x \geq 5 \] is all there is", r"x \geq 5"),
        ("1 000", "1 000"),
        ("1000,99", "1000.99"),
        ("2,74 $", "2.74"),
        ("it costs $1,000.99", "1,000.99"),
        (".4", ".4"),
        ("-5", "-5"),
        ("no number at all", None),
        ("So the profit is $9{,}500.", "9,500"),
        ("It is \N{MINUS SIGN}7.", "-7"),
        ("It is 1e5.", "1e5"),
        ("It is 2^10", "2^10"),
        (r"So x = -\frac{10}{9}.", r"-\frac{10}{9}"),
        (r"the side is 3\sqrt{2}", r"3\sqrt{2}"),
        ("The answer is B because 3+4=7", "B"),
        ("Answer: (C) Paris", "C"),
        ("It cannot be A, so I choose D", "D"),
        ("La réponse est C, non A", "C"),
        ("\u7b54\u6848\u662fD", "D"),
        ("The answer is A man with a hat", None),
        (r"so \boxed{3}, as \boxed{} asks", "3"),
        ("", None),
    ],
)
def test_the_end_of_a_text_is_read(text: str, answer: str | None) -> None:
    assert last_number(text) == answer


@pytest.mark.parametrize("piece", ["$", "{", r"\boxed{", r"\(", "1,", "answer is ", r"\boxed{1} and ", "and "])
def test_a_megabyte_of_anything_is_read_in_a_moment(piece: str) -> None:
    start = time.process_time()
    last_number(piece * (10**6 // len(piece)))
    assert time.process_time() - start < 5


@dataclass(eq=False)
class Plain(ToyPolicy):
    """Ends in a number and never boxes it."""

    async def generate(self, request: Request) -> Completion:
        return Completion((step("It is 3 and 4 make 7.", ending=True),), Finish.STOP)


def test_a_rule_is_chosen_by_name_and_recorded_in_the_trace() -> None:
    settings = {"prm": None, "strategy": "majority", "budget": 2}
    assert asyncio.run(Solver(Plain(), extract="boxed", **settings).solve("How much?")).answer is None  # type: ignore[arg-type]
    solution = asyncio.run(Solver(Plain(), extract="last-number", **settings).solve("How much?"))  # type: ignore[arg-type]
    assert solution.answer == "7"
    assert solution.plan.extract == "last-number"
    assert asyncio.run(Solver.replay(solution.trace).solve("How much?")).answer == "7"
    with pytest.raises(UnknownName, match="did you mean 'last-number'"):
        Solver(Plain(), extract="last_numbr", **settings)  # type: ignore[arg-type]
