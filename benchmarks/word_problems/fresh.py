"""Data sets drawn anew when they are loaded, from a fixed seed: everybody draws the same problems.

``lab-hard`` has 800 problems of levels 4 and 5 of the test split, enough to see a few points. ``lab-calibration`` has
2000 of all levels of the validation split, enough for a profile whose rates are not luck. None of their computations is
in the frozen set of the same split.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.word_problems.generate import FILES, LEVELS, LabProblem, draw, load


@dataclass(frozen=True, slots=True)
class Fresh:
    """How a data set is drawn: ``count`` problems, as many of each level, apart from the frozen set of its split.

    ``sha256`` is the hash of what is drawn.
    """

    frozen: str
    levels: tuple[int, ...]
    count: int
    seed: int
    sha256: str


FRESH = {
    "lab-hard": Fresh(
        "lab-500", (4, 5), 800, 20261129, "f52f008cfe069ce62902a8bb8da0b7fba3dcc74589fba2c887c1099bc559cef3"
    ),
    "lab-calibration": Fresh(
        "lab-validation",
        tuple(LEVELS),
        2000,
        20261130,
        "c5bf4cb500d1aa36bacaa44bceccaf457b4a5c3c45580df482d53ac3f2851e4b",
    ),
}


def problems(name: str) -> Iterator[LabProblem]:
    """Draw a data set, the lowest level first; no computation is there twice or in the frozen set."""
    what = FRESH[name]
    split, _, _ = FILES[what.frozen]
    rng, seen, number = random.Random(what.seed), {problem.program for problem in load(what.frozen)}, 0
    for level in what.levels:
        low, high = LEVELS[level]
        for k in range(what.count // len(what.levels)):
            while (found := draw(rng, low + k % (high - low + 1), split, f"{name}-{number:03d}")).program in seen:
                pass
            seen.add(found.program)
            number += 1
            yield found
