"""What `python -m benchmarks.orchestra` shows: the orchestrator against single models, its wishes, what transfers."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path

from safetensors.torch import load_file
from transformers import LlamaForCausalLM

from benchmarks.orchestra import export, policy
from benchmarks.orchestra.curve import over_cost
from benchmarks.orchestra.export import BEFORE
from benchmarks.orchestra.figures import Outcome, cost, gain, right, shares, within
from benchmarks.orchestra.rollouts import Wish, roll, served
from benchmarks.orchestra.stories import FAMILIES, MixedTask, mixed
from benchmarks.orchestra.tools import CHEAP, DEAR, PRICES, Answers, Remembered, Shelf, answer_in, model, recorded
from benchmarks.orchestra.words import HELD_OUT_TOOL
from tts.errors import BadInput
from tts.files.text import write_atomically
from tts.models.files import BUILT_IN

ALLOWED = (0.0002, 0.0005, 0.001, 0.002, 0.0025, 0.003, 0.005)
_ORCHESTRATOR, _TAUGHT, _RANDOM = "orchestrator", "demonstrations alone", "random weights"
_DEAREST = "always the dearest, lab-4m"

Outcomes = Mapping[str, Sequence[Outcome]]


class Stand:
    """The tools and policies that are compared, and the tasks that they have done so far."""

    def __init__(self, work: Path) -> None:
        self.answers = Answers(work / "shown.jsonl")
        self.shelf = Shelf(recorded(), self.answers)

    def orchestrated(self, name: str, tasks: Sequence[MixedTask], wish: Wish | None = None) -> list[Outcome]:
        """Return what a policy does with tasks, one greedy trajectory each."""
        made = served(_loaded(name), export.CARD)
        try:
            groups = roll(made, tasks, [wish or Wish()] * len(tasks), self.shelf, temperature=0.0)
        finally:
            made.close()
        return [Outcome.of(group[0]) for group in groups]

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


def _loaded(name: str) -> LlamaForCausalLM:
    found = policy.make(policy.Recipe())
    if name == _RANDOM:
        return found
    file = BEFORE if name == _TAUGHT else BUILT_IN / export.CARD.name / "model.safetensors"
    if not file.is_file():
        raise BadInput(f"there is no {file}: run `python -m benchmarks.orchestra train` first.")
    own = dict(found.named_parameters())
    for key, value in load_file(file).items():
        own[key].data.copy_(value)
    return found


def show(work: Path, count: int, figure: Path | None = None) -> bool:
    """Print the comparisons on `count` test tasks; return whether every bar holds. Draw the curves into `figure`."""
    stand = Stand(work)
    try:
        tasks = mixed("test", count)
        bars = _against_others(stand, tasks, figure) + _wishes(stand, tasks)
        _transfer(stand, max(1, count // 2))
    finally:
        stand.answers.close()
    print("\n## Bars\n")
    for text, holds in bars:
        print(f"- {'holds' if holds else 'FAILS'}: {text}")
    return all(holds for _, holds in bars)


def _against_others(stand: Stand, tasks: Sequence[MixedTask], figure: Path | None) -> list[tuple[str, bool]]:
    found: dict[str, list[Outcome]] = {_ORCHESTRATOR: stand.orchestrated(_ORCHESTRATOR, tasks)}
    for name in (_TAUGHT, _RANDOM):
        found[name] = stand.orchestrated(name, tasks)
    found["the loop, dearest model only"] = stand.orchestrated(_TAUGHT, tasks, Wish(deny=f"{CHEAP},python"))
    for name in PRICES:
        found[name.removeprefix("ask_")] = stand.asked(name, tasks)
    found[_DEAREST] = found.pop(DEAR.removeprefix("ask_"))
    if figure is not None:
        write_atomically(figure, over_cost({name: found[name] for name in found if name != _RANDOM}, ALLOWED))
    ours = found[_ORCHESTRATOR]
    print(f"## {len(tasks)} test tasks\n")
    print(f"| system | solved | {' | '.join(FAMILIES)} | dollars a task | orchestrator is above by |")
    print(f"|---|---|{'---|' * len(FAMILIES)}---|---|")
    for name, each in found.items():
        parts = [right(_of(family, tasks, each)).percent() for family in FAMILIES]
        above = "" if each is ours else gain(ours, each).points()
        print(f"| {name} | {right(each).percent()} | {' | '.join(parts)} | {cost(each):.5f} | {above} |")
    print(f"\n### Solved within so many dollars a task\n\n| system | {' | '.join(f'{a:g}' for a in ALLOWED)} |")
    print(f"|---|{'---|' * len(ALLOWED)}")
    curves = {name: [right(within(each, a)).value for a in ALLOWED] for name, each in found.items()}
    for name, curve in curves.items():
        print(f"| {name} | {' | '.join(f'{100 * value:.1f}' for value in curve)} |")
    _print_shares("Share of calls", {name: found[name] for name in (_TAUGHT, _ORCHESTRATOR)})
    others = [name for name in found if name != _ORCHESTRATOR]
    share = cost(ours) / cost(found[_DEAREST])
    bars = [(f"above {name}: {(g := gain(ours, found[name])).points()}", g.low > 0) for name in others]
    bars.append((f"costs {share:.0%} of always asking the dearest model (at most 50 %)", share <= 0.5))
    under = [n for n in others if any(c > o for c, o in zip(curves[n], curves[_ORCHESTRATOR], strict=True))]
    bars.append((f"the curve is above all others at every point{f', but not {under}' if under else ''}", not under))
    return bars


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


def _transfer(stand: Stand, count: int) -> None:
    print("\n## What transfers\n\n| tasks | policy | solved | dollars a task |\n|---|---|---|---|")
    for split, what in (("test", "known tables"), ("domain", "held-out table"), ("tool", "held-out tool")):
        tasks = mixed(split, count)
        for name in (_TAUGHT, _ORCHESTRATOR):
            each = stand.orchestrated(name, tasks)
            print(f"| {what} | {name} | {right(each).percent()} | {cost(each):.5f} |")
            if split == "tool":
                called = sum(bool(o.calls.get(HELD_OUT_TOOL)) for o in each) / len(each)
                print(f"| {what}: called at all | {name} | {100 * called:.1f} % | |")
            if split == "domain":
                for family in ("table", "both"):
                    print(f"| {what}, {family} | {name} | {right(_of(family, tasks, each)).percent()} | |")


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
