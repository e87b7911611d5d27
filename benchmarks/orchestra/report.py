"""What `python -m benchmarks.orchestra` shows: the orchestrator against single models, its wishes, what transfers."""

from __future__ import annotations

import asyncio
import hashlib
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from transformers import LlamaForCausalLM

from benchmarks.orchestra import export, policy
from benchmarks.orchestra.curve import ALLOWED, CEILINGS, curve, drawn
from benchmarks.orchestra.export import OTHER, ROLLED, TAUGHT
from benchmarks.orchestra.figures import Outcome, cost, gain, right, shares
from benchmarks.orchestra.rollouts import Wish, roll, served
from benchmarks.orchestra.stories import FAMILIES, MixedTask, mixed
from benchmarks.orchestra.tools import CHEAP, DEAR, PRICES, Answers, Remembered, Shelf, answer_in, model, recorded
from benchmarks.orchestra.words import HELD_OUT_TOOL
from benchmarks.stats.intervals import Interval
from tts.errors import BadInput
from tts.files import json_text
from tts.files.text import write_atomically
from tts.models.files import BUILT_IN

_ORCHESTRATOR, _RANDOM = "orchestrator", "random weights"
_DEAREST = "the expert alone"
_LOOPS = {
    "the loop, always the expert": f"{CHEAP},python",
    "the loop, the expert or Python": CHEAP,
}
"""Tools that the orchestrator is denied, so that each of its questions goes to the dearest model, or to a program."""

_HIDDEN = ("lab-1m", "lab-4m")  # of the figure, which has room for seven; the table has them all

TEST = 24
"""The seed of the test tasks: no earlier policy was measured on them."""

Outcomes = Mapping[str, Sequence[Outcome]]


class Stand:
    """The tools and policies that are compared, and what they did with tasks so far, which is kept in a folder."""

    def __init__(self, work: Path) -> None:
        self.work = work / "outcomes"
        self.work.mkdir(parents=True, exist_ok=True)
        self.answers = Answers(work / "shown.jsonl")
        self.shelf = Shelf(recorded(), self.answers)

    def orchestrated(self, name: str, tasks: Sequence[MixedTask], wish: Wish | None = None) -> list[Outcome]:
        """Return what a policy does with tasks, one greedy trajectory each; the same is done once."""
        wish, model = wish or Wish(), _loaded(name)
        weights = b"".join(p.detach().numpy().tobytes() for p in model.parameters())
        asked = "".join(task.task.question for task in tasks)
        what = hashlib.sha256(weights + repr((wish, asked)).encode()).hexdigest()[:24]
        file = self.work / f"{what}.json"
        if not file.is_file():
            made = served(model, export.CARD)
            try:
                groups = roll(made, tasks, [wish] * len(tasks), self.shelf, temperature=0.0, concurrency=64)
            finally:
                made.close()
            rows = [asdict(Outcome.of(group[0])) for group in groups]
            write_atomically(file, json_text.dump(rows), f"the file {file}")
            print(f"{name}, {wish}: {len(tasks)} tasks", file=sys.stderr)
        return [Outcome(**row) for row in json_text.read(file)]

    def limited(self, name: str, tasks: Sequence[MixedTask], deny: str, dollars: float) -> list[Outcome]:
        """Return what a policy does under a ceiling of dollars for its calls.

        A task on which it spent no more under a higher ceiling, at which the same tools are offered, is not run again:
        a greedy trajectory would be the same.
        """
        dearer = [PRICES[each] for each in (CHEAP, DEAR) if PRICES[each] > dollars]
        highest = max(ceiling for ceiling in CEILINGS if ceiling < min(dearer)) if dearer else None
        found = self.orchestrated(name, tasks, Wish(deny=deny, max_cost=highest))
        again = [k for k, each in enumerate(found) if each.paid > dollars]
        if again:
            fresh = self.orchestrated(name, [tasks[k] for k in again], Wish(deny=deny, max_cost=dollars))
            for k, each in zip(again, fresh, strict=True):
                found[k] = each
        return found

    def asked(self, name: str, tasks: Sequence[MixedTask]) -> list[Outcome]:
        """Return what one model answers to tasks by itself."""
        tool = Remembered(model(name), self.answers)
        limit = asyncio.Semaphore(32)

        async def one(task: MixedTask) -> Outcome:
            async with limit:
                result = await tool.call({"question": task.task.question})
            return Outcome(answer_in(result.text) == str(task.task.answer), PRICES[name], result.seconds, {name: 1})

        async def every() -> list[Outcome]:
            return await asyncio.gather(*map(one, tasks))

        return asyncio.run(every())


