"""Text of a problem compared with the problems that a policy was trained or measured on; no model takes part.

A reference keeps the words, and hashes of the pairs and triples of neighbouring tokens: a Bloom filter with one hash.
"""

from __future__ import annotations

import math
import re
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

TEXT_FEATURES = ("unknown", "pairs", "triples", "length", "long", "numbers", "none", "large", "symbols")
"""Features of a problem's text."""

NUMBER, DECIMAL = "#", "#.#"
_TOKEN = re.compile(r"\d[\d,]*\.\d+|\d+(?:,\d{3})*|[^\W\d_]+|[^\w\s]")


@dataclass(frozen=True, slots=True)
class Reference:
    """The texts that a problem is compared with.

    Attributes:
        words: every word and symbol of them, in lower case.
        neighbours: the filter of pairs and triples; its bits are a power of two.
        longest: the 99th percentile of their tokens.
        largest: their largest number.
    """

    words: frozenset[str]
    neighbours: bytes
    longest: int
    largest: int

    @classmethod
    def of(cls, texts: Sequence[str], bits: int = 1 << 17) -> Reference:
        """Build the reference of texts, at least one."""
        read = [tokens(text) for text in texts]
        filled = bytearray(bits // 8)
        for row in read:
            for group in (*_groups(row, 2), *_groups(row, 3)):
                at = _hash(group) % bits
                filled[at // 8] |= 1 << at % 8
        lengths = sorted(len(row) for row in read)
        largest = max((number for text in texts for number in numbers(text)), default=0)
        longest = lengths[min(len(lengths) - 1, int(0.99 * len(lengths)))]
        return cls(frozenset(token for row in read for token in row), bytes(filled), max(1, longest), int(largest))

    def features(self, text: str) -> dict[str, float]:
        """Compute the features of a text by name.

        ``unknown``: share of its words that the reference lacks; a word counts once. ``pairs``, ``triples``: share of
        the neighbouring tokens, all of known words, that are new. ``length``: log of its tokens. ``long``: log of
        how many times longer than the reference it is, at least 0. ``numbers``: log of one plus their count, ``none`` 1
        if there are none. ``large``: decimal digits by which a number exceeds the reference. ``symbols``: share of
        tokens that are unknown and no word.
        """
        row, found = tokens(text), numbers(text)
        words = {token for token in row if token.isalpha()}
        symbols = sum(not token.isalpha() and token not in self.words for token in row)
        return {
            "unknown": len(words - self.words) / max(1, len(words)),
            "pairs": self._new(row, 2),
            "triples": self._new(row, 3),
            "length": math.log(max(1, len(row))),
            "long": max(0.0, math.log(max(1, len(row)) / self.longest)),
            "numbers": math.log(1 + len(found)),
            "none": float(not found),
            "large": max(0.0, math.log10(max(1.0, *found, 1.0) / max(1, self.largest))),
            "symbols": symbols / max(1, len(row)),
        }

    def reasons(self, text: str) -> tuple[str, ...]:
        """Say in sentences what is unlike the reference; empty where nothing stands out."""
        row, found = tokens(text), self.features(text)
        strange = list(dict.fromkeys(token for token in row if token.isalpha() and token not in self.words))
        said = []
        if found["unknown"] > _SHARE:
            said.append("words that are new to it: " + ", ".join(strange[:6]))
        if found["symbols"]:
            new = dict.fromkeys(t for t in row if not t.isalpha() and t not in self.words)
            said.append("symbols that are new to it: " + " ".join(list(new)[:6]).replace(DECIMAL, "decimals"))
        if found["large"]:
            said.append(f"a number above {self.largest:,}")
        if found["none"]:
            said.append("no number in digits")
        if found["long"]:
            said.append("a long text")
        if found["triples"] > _WORDING and not said:
            said.append("an unusual wording")
        return tuple(said)

    def _new(self, row: Sequence[str], size: int) -> float:
        bits = 8 * len(self.neighbours)
        groups = [group for group in _groups(row, size) if all(token in self.words for token in group if token)]
        places = [_hash(group) % bits for group in groups]
        new = sum(not self.neighbours[at // 8] >> at % 8 & 1 for at in places)
        return new / max(1, len(places))


_SHARE, _WORDING = 0.15, 0.4


def tokens(text: str) -> list[str]:
    """Split a text into words in lower case, symbols, and numbers, which are all alike."""
    return [_plain(token) for token in _TOKEN.findall(text)]


def numbers(text: str) -> list[float]:
    """Return the numbers of a text that are written in digits, the longest ones as infinity would be: 1e300."""
    found = [token.replace(",", "") for token in _TOKEN.findall(text) if token[0].isdecimal()]
    return [min(1e300, float(token)) if len(token) < _DIGITS else 1e300 for token in found]


_DIGITS = 300


def _plain(token: str) -> str:
    if token[0].isdecimal():
        return DECIMAL if "." in token else NUMBER
    return token.lower()


def _groups(row: Sequence[str], size: int) -> Iterator[tuple[str, ...]]:
    """Yield neighbouring tokens, with an empty one before the first and after the last."""
    padded: Iterable[str] = ("", *row, "")
    if size == 2:
        yield from pairwise(padded)
    else:
        both = list(pairwise(padded))
        yield from ((a, b, c) for (a, b), (_, c) in pairwise(both))


def _hash(group: tuple[str, ...]) -> int:
    return zlib.crc32("\0".join(group).encode())
