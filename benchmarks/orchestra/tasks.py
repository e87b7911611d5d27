"""Tasks over small databases, each with a program of 1 to 5 calls that yields its answer.

    database  shops 3: apples 12 ..., a table of things with two numbers each
    level 2   "In the table shops, what do 3 times price of apples come to?"
    program   lookup(apples, price), calculate(multiply, 3, 12)
    answer    36

A level adds a constraint, and with it a call. Every program is executed before its task is kept. The splits share no
database; one domain and one tool appear in the test splits alone.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from benchmarks.orchestra.words import DOMAINS, HELD_OUT_DOMAIN, HELD_OUT_TOOL
from tts.errors import BadInput
from tts.tools.function import FunctionTool
from tts.tools.tool import Tool

Operation = Literal["add", "subtract", "multiply"]
SPLITS = ("train", "validation", "test", "domain", "tool")
LEVELS = range(1, 6)
_TRIES = 100  # draws a task
RATE = 7
"""What one coin is worth in tokens, for the tool that training never sees."""


@dataclass(frozen=True, slots=True)
class Step:
    """One call of a program. A text ``#k`` among its arguments stands for the result of call k."""

    tool: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Database:
    """A table: things, each with two numbers."""

    domain: str
    seed: int
    rows: Mapping[str, Mapping[str, int]]

    @classmethod
    def made(cls, domain: str, seed: int) -> Database:
        """Draw a database; the same seed gives the same one."""
        draw = random.Random(f"{domain}|{seed}")
        things, columns = DOMAINS[domain]
        return cls(domain, seed, {thing: {name: draw.randrange(2, 60) for name in columns} for thing in things})

    def lookup(self) -> Tool:
        """Return the tool that reads this table."""

        def lookup(thing: str, column: str) -> int:
            """A number of a thing in the table."""
            return self.rows[thing][column]

        return FunctionTool(lookup, price=0.0)


def calculate(operation: Operation, a: int, b: int) -> int:
    """Calculates exactly with two whole numbers."""
    return {"add": a + b, "subtract": a - b, "multiply": a * b}[operation]


def exchange(coins: int) -> int:
    """Changes coins into tokens."""
    return coins * RATE


@dataclass(frozen=True, slots=True)
class Task:
    """A question on a database, the program that answers it, and the answer."""

    id: str
    question: str
    database: Database
    program: tuple[Step, ...]
    answer: int

    def tools(self) -> list[Tool]:
        """Return what a policy may call. The held-out tool is offered where the program needs it."""
        found: list[Tool] = [self.database.lookup(), FunctionTool(calculate, price=0.0)]
        if any(step.tool == HELD_OUT_TOOL for step in self.program):
            found.append(FunctionTool(exchange, price=0.0))
        return found


def tasks(split: str, count: int, seed: int = 0) -> list[Task]:
    """Draw tasks of a split, the levels in turn; the same arguments give the same tasks."""
    draw = random.Random(f"{split}|{seed}")
    home = SPLITS.index(split) * 10**6  # databases of a split are numbered from here
    found: dict[str, Task] = {}
    tries = 0
    while len(found) < count:
        tries += 1
        if tries > _TRIES * count:
            raise BadInput(f"the split {split} has no {count} different sums: ask for fewer tasks.")
        domain = HELD_OUT_DOMAIN if split == "domain" else draw.choice([d for d in DOMAINS if d != HELD_OUT_DOMAIN])
        database = Database.made(domain, home + draw.randrange(10**6))
        level = LEVELS[len(found) % len(LEVELS)]
        question, program = _written(database, level, draw)
        if split == "tool":
            question, program = _exchanged(question, program)
        answer = execute(program, database)
        if _good(question, answer) and question not in found:
            found[question] = Task(f"{split}-{len(found)}", question, database, program, answer)
    return list(found.values())


def execute(program: Sequence[Step], database: Database) -> int:
    """Run a program on a database; return the result of its last call."""
    results: list[int] = []
    for step in program:
        given = {name: _value(value, results) for name, value in step.arguments.items()}
        if step.tool == "lookup":
            results.append(database.rows[given["thing"]][given["column"]])
        else:
            results.append(calculate(**given) if step.tool == "calculate" else exchange(**given))
    return results[-1]


def _value(value: Any, results: Sequence[int]) -> Any:
    return results[int(value[1:])] if isinstance(value, str) and value.startswith("#") else value


def _written(database: Database, level: int, draw: random.Random) -> tuple[str, tuple[Step, ...]]:
    """Write a question of a level, and its program: 1 lookup, 2 times n, 3 a second thing, 4 and 5 the factors too."""
    first, second = draw.sample(sorted(database.rows), 2)
    column = draw.choice(sorted(database.rows[first]))
    factors = {1: [1], 2: [draw.randrange(2, 10)], 3: [1, 1]}.get(level) or [draw.randrange(2, 10), 1]
    if level == 5:
        factors[1] = draw.randrange(2, 10)
    steps: list[Step] = []
    terms: list[str] = []
    parts: list[str] = []
    for thing, factor in zip((first, second), factors, strict=False):
        steps.append(Step("lookup", {"thing": thing, "column": column}))
        if factor > 1:
            steps.append(Step("calculate", {"operation": "multiply", "a": f"#{len(steps) - 1}", "b": factor}))
        terms.append(f"#{len(steps) - 1}")
        parts.append(f"{factor} times the {column} of {thing}" if factor > 1 else f"the {column} of {thing}")
    if len(terms) == 2:
        steps.append(Step("calculate", {"operation": "add", "a": terms[0], "b": terms[1]}))
    return f"In the table {database.domain}, how much is {' plus '.join(parts)}?", tuple(steps)


def _exchanged(question: str, program: tuple[Step, ...]) -> tuple[str, tuple[Step, ...]]:
    """Ask for the result in tokens, with the tool that training never sees."""
    last = Step(HELD_OUT_TOOL, {"coins": f"#{len(program) - 1}"})
    return f"{question[:-1]}, changed from coins into tokens?", (*program, last)


def _good(question: str, answer: int) -> bool:
    """Return whether the answer cannot be read off the question."""
    return answer > 0 and str(answer) not in question.split()