def _other() -> str:
    """Return which policy, before or after GRPO, is not the one in the package."""
    return ROLLED if json_text.read(BUILT_IN / export.CARD.name / "training.json")["shipped"] == TAUGHT else TAUGHT


def _loaded(name: str) -> LlamaForCausalLM:
    found = policy.make(policy.Recipe())
    if name == _RANDOM:
        return found
    file = OTHER if name == _other() else BUILT_IN / export.CARD.name / "model.safetensors"
    if not file.is_file():
        raise BadInput(f"there is no {file}: run `python -m benchmarks.orchestra train` first.")
    return policy.with_weights(found, file)


def show(work: Path, count: int, figure: Path | None = None, split: str = "test") -> bool:
    """Print the comparisons on `count` tasks of a split; return whether every bar holds. Draw the curves into `figure`.

    What is chosen is chosen on the split ``validation``, for which nothing is held out.
    """
    stand = Stand(work)
    try:
        tasks = mixed(split, count, TEST)
        print(f"## {count} {split} tasks\n")
        bars = _against_others(stand, tasks) + _curves(stand, tasks, figure) + _wishes(stand, tasks)
        if split == "test":
            _transfer(stand, tasks)
    finally:
        stand.answers.close()
    print("\n## Bars\n")
    for text, holds in bars:
        print(f"- {'holds' if holds else 'FAILS'}: {text}")
    return all(holds for _, holds in bars)


def _against_others(stand: Stand, tasks: Sequence[MixedTask]) -> list[tuple[str, bool]]:
    ours = stand.orchestrated(_ORCHESTRATOR, tasks)
    found: dict[str, Sequence[Outcome]] = {_ORCHESTRATOR: ours}
    found |= {name: stand.orchestrated(name, tasks) for name in (_other(), _RANDOM)}
    found |= {name: stand.orchestrated(_ORCHESTRATOR, tasks, Wish(deny=denied)) for name, denied in _LOOPS.items()}
    found |= {_single(name): stand.asked(name, tasks) for name in PRICES}
    print(f"| system | solved | {' | '.join(FAMILIES)} | dollars a task | orchestrator is above by |")
    print(f"|---|---|{'---|' * len(FAMILIES)}---|---|")
    for name, each in found.items():
        parts = [right(_of(family, tasks, each)).percent() for family in FAMILIES]
        above = "" if each is ours else gain(ours, each).points()
        print(f"| {name} | {right(each).percent()} | {' | '.join(parts)} | {cost(each):.5f} | {above} |")
    _print_shares("Share of calls", {name: found[name] for name in (_RANDOM, _ORCHESTRATOR, _other())})
    others = {name: each for name, each in found.items() if name not in (_ORCHESTRATOR, _other())}
    bars = [(f"above {name}: {(g := gain(ours, each)).points()}", g.low > 0) for name, each in others.items()]
    for name in (_DEAREST, *_LOOPS):
        share = cost(ours) / cost(found[name])
        bars.append((f"costs {share:.0%} of {name} (at most 50 %)", share <= 0.5))
    return bars


def _single(name: str) -> str:
    return _DEAREST if name == DEAR else name.removeprefix("ask_")


