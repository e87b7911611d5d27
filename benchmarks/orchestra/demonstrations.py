"""Demonstrations: conversations in which a task is solved with tools, in the policy's own syntax.

Each is written from its task's program. Sums are looked up and calculated, or printed by a Python program. Stories are
asked of models or computed by a program, as :mod:`benchmarks.orchestra.ways` says. What a tool returns is computed here
as the tool does (a test compares them), or drawn from what a model returned to such problems.

Tables, names of tools, prices and which tools are offered vary, so that the policy has to read its prompt. Tools that
change one thing into another are made up anew each time: which one a question means is only in their descriptions.
"""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from benchmarks.orchestra.converters import converter
from benchmarks.orchestra.stories import FREE, PLAIN, MixedTask
from benchmarks.orchestra.tasks import Database, Step, Task, calculate
from benchmarks.orchestra.tools import CHEAP, DEAR, PRICES, Votes
from benchmarks.orchestra.ways import Thrift, played
from benchmarks.orchestra.words import DOMAINS, HELD_OUT_DOMAIN, MODELS, WORDS
from tts.files.json_text import dump
from tts.search.calls import BEYOND
from tts.tools.preference import Preference
from tts.tools.toolbox import Toolbox

LOOKUP = "lookup(thing, column): A number of a thing in the table. Price: none."
CALCULATE = "calculate(operation, a, b): Calculates exactly with two whole numbers. Price: none."
PYTHON = "python(code): Runs a Python program without network and files, and returns what it prints. Price: none."
MODEL = "{name}(question): Asks a language model a question."
RECORDED = " Recorded: right in {right}% of {of} lab-validation problems."
PRICE = " Price: {price:g} dollars a call."
LATENCY = " Latency: {latency:g} s."

PREFERENCES: tuple[dict[str, float], ...] = (
    {}, {}, {}, {}, {"cost": 0.5}, {"cost": 0.2}, {"latency": 0.5}, {"latency": 0.2}, {"cost": 0.5, "latency": 0.5},
)  # fmt: skip
_VEILED = 0.75  # of the tasks with fresh words in their table
_REFUSED = 0.05  # of the calls of the dear model, where another tool is right, that the budget does not cover
_PROGRAMS = 0.2  # of the stories with nothing but Python on offer: short prompts, in which programs are learned


@dataclass(frozen=True, slots=True)
class Turn:
    """What the policy writes, and what it then reads; nothing after an answer. It learns to write what is `learned`."""

    said: str
    results: tuple[str, ...] = ()
    learned: bool = True


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
    """Which tools a demonstration has; `cheap` and `dear` are the names of the models, empty for none."""

    cheap: str
    dear: str
    python: bool
    calculate: bool
    lookup: bool = True

    @property
    def names(self) -> dict[str, str]:
        """Return the names of the tools for a story, by what they are."""
        names = {"python": "python" * self.python, "cheap": self.cheap, "dear": self.dear}
        return {what: name for what, name in names.items() if name}


def prompt(tools: Sequence[str], guide: str, question: str) -> str:
    """Write the start of a conversation as the chat template does."""
    return f"<s>{''.join(f'<|tool|>{tool}' for tool in tools)}<|system|>{guide}<|user|>{question}"


def call(tool: str, arguments: Mapping[str, Any]) -> str:
    """Write a call of a tool as Qwen3 does."""
    return f"<tool_call>\n{dump({'name': tool, 'arguments': dict(arguments)})}\n</tool_call>"


def demonstrate(tasks: Iterator[MixedTask], draw: random.Random, seen: Sequence[Votes]) -> Iterator[Demonstration]:
    """Write a demonstration of each task, with tools, names and numbers drawn anew.

    What models answer is drawn from `seen`, problems of the same level and kind.
    """
    by_level: dict[tuple[bool, int], list[Votes]] = defaultdict(list)
    for each in seen:
        by_level[each.large, each.level].append(each)
    for mixed in tasks:
        yield _written(veiled(mixed, draw) if draw.random() < _VEILED else mixed, draw, by_level)


def veiled(mixed: MixedTask, draw: random.Random) -> MixedTask:
    """Return the task with other words for the table, its things and its columns; no table has the held-out name."""
    task = mixed.task
    things, columns = DOMAINS[task.database.domain]
    fresh = draw.sample(WORDS, len(things) + 3)
    if fresh[0] == HELD_OUT_DOMAIN:
        fresh.reverse()
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
    head = head if mixed.family in PLAIN else " ".join(_renamed(word, names) for word in head.split(" "))
    database = Database(names[task.database.domain], task.database.seed, rows)
    return replace(mixed, task=replace(task, question=head + story, database=database, program=program))


def _renamed(word: str, names: Mapping[str, str]) -> str:
    bare = word.rstrip(",.?")
    return names.get(bare, bare) + word[len(bare) :]


