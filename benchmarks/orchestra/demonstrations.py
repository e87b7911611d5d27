"""Demonstrations: conversations in which a task is solved with tools, in the policy's own syntax.

Each is written from its task's program. Sums are looked up and calculated, or printed by a Python program; stories are
asked of a model that is drawn at random, or computed by a program. Which model to ask is not demonstrated: that is what
the reinforcement learning that follows has to find. What a tool returns is computed here as the tool does (a test
compares them), and a conversation is kept only if its last result is the answer. For that reason a model's last result
is always the right answer; how often models are right is learned from calls of the real ones.

Tables, names of tools, prices and which tools are offered vary, so that the policy has to read its prompt.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from benchmarks.orchestra.stories import FREE, MixedTask
from benchmarks.orchestra.tasks import Database, Step, Task, calculate
from benchmarks.orchestra.words import DOMAINS, MODELS, NOUNS, VERBS
from tts.files.json_text import dump
from tts.tools.preference import Preference
from tts.tools.toolbox import Toolbox

LOOKUP = "lookup(thing, column): A number of a thing in the table. Price: none."
CALCULATE = "calculate(operation, a, b): Calculates exactly with two whole numbers. Price: none."
PYTHON = "python(code): Runs a Python program without network and files, and returns what it prints. Price: none."
MODEL = "{name}(question): Asks a language model a question."
RECORDED = " Recorded: right in {right}% of {of} lab-validation problems."
PRICE = " Price: {price:g} dollars a call."
LATENCY = " Latency: {latency:g} s."
CONVERTER = "{name}({source}): Changes {source} into {target}. Price: none."

PREFERENCES: tuple[dict[str, float], ...] = (
    {}, {}, {"cost": 0.5}, {"cost": 0.2}, {"latency": 0.5}, {"latency": 0.2}, {"cost": 0.5, "latency": 0.5},
)  # fmt: skip
_SHARES: tuple[str, ...] = ("100", "100", "100", "75", "50")  # of a vote of four, with which an answer is taken
_DOUBTS = ("25", "25", "50")  # with which another model is asked


@dataclass(frozen=True, slots=True)
class Turn:
    """What the policy writes, and what it then reads; nothing after an answer."""

    said: str
    results: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Demonstration:
    """A conversation: the tools as the chat template writes them, the guide, the question, the turns."""

    tools: tuple[str, ...]
    guide: str
    question: str
    turns: tuple[Turn, ...]

    @property
    def text(self) -> str:
        """Return the whole conversation as the chat template writes it."""
        said = "".join(
            f"<|assistant|>{turn.said}</s>{''.join(f'<|result|>{text}' for text in turn.results)}"
            for turn in self.turns
        )
        return f"{prompt(self.tools, self.guide, self.question)}{said}"


@dataclass(frozen=True, slots=True)
class Offer:
    """Which tools a demonstration has; a model's line in ``tools`` is by its name in ``models``."""

    models: tuple[str, ...]
    python: bool
    calculate: bool
    lookup: bool = True


def prompt(tools: Sequence[str], guide: str, question: str) -> str:
    """Write the start of a conversation as the chat template does."""
    return f"<s>{''.join(f'<|tool|>{tool}' for tool in tools)}<|system|>{guide}<|user|>{question}"


def call(tool: str, arguments: Mapping[str, Any]) -> str:
    """Write a call of a tool as Qwen3 does."""
    return f"<tool_call>\n{dump({'name': tool, 'arguments': dict(arguments)})}\n</tool_call>"


def demonstrate(tasks: Iterator[MixedTask], draw: random.Random) -> Iterator[Demonstration]:
    """Write a demonstration of each task, with tools, names and numbers drawn anew."""
    for mixed in tasks:
        mixed = veiled(mixed, draw) if draw.random() < 0.5 else mixed
        yield _written(mixed, draw)


