"""Two kinds of problems and arms that are good at one kind each, for the tests of routing."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from tts.routing.outcomes import ArmOutcomes

SUMS = [f"What is {a} plus {b} in total?" for a in range(2, 12) for b in range(3, 7)]
WORDS = [
    f"Spell the word {word} backwards, letter {k}." for word in "apple river stone cloud".split() for k in range(10)
]
ARMS = ("adder", "speller", "generalist")


def outcomes(texts: Sequence[str] = (*SUMS, *WORDS), arms: Sequence[str] = ARMS) -> ArmOutcomes:
    """The adder is right on sums, the speller on words, the generalist on every second problem, at a tenth the cost."""
    right = {
        "adder": [float(text.startswith("What")) for text in texts],
        "speller": [float(text.startswith("Spell")) for text in texts],
        "generalist": [float(k % 2) for k in range(len(texts))],
    }
    quality = np.array([right[name] for name in arms]).T
    cost = np.array([[0.001 if name == "generalist" else 0.01 for name in arms]] * len(texts))
    groups = tuple("sums" if text.startswith("What") else "words" for text in texts)
    return ArmOutcomes(tuple(texts), tuple(arms), groups, quality, cost, 100 * cost)


class HashEmbedder:
    """Counts hashed words: an embedder that needs no library. ``calls`` are the texts it was asked for."""

    name = "hashed words"

    def __init__(self, dimension: int = 64) -> None:
        self.dimension = dimension
        self.calls: list[str] = []

    async def embed(self, texts: Sequence[str]) -> np.ndarray:
        self.calls += texts
        vectors = np.zeros((len(texts), self.dimension), dtype=np.float32)
        for row, text in zip(vectors, texts, strict=True):
            for word in text.split():
                row[hashlib.sha256(word.encode()).digest()[0] % self.dimension] += 1
        return vectors
