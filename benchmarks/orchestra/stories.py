"""The laboratory's mix of tasks: sums over a table, and three kinds of word problems.

    table   "In the table shops, how much is 3 times the price of apples?"
    story   "Mia has 17 marbles. She wins 25 more, and gives 9 away. How many are left?"
    both    "Take N from the table shops, the stock of pears. Mia has N marbles. She wins 25 more ..."
    large   "Mia has 578 marbles. She wins 912 more, and gives 306 away. How many are left?"

Another model sees what it is asked and no table, so a task of the third kind needs both a lookup and a model, or a
lookup and a program. The numbers of the fourth are larger than those that the built-in models learned to compute with;
a program is exact. The story of a task has its computation as a Python program; it is evaluated before the task
is kept. A story's computation decides its split, as for the built-in models.
"""

from __future__ import annotations

import itertools
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from benchmarks.orchestra.tasks import Database, Step, Task, tasks
from benchmarks.orchestra.words import DOMAINS, HELD_OUT_DOMAIN
from benchmarks.word_problems.arithmetic import evaluate
from benchmarks.word_problems.everyday.draw import stream as others
from benchmarks.word_problems.generate import LabProblem, split_of, stream

FAMILIES = ("table", "story", "both", "large")
PLAIN = ("story", "large")
"""Families of which no number is in a table."""

FREE = "N"
"""What stands in a story for the number from the table."""

_NAMES = "abcdefghijkl"  # a story has 12 steps at most

_GROWN = (15, 40)  # a large number is so many times the one in its place, at the least and at the most
_LARGE = range(1000, 10**6)  # the results that a large story may have on its way, the largest of them
_TRIES = 400

_OF = {"train": "train", "validation": "validation", "test": "test", "domain": "test"}


@dataclass(frozen=True, slots=True)
class MixedTask:
    """A task of the mix.

    Attributes:
        task: question, database, calls that a table is asked for, and the answer.
        family: one of ``FAMILIES``.
        level: 1 to 5, of the sum or of the story.
        story: the word problem, with ``N`` for the number from the table; empty for a sum over a table.
        code: the story's computation in Python, with ``N`` likewise.
    """

    task: Task
    family: str
    level: int
    story: str = ""
    code: str = ""

    @property
    def id(self) -> str:
        return self.task.id


