"""Looser wordings keep the numbers and what is asked."""

from __future__ import annotations

import itertools
import random
import re

from benchmarks.word_problems.everyday import words
from benchmarks.word_problems.everyday.draw import FORMS, only_reserved, stream, without_reserved, wordings
from benchmarks.word_problems.everyday.rephrase import rephrase

PROBLEMS = list(itertools.islice(stream(71), 600))


def test_a_looser_wording_has_the_same_numbers_in_the_same_order() -> None:
    rng, changed = random.Random(0), 0
    for problem in PROBLEMS:
        loose = rephrase(rng, problem.problem)
        assert re.findall(r"\d+", loose) == re.findall(r"\d+", problem.problem)
        changed += loose != problem.problem
    assert changed > 200


def test_only_the_one_person_of_a_problem_loses_the_name() -> None:
    rng, names = random.Random(1), {*words.WOMEN, *words.MEN}
    for problem in PROBLEMS:
        before = {word for word in re.findall(r"\w+", problem.problem) if word in names}
        after = {word for word in re.findall(r"\w+", rephrase(rng, problem.problem)) if word in names}
        assert after == before or (len(before) == 1 and not after)


def test_equal_seeds_give_equal_wordings_and_no_share_changes_nothing() -> None:
    one, two = random.Random(2), random.Random(2)
    assert [rephrase(one, p.problem) for p in PROBLEMS] == [rephrase(two, p.problem) for p in PROBLEMS]
    assert [rephrase(one, p.problem, 0.0) for p in PROBLEMS] == [p.problem for p in PROBLEMS]


def test_a_reserved_wording_is_apart_from_those_that_a_scope_knows_and_from_the_test_wording() -> None:
    kept = [form for form in FORMS if only_reserved(form, "validation")]
    assert len(kept) > 80
    for form in kept:
        (reserved,) = only_reserved(form, "validation")
        assert reserved in wordings(form, "train")
        assert {reserved, form.wordings[-1]}.isdisjoint(without_reserved(form, "train"))
