"""The frozen sets of everyday problems: `lab-everyday`, the test split, and `lab-everyday-validation`."""

from __future__ import annotations

import itertools
import random
from dataclasses import replace

from benchmarks.word_problems.everyday.draw import FORMS, attempt
from benchmarks.word_problems.generate import LabProblem

FILES = {"lab-everyday": ("test", 500, 20260303), "lab-everyday-validation": ("validation", 500, 20260404)}
# The bytes of the two frozen sets; a test draws them again and compares.
SHA256 = {
    "lab-everyday": "6048af9d8268638429270971c6e2586eb18072dbdd6f80f9691dbf05cfc0a981",
    "lab-everyday-validation": "b5b62a44299b1805d46b3866cf18480e374f76b56168641f180a42fbd1b502f4",
}
TRIES = 600  # draws after which a form has no further problem in a split: some have few numbers


def frozen(name: str) -> list[LabProblem]:
    """Draw `lab-everyday` or `lab-everyday-validation` again: a problem of every form in turn, no text twice."""
    split, count, seed = FILES[name]
    rng, problems = random.Random(seed), dict[str, LabProblem]()
    for form in itertools.cycle(FORMS):
        drawn = (attempt(rng, split, form) for _ in range(TRIES))
        found = next((p for p in drawn if p is not None and p.problem not in problems), None)
        if found is not None:
            problems[found.problem] = replace(found, id=f"{name}-{len(problems):03d}")
        if len(problems) == count:
            break
    return list(problems.values())