def mixed(split: str, count: int, seed: int = 0) -> list[MixedTask]:
    """Draw tasks of a split, families and levels in turn; the same arguments give the same tasks.

    The split ``domain`` has no plain stories, and ``tool`` only sums over tables.
    """
    families = {"domain": ("table", "both"), "tool": ("table",)}.get(split, FAMILIES)
    each = -(-count // len(families))
    sums = [MixedTask(task, "table", k % 5 + 1) for k, task in enumerate(tasks(split, each, seed))]
    if len(families) == 1:
        return sums[:count]
    draw = random.Random(f"{split}|stories|{seed}")
    told = _stories(split, draw)
    found = {
        "table": iter(sums),
        "story": (_plain(split, each, draw) for each in told),
        "both": _joined(split, told, draw),
        "large": _large(split, told, draw),
    }
    drawn = [next(found[families[k % len(families)]]) for k in range(count)]
    return [replace(each, task=replace(each.task, id=f"{split}-{each.family}-{k}")) for k, each in enumerate(drawn)]


def everyday(count: int, seed: int) -> list[MixedTask]:
    """Draw everyday problems of the training split; they are demonstrated, so that a question of a user is known."""
    draw = random.Random(f"everyday|{seed}")
    problems = (p for p in others(seed) if p.program and p.problem.isascii() and str(value_of(p.program)) == p.answer)
    return [_plain("train", problem, draw) for problem in itertools.islice(problems, count)]


def code_of(program: Sequence[str], value: str = "", free: str = FREE) -> str:
    """Write a story's computation as a Python program, a statement a step; the number ``value``, if any, is ``free``.

    >>> code_of(("17+25", "#0*3"), "25")
    'a=17+N;print(a*3)'
    """
    lines = []
    for line in program:
        left, sign, right = _parsed(line)
        sides = (_NAMES[int(s[1:])] if s[0] == "#" else free if s == value else s for s in (left, right))
        lines.append(("//" if sign == "/" else sign).join(sides))
    named = [f"{_NAMES[k]}={line}" for k, line in enumerate(lines[:-1])]
    return ";".join([*named, f"print({lines[-1]})"])


def value_of(program: Sequence[str]) -> int:
    """Compute the result of a story's program."""
    return _results(program)[-1]


def _results(program: Sequence[str]) -> list[int]:
    results: list[int] = []
    for line in program:
        left, sign, right = _parsed(line)
        a, b = (results[int(side[1:])] if side[0] == "#" else int(side) for side in (left, right))
        results.append(evaluate(a, sign, b))
    return results


def _parsed(line: str) -> tuple[str, str, str]:
    found = re.fullmatch(r"(#?\d+)([-+*/])(#?\d+)", line)
    assert found is not None
    return found[1], found[2], found[3]


def _stories(split: str, draw: random.Random) -> Iterator[LabProblem]:
    """Yield stories of the levels in turn whose computation yields their answer."""
    level = 0
    while True:
        weights = tuple(float(k == level) for k in range(5))
        problem = next(stream(draw.randrange(10**9), weights, _OF[split]))
        if str(value_of(problem.program)) == problem.answer and problem.problem.isascii():
            level = (level + 1) % 5
            yield problem


def _database(split: str, draw: random.Random) -> Database:
    home = sorted(_OF).index(split) * 10**6 + 10**7  # none that the sums over tables have
    domain = HELD_OUT_DOMAIN if split == "domain" else draw.choice([d for d in DOMAINS if d != HELD_OUT_DOMAIN])
    return Database.made(domain, home + draw.randrange(10**6))


def _plain(split: str, problem: LabProblem, draw: random.Random) -> MixedTask:
    task = Task("", problem.problem, _database(split, draw), (), int(problem.answer))
    return MixedTask(task, "story", problem.level, problem.problem, code_of(problem.program))


def _large(split: str, told: Iterator[LabProblem], draw: random.Random) -> Iterator[MixedTask]:
    """Yield stories with larger numbers: those that occur once in the story and once in its computation."""
    for problem in told:
        found = _enlarged(problem, _OF[split], draw)
        if found is not None:
            text, program = found
            task = Task("", text, _database(split, draw), (), value_of(program))
            yield MixedTask(task, "large", problem.level, text, code_of(program))


def _enlarged(problem: LabProblem, split: str, draw: random.Random) -> tuple[str, tuple[str, ...]] | None:
    """Return a story and its program with larger numbers, every result a natural number; None if none was found."""
    numbers = re.findall(r"\d+", problem.problem)
    divisors = {_parsed(line)[2] for line in problem.program if "/" in line}
    free = [n for n in numbers if numbers.count(n) == 1 and _once(n, problem.program) and n not in {"0", *divisors}]
    for _ in range(_TRIES if len(free) > 1 else 0):
        chosen = draw.sample(free, draw.randrange(2, len(free) + 1))
        fresh = {n: str(draw.randint(int(n) * _GROWN[0], int(n) * _GROWN[1])) for n in chosen}
        program = tuple(_replaced(line, fresh) for line in problem.program)
        results = _results(program)
        if min(results) >= 0 < results[-1] and max(results) in _LARGE and split_of(program) == split:
            return _replaced(problem.problem, fresh), program
    return None


def _replaced(text: str, fresh: Mapping[str, str]) -> str:
    return re.sub(r"(?<![#\d])\d+", lambda found: fresh.get(found[0], found[0]), text)


def _joined(split: str, told: Iterator[LabProblem], draw: random.Random) -> Iterator[MixedTask]:
    """Yield stories in which one number is to be read from a table."""
    for problem in told:
        numbers = re.findall(r"\d+", problem.problem)
        given = [n for n in numbers if numbers.count(n) == 1 and _once(n, problem.program)]
        if not given:
            continue
        value = draw.choice(given)
        database = _database(split, draw)
        thing, column = draw.choice(sorted(database.rows)), draw.choice(DOMAINS[database.domain][1])
        rows = {**database.rows, thing: {**database.rows[thing], column: int(value)}}
        story = re.sub(rf"(?<!\d){value}(?!\d)", FREE, problem.problem)
        task = Task(
            "",
            f"Take {FREE} from the table {database.domain}, the {column} of {thing}. {story}",
            replace(database, rows=rows),
            (Step("lookup", {"thing": thing, "column": column}),),
            int(problem.answer),
        )
        yield MixedTask(task, "both", problem.level, story, code_of(problem.program, value))


def _once(number: str, program: Sequence[str]) -> bool:
    return [side for line in program for side in re.findall(r"#?\d+", line)].count(number) == 1
