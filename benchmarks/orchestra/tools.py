"""The laboratory's tools: lookup, calculator, Python, a cheap and a dear model; prices are given, latencies measured.

The cheap model answers with four samples that vote. The dear one is a search: sixteen samples, whose vote the built-in
reward model weighs. A price follows the size and the samples: a dollar buys a million tokens of a model of a million
parameters, near enough. The orchestrator pays for its own tokens by the same rule.
"""

from __future__ import annotations

import asyncio
import re
import statistics
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.orchestra.stories import MixedTask, mixed
from benchmarks.orchestra.tasks import calculate, exchange
from benchmarks.orchestra.words import HELD_OUT_TOOL
from benchmarks.word_problems.generate import load
from tts.errors import BadInput
from tts.files import json_text
from tts.files.jsonl import Rows
from tts.files.text import write_atomically
from tts.tools.function import FunctionTool
from tts.tools.model import ModelTool
from tts.tools.python import PythonTool
from tts.tools.tool import Result, Tool

CHEAP, DEAR = "ask_lab-200k", "expert"
PRICES = {CHEAP: 0.0001, "lab-1m": 0.0005, "lab-2m": 0.001, "lab-4m": 0.002, DEAR: 0.002}
"""Dollars of a call of the two models of the tasks, and of three more that are compared with them."""

TOKEN_PRICE = 1.1e-6
"""Dollars of a token that the orchestrator reads or writes."""

_MODELS: dict[str, dict[str, Any]] = {
    CHEAP: {"model": "lab-200k", "budget": 4},
    "lab-1m": {"model": "lab-1m", "budget": 4},
    "lab-2m": {"model": "lab-2m", "budget": 4},
    "lab-4m": {"model": "lab-4m", "budget": 4},
    DEAR: {"model": "lab-1m", "budget": 16, "strategy": "best-of-n", "prm": "lab-prm", "vote": "weighted"},
}
MEASURED = Path(__file__).parent / "tools.json"
VOTES = Path(__file__).parent / "votes.json"
_TIMED = 20  # problems whose seconds are measured, one after the other
_SEED = 99  # of the validation tasks with large numbers on which the models are measured; no other measurement has it


@dataclass(frozen=True, slots=True)
class Record:
    """What was measured of a tool: seconds of a call, and, of a model, how many of so many problems it solved."""

    latency: float
    right: int = 0
    of: int = 0

    @property
    def line(self) -> str:
        """Return the capability line of a model, as :func:`tts.tools.model.capability` writes it."""
        return f"Recorded: right in {self.right / self.of:.0%} of {self.of} lab-validation problems."


class Answers:
    """What tools returned, by tool and arguments, in a file. The same question is asked once."""

    def __init__(self, file: Path | None = None) -> None:
        self._known: dict[str, Result] = {}
        self._asked: dict[str, asyncio.Future[Result]] = {}
        if file is not None:
            file.parent.mkdir(parents=True, exist_ok=True)
        self._rows = None if file is None else Rows(file, self._take, ours=True)

    def _take(self, at: int, row: Any) -> None:
        self._known[row["key"]] = Result(row["text"], row["cost"], row["seconds"], row["failed"])

    async def of(self, tool: Tool, arguments: Mapping[str, Any]) -> Result:
        """Return what the tool returned, or ask it."""
        key = json_text.dump([tool.name, dict(arguments)])
        if key not in self._known:
            if key not in self._asked:
                self._asked[key] = asyncio.ensure_future(tool.call(arguments))
            try:
                found = await asyncio.shield(self._asked[key])
            finally:
                self._asked.pop(key, None)
            if key not in self._known and self._rows is not None:
                self._rows.add({"key": key, "text": found.text, "cost": found.cost, "seconds": found.seconds,
                                "failed": found.failed})  # fmt: skip
            self._known[key] = found
        return self._known[key]

    def close(self) -> None:
        """Close the file."""
        if self._rows is not None:
            self._rows.close()


class Remembered(Tool):
    """A tool that gives the same answer to the same arguments, and is called once for them."""

    def __init__(self, tool: Tool, answers: Answers) -> None:
        self.tool, self._answers = tool, answers
        self.name, self.description, self.schema = tool.name, tool.description, tool.schema
        self.price, self.latency, self.local, self.seconds = tool.price, tool.latency, tool.local, tool.seconds

    async def call(self, arguments: Mapping[str, Any]) -> Result:
        """Return what the tool returned at the first such call."""
        return await self._answers.of(self.tool, arguments)

    def close(self) -> None:
        """Keep the tool: other tasks call it too."""


class Shelf:
    """The tools that are the same for every task, made once.

    Args:
        records: what was measured, by the name of a tool; see :func:`recorded`.
        answers: what tools returned before.
    """

    def __init__(self, records: Mapping[str, Record], answers: Answers | None = None) -> None:
        self.answers = answers or Answers()
        self.records = dict(records)
        made: list[Tool] = [PythonTool(latency=records["python"].latency)]
        made += [model(name, records[name]) for name in (CHEAP, DEAR)]
        self.tools = [Remembered(tool, self.answers) for tool in made]
        self._calculate, self._exchange = FunctionTool(calculate, price=0.0), FunctionTool(exchange, price=0.0)

    def offered(self, mixed: MixedTask) -> list[Tool]:
        """Return the tools of one task: those of the shelf, and the lookup in its own table."""
        used = any(step.tool == HELD_OUT_TOOL for step in mixed.task.program)
        return [mixed.task.database.lookup(), self._calculate, *[self._exchange] * used, *self.tools]