def veiled(mixed: MixedTask, draw: random.Random) -> MixedTask:
    """Return the task with other words for the table, its things and its columns; museums stay held out."""
    task = mixed.task
    things, columns = DOMAINS[task.database.domain]
    fresh = draw.sample(NOUNS, len(things) + 3)
    names = dict(zip([task.database.domain, *columns, *things], fresh, strict=True))
    rows = {names[t]: {names[c]: n for c, n in row.items()} for t, row in task.database.rows.items()}
    program = tuple(
        replace(step, arguments={k: names.get(v, v) if step.tool == "lookup" else v for k, v in step.arguments.items()})
        for step in task.program
    )
    head, story = task.question, ""
    if mixed.family == "both":
        head, mark, rest = task.question.partition(f". {mixed.story}")
        story = mark + rest
    head = head if mixed.family == "story" else " ".join(_renamed(word, names) for word in head.split(" "))
    database = Database(names[task.database.domain], task.database.seed, rows)
    return replace(mixed, task=replace(task, question=head + story, database=database, program=program))


def _renamed(word: str, names: Mapping[str, str]) -> str:
    bare = word.rstrip(",.?")
    return names.get(bare, bare) + word[len(bare) :]


def _written(mixed: MixedTask, draw: random.Random) -> Demonstration:
    offer = Offer(
        tuple(draw.sample(MODELS, 2) if draw.random() < 0.4 else ("ask_lab-200k", "ask_lab-4m"))[
            : draw.choices((2, 1, 0), (0.75, 0.1, 0.15))[0]
        ],
        draw.random() < 0.85,
        draw.random() < 0.9,
    )
    if not offer.python and (not offer.calculate or not offer.models):
        offer = replace(offer, python=True)
    if mixed.family == "story" and draw.random() < 0.4:
        offer = replace(offer, lookup=False)
    question, converters, last = mixed.task.question, [], None
    if draw.random() < 0.25:
        name, source, target = draw.choice([*VERBS, *NOUNS]), *draw.sample(NOUNS, 2)
        converters.append(CONVERTER.format(name=name, source=source, target=target))
        if mixed.family == "table" and draw.random() < 0.7:
            question = f"{question[:-1]}, changed from {source} into {target}?"
            last = name, source, draw.randrange(2, 12)
    turns = _sum_turns(mixed.task, offer, draw) if mixed.family == "table" else _story_turns(mixed, offer, draw)
    answer = mixed.task.answer
    if last is not None:
        name, source, rate = last
        turns = [*turns, Turn(call(name, {source: answer}), (str(answer * rate),))]
        answer *= rate
    tools = _offered(offer, draw) + converters
    draw.shuffle(tools)
    guide = Toolbox((), Preference.of(draw.choice(PREFERENCES))).guide
    return Demonstration(tuple(tools), guide, question, (*turns, Turn(f"\\boxed{{{answer}}}")))


def _offered(offer: Offer, draw: random.Random) -> list[str]:
    """Write the lines of the tools; the last model is the dear one."""
    lines = [*[LOOKUP] * offer.lookup, *[CALCULATE] * offer.calculate]
    if offer.python:
        lines.append(PYTHON + _often(LATENCY, draw, latency=draw.choice((0.004, 0.01, 0.05, 0.1, 0.2))))
    prices = [0.0001, 0.002]
    if draw.random() < 0.4:
        prices = sorted(draw.sample((0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005), 2))
    for name, price, low in zip(offer.models, prices, (40, 55), strict=False):
        lines.append(
            MODEL.format(name=name)
            + _often(RECORDED, draw, right=draw.randrange(low, 95), of=draw.choice((100, 200, 250, 500)))
            + (_often(PRICE, draw, price=price) or " Price: none.")
            + _often(LATENCY, draw, latency=draw.choice((0.05, 0.1, 0.2, 0.3, 0.5, 0.9, 1, 2)))
        )
    return lines