def _curves(stand: Stand, tasks: Sequence[MixedTask], figure: Path | None) -> list[tuple[str, bool]]:
    """Print the curves; each point of a loop is a run under that ceiling, the same for each of them."""

    def loop(policy: str, deny: str = "") -> list[Interval]:
        return curve(lambda dollars: stand.limited(policy, tasks, deny, dollars))

    ours = loop(_ORCHESTRATOR)
    curves = {_other(): loop(_other())} | {name: loop(_ORCHESTRATOR, denied) for name, denied in _LOOPS.items()}
    curves |= {_single(name): curve(lambda _, name=name: stand.asked(name, tasks)) for name in PRICES}  # type: ignore[misc]
    print(f"\n### Solved within so many dollars a task\n\n| system | {' | '.join(f'{a:g}' for a in ALLOWED)} |")
    print(f"|---|{'---|' * len(ALLOWED)}")
    for name, shares_solved in {_ORCHESTRATOR: ours, **curves}.items():
        print(f"| {name} | {' | '.join(f'{100 * each.value:.1f}' for each in shares_solved)} |")
    if figure is not None:
        shown = {name: each for name, each in curves.items() if name not in _HIDDEN}
        write_atomically(figure, drawn({_ORCHESTRATOR: ours, **shown}, len(tasks)))
    theirs = {name: each for name, each in curves.items() if name != _other()}
    under = [name for name, each in theirs.items() if any(c.value > o.value for c, o in zip(each, ours, strict=True))]
    return [(f"no curve is above the orchestrator's anywhere{f', but {under}' if under else ''}", not under)]


def _wishes(stand: Stand, tasks: Sequence[MixedTask]) -> list[tuple[str, bool]]:
    wishes = {
        "nothing": Wish(),
        "cost=0.5": Wish({"cost": 0.5}),
        "latency=0.5": Wish({"latency": 0.5}),
        "only local": Wish(only="local"),
    }
    found = {name: stand.orchestrated(_ORCHESTRATOR, tasks, wish) for name, wish in wishes.items()}
    plain, saving, local = found["nothing"], found["cost=0.5"], found["only local"]
    print("\n## Wishes\n\n| asked for | solved | against nothing | dollars a task | seconds of tools a task |")
    print("|---|---|---|---|---|")
    for name, each in found.items():
        seconds = sum(o.seconds for o in each) / len(each)
        print(f"| {name} | {right(each).percent()} | {gain(each, plain).points()} | {cost(each):.5f} | {seconds:.2f} |")
    _print_shares("Share of calls by wish", found)
    saved, lost = 1 - cost(saving) / cost(plain), gain(saving, plain)
    priced = sum(each.priced for each in local)
    return [
        (f"asked to save, it spends {saved:.0%} less (at least 40 %)", saved >= 0.4),
        (f"asked to save, it loses less than 5 points: {lost.points()}", lost.value > -0.05),
        (f"asked for local only, {priced} priced calls are made", priced == 0),
    ]


def _transfer(stand: Stand, known: Sequence[MixedTask]) -> None:
    """Print what the policy does with the held-out table and tool; a third as many tasks as the known ones."""
    print("\n## What transfers\n\n| tasks | policy | solved |\n|---|---|---|")
    third = max(1, len(known) // 3)
    for what, tasks in (
        ("known tables", known),
        ("held-out table", mixed("domain", third, TEST)),
        ("held-out tool", mixed("tool", third, TEST)),
    ):
        for name in (_other(), _ORCHESTRATOR):
            each = stand.orchestrated(name, tasks)
            for family in ("table", "both"):
                if part := _of(family, tasks, each):
                    print(f"| {what}, {family} | {name} | {right(part).percent()} of {len(part)} |")
            if tasks[-1].task.program and tasks[-1].task.program[-1].tool == HELD_OUT_TOOL:
                called = sum(bool(o.calls.get(HELD_OUT_TOOL)) for o in each) / len(each)
                print(f"| {what}: called at all | {name} | {100 * called:.1f} % |")


def _of(family: str, tasks: Sequence[MixedTask], outcomes: Sequence[Outcome]) -> list[Outcome]:
    return [outcome for task, outcome in zip(tasks, outcomes, strict=True) if task.family == family]


def _print_shares(title: str, found: Outcomes) -> None:
    tables = {name: shares(each) for name, each in found.items()}
    tools = ["lookup", "calculate", "python", CHEAP, DEAR]
    print(f"\n### {title}\n\n| | {' | '.join(tools)} | other | calls a task |\n|---|{'---|' * len(tools)}---|---|")
    for name, table in tables.items():
        known = [table.get(tool, 0.0) for tool in tools]
        number = sum(sum(o.calls.values()) for o in found[name]) / len(found[name])
        cells = " | ".join(f"{100 * value:.0f} %" for value in known)
        print(f"| {name} | {cells} | {100 * max(0.0, sum(table.values()) - sum(known)):.0f} % | {number:.1f} |")
