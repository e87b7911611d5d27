"""Benchmark runs of the toy models of :mod:`tests.toy`, in this process and in processes to be killed."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.bench.jobs import plan_run
from benchmarks.bench.runner import Bench
from benchmarks.datasets.dataset import DataSet, digest
from benchmarks.datasets.items import Item
from tests.toy import ToyPolicy, ToyReward
from tts import Solver
from tts.protocols import Completion, Request
from tts.types import Problem

SETTINGS = {"seed": 0}


def dataset(count: int = 12) -> DataSet:
    """Problems whose right answer is 3, what the toy boxes unless it slips."""
    items = tuple(Item(Problem(f"How much is thing {k}?", f"p{k}"), "3", 1 + k % 2) for k in range(count))
    return DataSet("things", "made here", items, count, digest(items))


def toy_bench(
    out: Path,
    *,
    policy: ToyPolicy | None = None,
    data: DataSet | None = None,
    strategies: Sequence[str] = ("best-of-n", "majority", "beam-search"),
    budgets: Sequence[int] = (2, 4),
    settings: dict[str, Any] | None = None,
    **options: Any,
) -> Bench:
    policy = policy or ToyPolicy()

    def make(**arguments: Any) -> Solver:
        return Solver(policy, ToyReward(), **arguments)

    lines = plan_run(make, strategies, budgets, {})
    return Bench(data or dataset(), lines, out, settings or SETTINGS, {"command": "toy"}, **options)


def rows(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "outcomes.jsonl").read_text().splitlines()]


def comparable(out: Path) -> dict[tuple[str, str], dict[str, Any]]:
    """The rows by job and problem, without the seconds, which no two runs share."""
    found = {}
    for row in rows(out):
        row["usage"].pop("seconds")
        assert (row["job"], row["id"]) not in found
        found[row["job"], row["id"]] = row
    return found


class Stalls(ToyPolicy):
    """Writes the solutions of the first problems it is asked about; at any other it says so in a file and waits."""

    def __init__(self, problems: int, marker: Path) -> None:
        super().__init__()
        self.problems, self.marker = problems, marker
        self.known: set[str] = set()

    async def generate(self, request: Request) -> Completion:
        if len(self.known) < self.problems:
            self.known.add(request.problem.id)
        if request.problem.id not in self.known:
            self.marker.touch()
            await asyncio.Event().wait()
        return await super().generate(request)


if __name__ == "__main__":
    folder, problems, marker = sys.argv[1:]
    with toy_bench(Path(folder), policy=Stalls(int(problems), Path(marker)), concurrency=3) as run:
        run.run()
