"""Recordings whose rows are mixed up, and sound ones of many short problems that look like it."""

from __future__ import annotations

import random
from dataclasses import replace

from benchmarks.recordings.mixup import MOST, fit_of, warning
from tts.records.outcomes import Outcome
from tts.types import Candidate, Finish, Plan

NAMES = ("Ann", "Bob", "Cleo", "Dan")


def sums(count: int) -> list[Outcome]:
    """Short sums; their solutions repeat numbers that many problems have, and no word. Nine of ten are right."""
    rng, found = random.Random(0), list[Outcome]()
    for k in range(count):
        a, b = rng.randrange(20, 60), rng.randrange(1, 20)
        problem = f"{rng.choice(NAMES)} had {a} apples and ate {b}. How many are left?"
        answer = str(a - b if rng.random() < 0.9 else a + b)
        solution = Candidate("/0", (f"{a - 1} - {b - 1} = {answer}\n\n", f"\\boxed{{{answer}}}"), Finish.STOP, answer)
        found.append(Outcome(f"q{k}", problem, str(a - b), Plan("best-of-n", n=1), (solution,)))
    return found


def test_short_problems_that_resemble_each_other_are_sound_where_their_answers_are_right() -> None:
    found = sums(400)
    assert fit_of(found).share > MOST, "their numbers alone do not tell them apart"
    assert warning(found) is None


def test_the_same_solutions_dealt_to_other_problems_are_noticed() -> None:
    found = sums(400)
    turned = [replace(each, candidates=found[k - 1].candidates) for k, each in enumerate(found)]
    assert "do not belong to their problems" in (warning(turned) or "")
