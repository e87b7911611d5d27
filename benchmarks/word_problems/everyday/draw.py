"""Everyday problems with worked solutions, drawn from the forms: a seed decides everything.

    How many legs do 6 spiders have?

    Multiply 6 by 8: 6*8=48.

    The answer is \\boxed{48}.

The split of a problem is decided by a hash of its form and its computation, so no form has the same numbers in two splits. One wording
of each form is kept for the test split.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterator
from functools import cache

from benchmarks.word_problems.arithmetic import evaluate, lead
from benchmarks.word_problems.everyday import bare, change, compare, equal_groups, facts, measure, money, parts, time
from benchmarks.word_problems.everyday.form import Form, Row, draw_numbers, split_step
from benchmarks.word_problems.everyday.realize import render
from benchmarks.word_problems.generate import LabProblem, level_of
from benchmarks.word_problems.grammar import FRACTIONS

FORMS: tuple[Form, ...] = tuple(
    form
    for family in (change, compare, parts, equal_groups, money, time, measure, facts, bare)
    for form in family.FORMS
)
LARGEST = 99_999
RESERVED_OF = 5  # wordings, of which one can be set apart: a scope is fitted to wordings that it does not know
Choice = Callable[[Form, str], tuple[str, ...]]
"""The wordings of a form that may be drawn in a split."""
_FAMILY_WEIGHTS = {"bare": 0.7}


@cache
def _weights() -> tuple[float, ...]:
    return tuple(form.weight * _FAMILY_WEIGHTS.get(form.family, 1.0) for form in FORMS)


def split_of(form: Form, program: tuple[str, ...]) -> str:
    """Return "test", "validation" or "train": a hash of the form and the computation decides."""
    if not program:
        return "train"  # a fact alone: there is nothing to hold out
    part = int.from_bytes(hashlib.sha256("|".join((form.name, *program)).encode()).digest()[:4], "big") % 100
    return "test" if part < 3 else "validation" if part < 8 else "train"


def wordings(form: Form, split: str) -> tuple[str, ...]:
    """Return the wordings of a split: the last of three or more is for the test split only, which has all."""
    return form.wordings[:-1] if len(form.wordings) > 2 and split != "test" else form.wordings


def without_reserved(form: Form, split: str) -> tuple[str, ...]:
    """Return the wordings of a split without the reserved one: the last but one of five or more."""
    return form.wordings[:-2] if len(form.wordings) >= RESERVED_OF else wordings(form, split)


def only_reserved(form: Form, split: str) -> tuple[str, ...]:
    """Return the reserved wording alone; none where a form has too few."""
    return form.wordings[-2:-1] if len(form.wordings) >= RESERVED_OF else ()


def work(form: Form, numbers: dict[str, int]) -> tuple[tuple[str, ...], list[str], int] | None:
    """Work a form out: its computation, the worked steps and the answer; None if a value is not a number from 0 to `LARGEST`."""
    program, lines, results = list[str](), list[str](), list[int]()
    parsed = [split_step(step) for step in form.steps]
    for i, (left, op, right) in enumerate(parsed):
        refs = tuple(x if x.startswith("#") or x.isdigit() else str(numbers[x]) for x in (left, right))
        a, b = (results[int(x[1:])] if x[0] == "#" else int(x) for x in refs)
        result = evaluate(a, op[0], b)
        if not 0 <= result <= LARGEST:
            return None
        program.append(f"{refs[0]}{op[0]}{refs[1]}")
        lines.append(f"{_lead(parsed, i, a, b)}: {a}{op[0]}{b}={result}.")
        results.append(result)
    return tuple(program), lines, results[-1] if results else numbers[form.answer]


def _lead(steps: list[tuple[str, str, str]], i: int, a: int, b: int) -> str:
    """Return the words that open step i: those of the stories where they have such a step."""
    left, op, right = steps[i]
    given = not left.startswith("#")
    if i and op == "+" and given and left == steps[i - 1][0] and right == f"#{i - 1}":
        return "Together"
    if i == 0 and len(steps) > 1 and steps[1] == (left, "+", "#0"):
        return f"The other has {lead(op[0], b).lower()}"
    if op == "//":
        return FRACTIONS[b].capitalize()
    if op == "*" and given and not right.startswith("#"):
        return f"Multiply {a} by {b}"
    if op == "-" and given and right.startswith("#") and steps[i - 1][1] != "//":
        return f"From {a}"
    return lead(op[0], b)


def attempt(rng: random.Random, split: str, form: Form, among: Choice = wordings) -> LabProblem | None:
    """Draw once from a form, one of the wordings ``among``; None if the numbers do not fit or belong to another split.

    The id begins with the form's name.
    """
    row: Row = rng.choice(form.rows) if form.rows else {}
    numbers = draw_numbers(rng, form.numbers, row)
    worked = work(form, numbers) if numbers is not None else None
    if numbers is None or worked is None or split_of(form, worked[0]) != split:
        return None
    program, lines, answer = worked
    text = render(rng, form, rng.choice(among(form, split)), numbers, row)
    solution = "\n\n".join([*lines, f"The answer is \\boxed{{{answer}}}."])
    name, steps = f"{form.name}-{rng.getrandbits(32):08x}", len(program)
    return LabProblem(name, text, str(answer), level_of(steps), steps, solution, program, split)


def draw(rng: random.Random, split: str, among: Choice = wordings) -> LabProblem:
    """Draw a problem of a split."""
    while True:
        form = rng.choices(FORMS, _weights())[0]
        if among(form, split) and (problem := attempt(rng, split, form, among)) is not None:
            return problem


def stream(seed: int, split: str = "train", among: Choice = wordings) -> Iterator[LabProblem]:
    """Yield everyday problems without end, in the wordings ``among``; the seed determines them."""
    rng = random.Random(seed)
    while True:
        yield draw(rng, split, among)
