r"""Automatic extraction: how an answer is found without a box, and which candidates vote."""

# ruff: noqa: RUF001  (colons of other scripts)
from __future__ import annotations

import gzip
import json
import time
from dataclasses import dataclass
from typing import Any

import pytest

from tests.replay.recorded import SHARED
from tests.toy import SHAPE
from tts import solve
from tts.answers.equivalence import equivalent
from tts.answers.finding import Found, How, auto, strongest
from tts.protocols import Completion, Policy, Request
from tts.types import Finish, Problem, Step


@pytest.mark.parametrize(
    ("text", "answer", "how"),
    [
        (r"So 2 + 2 = 4, \boxed{4}. The answer is 5.", "4", How.BOXED),
        ("First 3, then 4.\nThe final answer is 12 apples.", "12", How.STATED),
        ("Work.\nAnswer: 7", "7", How.STATED),
        ("Work 1, 2, 3.\n#### 42", "42", How.STATED),
        ("He has 3.\n**Final Answer:** 1,234", "1,234", How.STATED),
        ("Some steps with 9.\n**17**", "17", How.STATED),
        ('{"reasoning": "2 * 4", "answer": 8}', "8", How.STATED),
        ("Donc on a 12.\nLa réponse est 15.", "15", How.STATED),
        ("Die Antwort lautet 31.", "31", How.STATED),
        ("Por lo tanto, la respuesta final es: 6", "6", How.STATED),
        ("所以答案是 48。", "48", How.STATED),
        ("答え：9", "9", How.STATED),
        ("정답은 11", "11", How.STATED),
        ("Итак, ответ: 5", "5", How.STATED),
        ("The answer is Paris.", "Paris", How.STATED),
        ("The correct answer is (B).", "B", How.STATED),
        (r"#### \frac{x}{7} + \frac{2}{7}", r"\frac{x}{7} + \frac{2}{7}", How.STATED),
        ("Answer: [0, 1)", "[0, 1)", How.STATED),
        ("The answer is -x > -1.", "-x > -1", How.STATED),
        ("Answer: 1, 2", "1, 2", How.STATED),
        ("The answer is (35 + 70 = 105).", "105", How.STATED),
        ("Answer: 12:30", "12:30", How.STATED),
        ("Hence\n\\begin{equation*}\n\\cfrac13\n\\end{equation*}", r"\cfrac13", How.LAST),
        ("\\begin{align}x &= 1 + 2 \\\\ &= 3.\\end{align}", "= 3", How.LAST),
        ("She buys 3 and eats 1. So she has 2 left.", "2", How.LAST),
        ("Each costs $4.50. In total that is $13.50.", "13.50", How.LAST),
        ("It takes 3 days. That is all.", "3", How.LAST),
    ],
)
def test_an_answer_is_found_in_the_strongest_way_a_text_allows(text: str, answer: str, how: How) -> None:
    assert auto(text) == Found(answer, how)


@pytest.mark.parametrize("text", ["", "I do not know.", "Let us think step by step."])
def test_a_text_without_an_answer_has_none(text: str) -> None:
    assert auto(text) is None


@pytest.mark.parametrize("piece", ["answer: ", "**", '{"answer": ', "答案是", r"\boxed{", "1. ", "(answer is "])
def test_a_megabyte_of_anything_is_read_in_a_moment(piece: str) -> None:
    start = time.process_time()
    auto(piece * (10**6 // len(piece)))
    assert time.process_time() - start < 5


def test_the_strongest_find_is_a_box_before_a_statement_before_a_quantity() -> None:
    assert strongest([How.LAST, How.STATED, None]) is How.STATED
    assert strongest([How.LAST, How.BOXED]) is How.BOXED
    assert strongest([None]) is None


@dataclass(eq=False)
class Says(Policy):
    """Writes one of its texts for each sample, in turn."""

    texts: tuple[str, ...]
    name = "says"
    shape = SHAPE
    context = 1000

    def prompt(self, problem: Problem) -> Step:
        return Step(problem.text, tuple(map(ord, problem.text)))

    async def generate(self, request: Request) -> Completion:
        text = self.texts[int(request.key.rpartition("/")[2]) % len(self.texts)]
        return Completion((Step(text, (*map(ord, text), 0)),), Finish.STOP)


def ask(*texts: str, **settings: Any) -> Any:
    return solve("how many", policy=Says(texts), prm=None, strategy="majority", budget=len(texts), **settings)


def test_weaker_finds_vote_only_where_no_candidate_has_a_stronger_one() -> None:
    solution = ask("So 9.", "So 9.", "So 9.", r"\boxed{4}")
    assert (solution.answer, solution.confidence) == ("4", 1.0)
    assert [c.found for c in solution.candidates] == ["last quantity"] * 3 + ["boxed"]
    assert solution.warnings == ("3 solutions without a boxed answer did not vote.",)
    assert ask("So 9.", r"\boxed{4}").warnings == ("1 solution without a boxed answer did not vote.",)


def test_where_all_finds_are_weak_the_solution_says_so() -> None:
    solution = ask("So 9.", "I get 9.", "It is 8.")
    assert solution.answer == "9"
    assert solution.warnings == ("No solution states its answer: the last quantity of each was taken for it.",)


def test_the_standings_list_every_answer_the_winner_first() -> None:
    solution = ask(*[r"\boxed{1}"] * 3, *[r"\boxed{2}"] * 2, r"\boxed{3}")
    assert [(s.answer, round(s.share, 3), s.count) for s in solution.votes] == [
        ("1", 0.5, 3),
        ("2", 0.333, 2),
        ("3", 0.167, 1),
    ]


def test_boxed_alone_finds_nothing_in_words() -> None:
    solution = ask("The answer is 9.", extract="boxed")
    assert (solution.answer, solution.votes) == (None, ())


FOUR_MODELS = SHARED / "data" / "recorded" / "gsm8k_openai_4models" / "example_model_solutions.jsonl.gz"


@pytest.mark.slow
@pytest.mark.skipif(not FOUR_MODELS.is_file(), reason="the recorded solutions of GSM8K are not here")
def test_auto_agrees_with_every_recorded_verdict_on_solutions_that_box_nothing() -> None:
    with gzip.open(FOUR_MODELS, "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    wrong = [
        (row["answer"], sample["text"])
        for row in rows
        for sample in row["samples"]
        if ((found := auto(sample["text"])) is not None and equivalent(found.answer, row["answer"]))
        != sample["recorded_correct"]
    ]
    assert wrong == []
