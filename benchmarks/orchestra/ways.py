"""What demonstrations do with a story: which tools they ask, and when they ask another.

Where no recorded answer of a model to such a problem is right, as with large numbers, a program alone is run. Elsewhere
a program of so small a policy is often wrong, and so are the models. What tells them apart is agreement: an answer on
which a program and the cheap model agree is taken, and where they differ, the dear model is asked. The user's wish
decides how far that goes. Who slightly prefers cheap or fast calls has the dear model asked only where the cheap one is
in doubt; who strongly prefers cheap calls, never; who strongly prefers fast ones waits for one tool only.

What the models answer is drawn from their recorded answers to problems of the same level (``votes.json``): how far
off each is, so that wrong answers look as real ones do and coincide as often. A program is spoiled as often as the
policy's own are wrong. Scenes in which a program and the cheap model differ are shown more often than they occur. The
answer at the end is the right one, so that the policy learns which result to trust; a scene in which nothing is right
is not shown, and a spoiled program is not learned.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.orchestra.stories import MixedTask
from benchmarks.orchestra.tools import Votes

SURE = (0.96, 0.94, 0.91, 0.84, 0.68)
"""How often a program of the policy is right, by level; measured on 320 validation tasks with an earlier one."""

_FOLLOWED = 0.95  # how often the tools are asked as records and wish suggest
_DIFFER = 0.4  # of the scenes with a program and the cheap model, in which only those that differ are taken
_HALF = 60  # percent of a vote below which the cheap model is in doubt
_TRIES = 1000  # scenes, of which one has a right result


@dataclass(frozen=True, slots=True)
class Scene:
    """What the tools return to a story: the program written and its result, and the models' answers with their votes.

    `fine` tells whether the program is the right one, `hopeless` that no recorded answer of a model to such a problem
    was right.
    """

    code: str
    printed: int
    fine: bool
    cheap: tuple[int, int]
    dear: tuple[int, int]
    hopeless: bool = False


@dataclass(frozen=True, slots=True)
class Thrift:
    """How strongly a user wishes cheap calls and fast calls: 0 not at all, 1 slightly, 2 strongly."""

    cost: int = 0
    latency: int = 0

    @classmethod
    def of(cls, wish: Mapping[str, float]) -> Thrift:
        return cls(*(_strength(wish.get(name, 0.0)) for name in ("cost", "latency")))


def _strength(weight: float) -> int:
    return 0 if not weight else 2 if weight >= 0.5 else 1


def played(
    mixed: MixedTask,
    code: str,
    votes: Mapping[tuple[bool, int], Sequence[Votes]],
    offered: Sequence[str],
    thrift: Thrift,
    draw: random.Random,
) -> tuple[Scene, list[tuple[str, ...]]]:
    """Return a scene in which some tool that is asked is right, and which tools are asked, turn by turn."""
    differ = {"python", "cheap"} <= set(offered) and draw.random() < _DIFFER
    for _ in range(_TRIES):
        found = scene(mixed, code, votes, draw)
        if differ and found.printed == found.cheap[0] and not found.hopeless:
            continue
        answers = {"python": found.printed, "cheap": found.cheap[0], "dear": found.dear[0]}
        ways = route(found, offered, thrift, draw)
        if any(answers[tool] == mixed.task.answer for way in ways for tool in way):
            return found, ways
    raise ValueError(f"none of {', '.join(offered)} solves {mixed.task.question}")


def scene(mixed: MixedTask, code: str, votes: Mapping[tuple[bool, int], Sequence[Votes]], draw: random.Random) -> Scene:
    """Draw what the tools return to a story with the computation `code`."""
    answer = mixed.task.answer
    similar = votes[mixed.family == "large", mixed.level]
    seen, hopeless = draw.choice(similar), all(each.cheap_off and each.dear_off for each in similar)
    spoiled = None if draw.random() < SURE[mixed.level - 1] else spoil(code, draw)
    written, printed = spoiled or (code, answer)
    cheap, dear = (_beside(answer, off) for off in (seen.cheap_off, seen.dear_off))
    return Scene(written, printed, spoiled is None, (cheap, seen.cheap_share), (dear, seen.dear_share), hopeless)


def route(found: Scene, offered: Sequence[str], thrift: Thrift, draw: random.Random) -> list[tuple[str, ...]]:
    """Return which tools are asked, turn by turn. `offered` has some of ``python``, ``cheap`` and ``dear``."""
    if "python" in offered and found.hopeless:
        return [("python",)]
    first = _first(offered, thrift, draw)
    asks = "dear" in offered and "dear" not in first and _doubtful(found, first, thrift, draw)
    return [first, ("dear",)] if asks else [first]


def _first(offered: Sequence[str], thrift: Thrift, draw: random.Random) -> tuple[str, ...]:
    """Return what is asked at once: a program and a model side by side, where time and money allow it."""
    model = "cheap" if "cheap" in offered else "dear"
    if "python" not in offered:
        return ("dear",) if "dear" in offered and not thrift.cost and draw.random() > _FOLLOWED else (model,)
    if model not in offered or thrift.latency == 2 or (model == "dear" and thrift.cost):
        return ("python",)
    return ("python", model) if draw.random() < _FOLLOWED else ("python",)


def _doubtful(found: Scene, first: Sequence[str], thrift: Thrift, draw: random.Random) -> bool:
    """Return whether the dear model is asked after others; not after a program alone."""
    strongest = max(thrift.cost, thrift.latency)
    if strongest == 2 or "cheap" not in first:
        return False
    split = found.cheap[1] < (100 if strongest == 0 else _HALF)
    doubtful = (found.printed != found.cheap[0] and (strongest == 0 or split)) if "python" in first else split
    return doubtful if draw.random() < _FOLLOWED else not doubtful


def spoil(code: str, draw: random.Random) -> tuple[str, int] | None:
    """Return a program with a slip in it, and what it prints; None if no slip changes the result.

    A slip takes another sign, another number or another name of an earlier step.
    """
    right = printed_by(code)
    for _ in range(20):
        change = draw.choice((_other_sign, _other_number, _other_name))
        slipped = change(code, draw)
        printed = printed_by(slipped) if slipped != code else None
        if printed is not None and printed != right:
            return slipped, printed
    return None


def printed_by(code: str) -> int | None:
    """Return what a story's program prints; None where it divides by zero."""
    known: dict[str, int] = {}
    for line in code.split(";"):
        name, _, right_side = line.rpartition("=")  # the last line prints, and has no name
        left, sign, right = re.split(r"(//|[-+*])", right_side.removeprefix("print(").removesuffix(")"))
        a, b = (known[side] if side in known else int(side) for side in (left, right))
        if sign == "//" and b == 0:
            return None
        known[name] = {"+": a + b, "-": a - b, "*": a * b}[sign] if sign != "//" else a // b
    return known[""]


