"""Stories and everyday problems in one stream, as the policies learn them."""

from __future__ import annotations

import random
from collections.abc import Iterator

from benchmarks.word_problems import generate
from benchmarks.word_problems.everyday import draw
from benchmarks.word_problems.generate import LabProblem


def stream(
    seed: int, levels: tuple[float, ...] = (1, 1, 1, 1, 1), split: str = "train", everyday: float = 0.0
) -> Iterator[LabProblem]:
    """Yield problems without end, a share `everyday` of them everyday problems. The seed determines them.

    `levels` are the weights of the levels 1 to 5 of the stories. With a share of 0 these are the stories of
    `generate.stream` for the same seed.
    """
    rng = random.Random(seed)
    stories, others = generate.stream(seed, levels, split), draw.stream(seed, split)
    while True:
        yield next(others if rng.random() < everyday else stories)
