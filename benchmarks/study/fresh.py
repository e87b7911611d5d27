"""``lab-hard``: problems of levels 4 and 5 of the test split that are not in lab-500, enough to see a few points.

Their seed is fixed, so everybody draws the same ones.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import asdict

from benchmarks.datasets.dataset import DataSet, digest
from benchmarks.datasets.items import item_of
from benchmarks.word_problems.generate import LEVELS, LabProblem, draw, load

NAME = "lab-hard"
COUNT = 800
_SEED = 20261129
_LEVELS = (4, 5)


def lab_hard() -> DataSet:
    """Draw ``COUNT`` problems, half of each level; no computation is there twice or in lab-500."""
    items = tuple(item_of(asdict(problem), "") for problem in problems())
    return DataSet(NAME, "drawn anew", items, len(items), digest(items))


def problems() -> Iterator[LabProblem]:
    """Draw the problems, level 4 first."""
    rng, seen, number = random.Random(_SEED), {problem.program for problem in load("lab-500")}, 0
    for level in _LEVELS:
        low, high = LEVELS[level]
        for k in range(COUNT // len(_LEVELS)):
            while (found := draw(rng, low + k % (high - low + 1), "test", f"{NAME}-{number:03d}")).program in seen:
                pass
            seen.add(found.program)
            number += 1
            yield found
