"""Made-up tools that change one thing into another, each known from its description alone."""

from __future__ import annotations

import random
from dataclasses import dataclass

from benchmarks.orchestra.words import WORDS

_SIMPLE = "{name}({argument}): Changes {source} into {target}. Price: none."
_MANY = "{name}({argument}, {unit}): Changes {source} into {target} for so many {unit}. Price: none."
_HELD_OUT = ("coins", "tokens")
"""What the held-out tool changes, and into what: no tool of the training does that, though some have its name."""


@dataclass(frozen=True, slots=True)
class Converter:
    """A made-up tool, and others that are offered with it and look like it.

    Attributes:
        lines: of all of them, as the chat template writes them.
        asked: the end of a question that means this one.
        rate: by which its result is multiplied.
        argument: the name of its first argument.
        extra: name and value of its second argument; empty if it has none.
    """

    name: str
    lines: tuple[str, ...]
    asked: str
    rate: int
    argument: str
    extra: tuple[str, int] | tuple[()]

    def arguments(self, value: int) -> dict[str, int]:
        """Return the arguments of a call."""
        return {self.argument: value} | dict([self.extra] if self.extra else [])

    def result(self, value: int) -> int:
        """Return what it makes of a value."""
        return value * self.rate * (self.extra[1] if self.extra else 1)


def converter(draw: random.Random) -> Converter:
    """Make up a tool: its name, the words of its description, its arguments, and up to two others that resemble it."""
    name, second, third, source, target, other, unit, free = draw.sample(WORDS, 8)
    if _HELD_OUT in ((source, target), (source, other), (other, target)):
        return converter(draw)
    argument = source if draw.random() < 0.7 else free
    extra = (unit, draw.randrange(2, 10)) if draw.random() < 0.25 else ()
    line = (_MANY if extra else _SIMPLE).format(name=name, argument=argument, source=source, target=target, unit=unit)
    others = [
        _SIMPLE.format(name=second, argument=source, source=source, target=other),
        _SIMPLE.format(name=third, argument=other, source=other, target=target),
    ]
    asked = f"changed from {source} into {target}" + (f" for {extra[1]} {unit}" if extra else "")
    lines = [line, *draw.sample(others, draw.choice((0, 0, 1, 1)))]
    return Converter(name, tuple(lines), asked, draw.randrange(2, 12), argument, extra)
