"""The solution that is most like the others: what is shown where nothing votes and nothing scores."""

from __future__ import annotations

from collections.abc import Sequence

_MOST = 64
"""Texts that are compared; the comparisons grow with the square."""

_TAIL = 4000
"""Characters of a text that are compared."""


def medoid(texts: Sequence[str]) -> int:
    """Return the index of the text with the greatest mean likeness to the others, the first among equals.

    The likeness of two texts is the Jaccard index of their sets of words.

    Args:
        texts: one at least; of many, the first 64 are compared.
    """
    words = [frozenset(text[-_TAIL:].lower().split()) for text in texts[:_MOST]]
    return max(range(len(words)), key=lambda k: (sum(_alike(words[k], other) for other in words), -k))


def _alike(one: frozenset[str], other: frozenset[str]) -> float:
    return len(one & other) / len(one | other) if one or other else 1.0
