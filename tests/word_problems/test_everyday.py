"""Everyday problems: every form is right, worded with its numbers, and drawn; the frozen sets share nothing."""

from __future__ import annotations

import hashlib
import itertools
import random
import re
from collections import Counter

import pytest

from benchmarks.word_problems.arithmetic import evaluate
from benchmarks.word_problems.everyday import words
from benchmarks.word_problems.everyday.draw import FORMS, attempt, split_of, stream, wordings, work
from benchmarks.word_problems.everyday.form import Form, draw_numbers, split_step
from benchmarks.word_problems.everyday.frozen import FILES, SHA256, frozen
from benchmarks.word_problems.everyday.realize import render
from benchmarks.word_problems.generate import DATA, LabProblem, check_steps, load, to_jsonl

NUMBERS = {word: n for n, word in words.NUMBER_WORDS.items()} | {text: n for n, text in words.TIMES.items()}
# A quotient and a remainder are not given: they are found.
FOUND = {"parts.left_over": {"q"}, "parts.full_groups": {"r"}}


def drawn(form: Form, count: int, split: str = "train", seed: int = 0) -> list[LabProblem]:
    rng = random.Random(seed)
    return [p for _ in range(count) if (p := attempt(rng, split, form)) is not None]


def numbers_in(text: str) -> set[int]:
    digits = {int(n.replace(",", "")) for n in re.findall(r"\d[\d,]*(?<!,)", text)}
    return digits | {n for word, n in NUMBERS.items() if re.search(rf"\b{word}\b", text.lower())}


def test_there_are_at_least_eighty_forms_with_several_wordings_and_names_of_their_own() -> None:
    assert len({form.name for form in FORMS}) == len(FORMS) >= 80
    assert sum(len(form.wordings) for form in FORMS) >= 5 * len(FORMS)
    assert all(len(form.wordings) >= 2 for form in FORMS)
    assert {form.family for form in FORMS} == {
        "change", "compare", "parts", "equal_groups", "money", "time", "measure", "facts", "bare",
    }  # fmt: skip


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)
def test_every_form_is_drawn_and_every_worked_solution_is_right(form: Form) -> None:
    problems = drawn(form, 60)
    assert problems
    for p in problems:
        assert check_steps(p, p.solution) == [True] * (p.steps + 1)
        for a, op, b, c in re.findall(r"(\d+)([-+*/])(\d+)=(\d+)\.", p.solution):
            assert evaluate(int(a), op, int(b)) == int(c) >= 0
        assert p.solution.endswith(f"\\boxed{{{p.answer}}}.")
        assert p.answer.isdigit()
        assert not re.search(r"[{}<>|\[\]]|  ", p.problem)


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)
def test_every_wording_holds_the_numbers_that_its_steps_need(form: Form) -> None:
    rng = random.Random(1)
    given = {x for step in form.steps for x in split_step(step)[::2] if x[0] != "#" and not x.isdigit()}
    given -= {key for row in form.rows for key in row} | FOUND.get(form.name, set())
    for wording in form.wordings:
        row = rng.choice(form.rows) if form.rows else {}
        while (numbers := draw_numbers(rng, form.numbers, row)) is None or work(form, numbers) is None:
            row = rng.choice(form.rows) if form.rows else {}
        text = render(rng, form, wording, numbers, row)
        assert {numbers[name] for name in given} <= numbers_in(text), (wording, text)


def test_a_solution_is_worded_as_the_stories_word_theirs() -> None:
    def solved(steps: tuple[str, ...], **numbers: int) -> list[str]:
        worked = work(Form("x.x", "", steps, ()), numbers)
        assert worked is not None
        return worked[1]

    assert solved(("a*b", "c-#0"), a=3, b=5, c=20) == ["Multiply 3 by 5: 3*5=15.", "From 20: 20-15=5."]
    assert solved(("a**k", "a+#0"), a=9, k=2) == ["The other has double it: 9*2=18.", "Together: 9+18=27."]
    assert solved(("n//k", "n-#0"), n=20, k=4) == ["A quarter: 20/4=5.", "Take away 5: 20-5=15."]
    assert solved(("a*b", "c*d", "#0+#1"), a=2, b=3, c=4, d=5)[-1] == "Add 20: 6+20=26."


def test_a_negative_difference_and_an_inexact_quotient_are_not_drawn() -> None:
    assert work(Form("x.x", "", ("a-b",), ()), {"a": 2, "b": 3}) is None
    assert work(Form("x.x", "", ("a/b",), ()), {"a": 7, "b": 2}) is None


def test_numbers_keep_their_ranges_and_conditions() -> None:
    rng = random.Random(2)
    found = [draw_numbers(rng, "k:2-5 q~50 n=k*q m~9 n>m", {"c": 7}) for _ in range(300)]
    kept = [values for values in found if values is not None]
    assert 0 < len(kept) < 300
    for values in kept:
        assert 2 <= values["k"] <= 5
        assert values["n"] == values["k"] * values["q"] <= 250
        assert values["n"] > values["m"]
        assert values["c"] == 7


def test_a_seed_decides_the_stream_and_the_stream_keeps_its_split() -> None:
    first = list(itertools.islice(stream(3), 60))
    assert first == list(itertools.islice(stream(3), 60))
    assert first != list(itertools.islice(stream(4), 60))
    names = {form.name: form for form in FORMS}
    for split in ("train", "validation", "test"):
        for p in itertools.islice(stream(8, split), 60):
            assert split_of(names[p.id.rpartition("-")[0]], p.program) == split


def test_one_wording_of_a_form_is_for_the_test_split_only() -> None:
    form = next(form for form in FORMS if form.name == "equal_groups.total")
    kept = form.wordings[-1]
    assert kept not in wordings(form, "train") + wordings(form, "validation")
    assert kept in wordings(form, "test")


@pytest.mark.parametrize("name", list(FILES))
def test_the_frozen_sets_are_drawn_again_byte_for_byte(name: str) -> None:
    data = to_jsonl(frozen(name))
    assert hashlib.sha256(data).hexdigest() == SHA256[name]
    assert (DATA / f"{name}.jsonl").read_bytes() == data


def test_the_frozen_sets_share_no_text_with_each_other_or_with_training() -> None:
    test, validation = load("lab-everyday"), load("lab-everyday-validation")
    texts = {p.problem for p in test}
    assert len(texts) == len({p.problem for p in validation}) == 500
    assert not texts & {p.problem for p in validation}
    assert not (texts | {p.problem for p in validation}) & {p.problem for p in itertools.islice(stream(0), 3000)}
    assert {p.steps for p in test} == {1, 2, 3}


def test_most_problems_have_no_sentence_that_is_not_needed_and_some_do() -> None:
    form = next(form for form in FORMS if form.name == "money.change_times")
    sentences = Counter(len(re.findall(r"[.?!](?= |$)", p.problem)) for p in drawn(form, 600))
    assert sentences.most_common(1)[0][0] <= 3
    assert sentences[4] > 0