def _often(text: str, draw: random.Random, **values: float) -> str:
    """Write a part of a tool's line, or leave it out: not every tool was measured or has a price."""
    return text.format(**values) if draw.random() < 0.85 else ""


def _sum_turns(task: Task, offer: Offer, draw: random.Random) -> list[Turn]:
    """Look everything up at once; then calculate, what does not wait for each other at once, or print it in Python."""
    results: dict[str, int] = {}
    lookups = [(k, step) for k, step in enumerate(task.program) if step.tool == "lookup"]
    turns = [_calls([step for _, step in lookups], results, [k for k, _ in lookups], task.database)]
    todo = [(k, step) for k, step in enumerate(task.program) if step.tool == "calculate"]
    in_python = offer.python and (not offer.calculate or draw.random() < (0.2 if len(todo) == 1 else 0.5))
    if todo and in_python:
        turns.append(Turn(call("python", {"code": f"print({_expression(todo, results)})"}), (str(task.answer),)))
        return turns
    while todo:
        ready = [(k, step) for k, step in todo if all(_known(v, results) for v in step.arguments.values())]
        turns.append(_calls([step for _, step in ready], results, [k for k, _ in ready], task.database))
        todo = [each for each in todo if each not in ready]
    return turns


def _known(value: Any, results: Mapping[str, int]) -> bool:
    return not str(value).startswith("#") or value in results


def _calls(steps: Sequence[Step], results: dict[str, int], places: Sequence[int], database: Database) -> Turn:
    said, read = [], []
    for step, place in zip(steps, places, strict=True):
        given = {name: results.get(value, value) for name, value in step.arguments.items()}
        value = database.rows[given["thing"]][given["column"]] if step.tool == "lookup" else calculate(**given)
        results[f"#{place}"] = value
        said.append(call(step.tool, given))
        read.append(str(value))
    return Turn("\n".join(said), tuple(read))


def _expression(steps: Sequence[tuple[int, Step]], results: Mapping[str, int]) -> str:
    """Write calculations as one expression: products, then a sum."""
    texts = {name: str(value) for name, value in results.items()}
    last = ""
    for place, step in steps:
        given = step.arguments
        sign = {"add": "+", "subtract": "-", "multiply": "*"}[given["operation"]]
        last = f"{texts.get(given['a'], given['a'])}{sign}{texts.get(given['b'], given['b'])}"
        texts[f"#{place}"] = last
    return last


def _story_turns(mixed: MixedTask, offer: Offer, draw: random.Random) -> list[Turn]:
    """Look up the number, if one is missing; then ask a model, one after the other, or run a program."""
    task, turns, value = mixed.task, [], ""
    if mixed.family == "both":
        results: dict[str, int] = {}
        turns.append(_calls(task.program, results, [0], task.database))
        value = str(results["#0"])
    story, code = _filled(mixed.story, value), _filled(mixed.code, value)
    ways = [*offer.models, *["python"] * offer.python]
    shares = _SHARES
    if len(offer.models) == 2 and draw.random() < 0.25:
        wrong = max(1, task.answer + draw.choice((-10, -3, -2, -1, 1, 2, 3, 10, draw.randrange(1, 60))))
        doubtful = f"Answer: {wrong} (share of the vote {draw.choice(_DOUBTS)}%)."
        turns.append(Turn(call(offer.models[0], {"question": story}), (doubtful,)))
        way, shares = offer.models[1], (*_SHARES, *_DOUBTS)  # the second answer is taken in any case
    else:
        way = draw.choice(ways or ["python"])
    if way == "python":
        return [*turns, Turn(call("python", {"code": code}), (str(task.answer),))]
    found = f"Answer: {task.answer} (share of the vote {draw.choice(shares)}%)."
    return [*turns, Turn(call(way, {"question": story}), (found,))]


def _filled(text: str, value: str) -> str:
    """Put the number from the table into a story or its program."""
    return re.sub(rf"\b{FREE}\b", value, text) if value else text