def _other_sign(code: str, draw: random.Random) -> str:
    return _at_random(
        r"//|[-+*]", code, lambda sign: draw.choice([s for s in ("+", "-", "*", "//") if s != sign]), draw
    )


def _other_number(code: str, draw: random.Random) -> str:
    numbers = re.findall(r"\d+", code)
    return _at_random(r"\d+", code, lambda old: draw.choice([*numbers, str(int(old) + 1), old[1:] or old]), draw)


def _other_name(code: str, draw: random.Random) -> str:
    places = list(re.finditer(r"(?<=[-+*/=(])[a-l](?![a-z=])", code))
    if not places:
        return code
    place = draw.choice(places)
    earlier = [letter for letter in "abcdefghijkl" if letter < place[0]] or [place[0]]
    return f"{code[: place.start()]}{draw.choice(earlier)}{code[place.end() :]}"


def _at_random(pattern: str, code: str, other: Callable[[str], Any], draw: random.Random) -> str:
    place = draw.choice(list(re.finditer(pattern, code)))
    return f"{code[: place.start()]}{other(place[0])}{code[place.end() :]}"


def _beside(answer: int, off: int) -> int:
    """Return what is `off` the answer, on the other side where that would not be a natural number."""
    return answer + off if answer + off > 0 else answer + abs(off)