def _written(mixed: MixedTask, draw: random.Random, votes: Mapping[tuple[bool, int], Sequence[Votes]]) -> Demonstration:
    offer, wish = _offer(mixed, draw), draw.choice(PREFERENCES)
    question, answer, made = mixed.task.question, mixed.task.answer, None
    if mixed.family == "table":
        turns = _sum_turns(mixed.task, offer, draw)
        if draw.random() < 0.4:
            made = converter(draw)
            turns = [*turns, Turn(call(made.name, made.arguments(answer)), (str(made.result(answer)),))]
            question, answer = f"{question[:-1]}, {made.asked}?", made.result(answer)
    else:
        turns = _story_turns(mixed, offer, Thrift.of(wish), votes, draw)
    tools = _offered(offer, draw) + list(made.lines if made else converter(draw).lines if draw.random() < 0.08 else ())
    draw.shuffle(tools)
    guide = Toolbox((), Preference.of(wish)).guide
    return Demonstration(tuple(tools), guide, question, (*turns, Turn(f"\\boxed{{{answer}}}")))


def _offer(mixed: MixedTask, draw: random.Random) -> Offer:
    if mixed.family in PLAIN and draw.random() < _PROGRAMS:
        return Offer("", "", True, draw.random() < 0.1, lookup=False)
    cheap, dear = draw.sample(MODELS, 2) if draw.random() < 0.5 else (CHEAP, DEAR)
    shares = (0.3, 0.05, 0.0, 0.65) if mixed.family == "table" else (0.68, 0.14, 0.06, 0.12)
    cheap, dear = draw.choices(((cheap, dear), (cheap, ""), ("", dear), ("", "")), shares)[0]
    python = draw.random() < 0.85 or mixed.family == "large"  # nothing else solves a large story
    calculator = draw.random() < 0.9
    needed = not calculator if mixed.family == "table" else not (cheap or dear)
    python = python or needed
    return Offer(cheap, dear, python, calculator, lookup=mixed.family not in PLAIN or draw.random() < 0.7)


def _offered(offer: Offer, draw: random.Random) -> list[str]:
    """Write the lines of the tools."""
    lines = [*[LOOKUP] * offer.lookup, *[CALCULATE] * offer.calculate]
    if offer.python:
        lines.append(PYTHON + _often(LATENCY, draw, latency=draw.choice((0.004, 0.01, 0.05, 0.1, 0.2))))
    varied, waits = draw.random() < 0.4, sorted(draw.choices((0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.9, 1, 2), k=2))
    if offer.cheap:
        price = PRICE.format(price=draw.choice((0.0001, 0.0002, 0.0005)) if varied else PRICES[CHEAP])
        lines.append(_model(offer.cheap, price if draw.random() < 0.9 else " Price: none.", 40, waits[0], draw))
    if offer.dear:
        price = PRICE.format(price=draw.choice((0.001, 0.002, 0.005)) if varied else PRICES[DEAR])
        lines.append(_model(offer.dear, price, 65, waits[1], draw))
    return lines


def _model(name: str, price: str, least: int, latency: float, draw: random.Random) -> str:
    recorded = _often(RECORDED, draw, right=draw.randrange(least, 95), of=draw.choice((100, 200, 250, 500)))
    return MODEL.format(name=name) + recorded + price + _often(LATENCY, draw, latency=latency)


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


def _story_turns(
    mixed: MixedTask,
    offer: Offer,
    thrift: Thrift,
    votes: Mapping[tuple[bool, int], Sequence[Votes]],
    draw: random.Random,
) -> list[Turn]:
    """Look up the number, if one is missing; then run a program, ask models, or both."""
    turns, value = [], ""
    if mixed.family == "both":
        results: dict[str, int] = {}
        turns.append(_calls(mixed.task.program, results, [0], mixed.task.database))
        value = str(results["#0"])
    story, code = _filled(mixed.story, value), _filled(mixed.code, value)
    found, ways = played(mixed, code, votes, list(offer.names), thrift, draw)
    said = {what: call(name, {"question": story}) for what, name in offer.names.items()}
    said["python"] = call("python", {"code": found.code})
    read = {"python": str(found.printed), "cheap": _voted(*found.cheap), "dear": _voted(*found.dear)}
    known = {"python": found.printed, "cheap": found.cheap[0]}
    if ways[-1] == ("dear",) and mixed.task.answer in [known.get(what) for what in ways[0]]:
        read["dear"] = BEYOND if draw.random() < _REFUSED else read["dear"]
    for way in ways:
        learned = found.fine or "python" not in way
        turns.append(Turn("\n".join(said[tool] for tool in way), tuple(read[tool] for tool in way), learned))
    return turns


def _voted(answer: int, share: int) -> str:
    return f"Answer: {answer} (share of the vote {share}%)."


def _filled(text: str, value: str) -> str:
    """Put the number from the table into a story or its program."""
    return re.sub(rf"\b{FREE}\b", value, text) if value else text