def model(name: str, record: Record | None = None) -> ModelTool:
    """Return a model of ``PRICES`` as a tool."""
    about, latency = ("", None) if record is None else (record.line, record.latency)
    return ModelTool(name=name, price=PRICES[name], latency=latency, about=about, **_MODELS[name])


def seconds(calls: Mapping[str, int], records: Mapping[str, Record]) -> float:
    """Return the seconds that so many calls take, by what was measured."""
    return sum(count * records[name].latency for name, count in calls.items() if name in records)


def recorded(file: Path = MEASURED) -> dict[str, Record]:
    """Read what was measured of the tools. Raises BadInput where it was not yet."""
    if not file.is_file():
        raise BadInput(f"there is no {file}: run `python -m benchmarks.orchestra measure` first.")
    return {name: Record(**fields) for name, fields in json_text.read(file).items()}


@dataclass(frozen=True, slots=True)
class Votes:
    """What the two models answered to one problem: how far off, 0 where right, and their vote's share in percent."""

    large: bool
    level: int
    cheap_off: int
    cheap_share: int
    dear_off: int
    dear_share: int


def votes(file: Path = VOTES) -> list[Votes]:
    """Read what the models answered when they were measured."""
    return [Votes(*row) for row in json_text.read(file)]


def measure(each: int, file: Path = MEASURED, kept: Path = VOTES) -> dict[str, Record]:
    """Measure the tools on `each` problems a level of lab-validation, and write it down.

    What the models answer to these, and to half as many with large numbers, goes to `kept`: demonstrations draw from
    it. Problems to which one of them states no number are left out there.
    """
    problems = [p for i, p in enumerate(load("lab-validation")) if i % 100 < each]
    large = [task for task in mixed("validation", 10 * each, _SEED) if task.family == "large"]
    questions = [{"question": text} for text in [*(p.problem for p in problems), *(task.story for task in large)]]
    answers = [*(int(p.answer) for p in problems), *(task.task.answer for task in large)]
    found = {"python": Record(_rounded(asyncio.run(_timed(PythonTool(), [{"code": "print(6*7)"}] * _TIMED))))}
    seen: list[list[tuple[Any, ...]]] = [[(False, p.level) for p in problems] + [(True, task.level) for task in large]]
    for name in (CHEAP, DEAR):
        tool = model(name)
        seconds = asyncio.run(_timed(tool, questions[: len(problems) : max(1, len(problems) // _TIMED)]))
        texts = [result.text for result in asyncio.run(_all(tool, questions))]
        off = [_off(answer_in(text), answer) for text, answer in zip(texts, answers, strict=True)]
        found[name] = Record(_rounded(seconds), off[: len(problems)].count(0), len(problems))
        seen.append([(far, share_in(text)) for far, text in zip(off, texts, strict=True)])
    rows = [[*what, *cheap, *dear] for what, cheap, dear in zip(*seen, strict=True) if None not in (*cheap, *dear)]
    write_atomically(kept, json_text.dump(rows).replace("], [", "],\n [") + "\n", f"the file {kept}")
    text = json_text.dump({name: asdict(record) for name, record in found.items()}, indent=2)
    write_atomically(file, f"{text}\n", f"the file {file}")
    return found


def answer_in(text: str) -> str:
    """Return the answer that a model's result states; empty if it states none."""
    return text.removeprefix("Answer: ").partition(" ")[0] if text.startswith("Answer: ") else ""


def _off(stated: str, answer: int) -> int | None:
    """Return how far off a stated answer is; None if it is not a whole number."""
    return int(stated) - answer if re.fullmatch(r"-?\d+", stated) else None


def share_in(text: str) -> int:
    """Return the share of the vote that a model's result states, in percent; 0 if it states none."""
    found = re.search(r"\(share of the vote (\d+)%\)", text)
    return int(found[1]) if found else 0


async def _timed(tool: Tool, calls: list[dict[str, Any]]) -> float:
    """Return the median seconds of calls made one after the other."""
    clock, times = asyncio.get_running_loop().time, []
    for arguments in calls:
        begun = clock()
        await tool.call(arguments)
        times.append(clock() - begun)
    return statistics.median(times)


async def _all(tool: Tool, calls: list[dict[str, Any]]) -> list[Result]:
    limit = asyncio.Semaphore(32)

    async def one(arguments: dict[str, Any]) -> Result:
        async with limit:
            return await tool.call(arguments)

    return await asyncio.gather(*map(one, calls))


def _rounded(seconds: float) -> float:
    """Round to one significant digit."""
    return float(f"{seconds:.1g}")
