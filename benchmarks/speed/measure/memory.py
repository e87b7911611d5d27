"""Memory of this process and its engines with problems in progress, and memory of a queue of many problems."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

from benchmarks.speed.harness import Bench, Measurement, Scale, timed
from benchmarks.speed.results_file import Record
from benchmarks.speed.table import Row, at_most
from tts.types import Problem

FLIGHT_BAR, QUEUE_BAR = 8.0, 200.0  # GB, MB


def measurements(scale: Scale) -> Iterator[Measurement]:
    yield Measurement("memory/flight", flight)
    yield Measurement("memory/queue", queue)


async def flight(bench: Bench) -> dict[str, Any]:
    """Measure the peak memory of this process and its children while problems are searched, in bytes."""
    load = await bench.open("lab")
    with Watch() as watch:
        await timed(load.solver("beam-search", bench.scale.n), load.problems(bench.scale.problems), "in flight")
    return {"bytes": watch.most, "processes": watch.processes, "problems": bench.scale.problems}


async def queue(bench: Bench) -> dict[str, Any]:
    """Measure how much memory this process gains, in bytes, with many problems queued and the first few solved."""
    load, scale = await bench.open("lab"), bench.scale
    solver, texts = load.solver("beam-search", scale.narrow), load.problems(500)
    await timed(solver, texts[: scale.problems])
    before, solved = held(os.getpid()), 0
    problems = [Problem(f"{texts[k % len(texts)].text} ({k})", f"queued-{k}") for k in range(scale.queue)]
    with Watch(children=False) as watch:
        async with aclosing(solver.stream(problems, scale.problems)) as stream:
            async for _ in stream:
                solved += 1
                if solved == 2 * scale.problems:
                    break
    return {"bytes": watch.most - before, "queued": len(problems), "solved": solved}


class Watch:
    """A thread that measures the memory of this process (and its children) every tenth of a second.

    Attributes:
        most: peak bytes; a page that several processes share counts once.
        processes: number of processes at the peak.
    """

    def __init__(self, children: bool = True) -> None:
        self.most, self.processes = 0, 0
        self._children = children
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Watch:
        self._look()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self._look()

    def _watch(self) -> None:
        while not self._over.wait(0.1):
            self._look()

    def _look(self) -> None:
        family = below(os.getpid()) if self._children else [os.getpid()]
        now = sum(held(process) for process in family)
        if now > self.most:
            self.most, self.processes = now, len(family)


def held(process: int) -> int:
    """Return the resident bytes of a process, its part of what it shares with others; 0 if it has ended."""
    try:
        table = Path(f"/proc/{process}/smaps_rollup").read_text()
    except OSError:
        return 0
    return sum(1024 * int(found) for found in re.findall(r"^Pss: +(\d+) kB$", table, re.MULTILINE))


def below(process: int) -> list[int]:
    """Return a process and all its descendants."""
    parents: dict[int, int] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            # The name in brackets may contain anything; the parent's id is the second word after it.
            parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, IndexError, ValueError):
            continue
    family = [process]
    for known in family:  # grows during iteration
        family += [child for child, parent in parents.items() if parent == known]
    return family


def rows(record: Record) -> Iterator[Row]:
    for [what], found in record.of("memory"):
        if what == "flight":
            size = found["bytes"] / 1e9
            bar, note = at_most(size, FLIGHT_BAR, " GB"), f"{found['processes']} processes together"
            yield Row("memory", f"{found['problems']} problems in flight", f"{size:.2f} GB", *bar, note)
        else:
            size = found["bytes"] / 1e6
            note = f"with {found['solved']} of them solved"
            bar = at_most(size, QUEUE_BAR, " MB")
            yield Row("memory", f"{found['queued']} problems queued", f"{size:.0f} MB more", *bar, note)
