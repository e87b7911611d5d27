"""Runner of the jobs of a benchmark: many problems at a time, each graded and written when it finishes."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from pathlib import Path
from typing import Any

from benchmarks.bench.folder import RunFolder
from benchmarks.bench.grading import graded
from benchmarks.bench.jobs import Job, Line, jobs_of
from benchmarks.bench.progress import Progress
from benchmarks.bench.results_table import Tally
from benchmarks.datasets.dataset import DataSet
from benchmarks.datasets.items import Item
from tts.aio import heard
from tts.commands.progress import watched
from tts.errors import BadInput
from tts.executor import Executor, Here, Work
from tts.trace import Sampled
from tts.types import Solution

_NOTE = 60.0  # seconds between two notes of a job's pace in the manifest
_GRADERS = 4  # most answers are compared by spelling; the others wait for the math-verify processes anyway


class Bench:
    """A run of a data set. Use it in a ``with``; :meth:`run` then runs what is missing.

    Args:
        data: the problems.
        lines: lines of the results table, see :func:`benchmarks.bench.jobs.plan_run`.
        out: the run folder.
        settings, facts, retry: see :class:`RunFolder`.
        concurrency: limit of problems solved at the same time in one process.
        executor: where they are solved; default: in this process.

    Attributes:
        tally: figures of the lines, rows of earlier calls included.
        resumed: number of rows from earlier calls.

    Raises:
        BadInput: see RunFolder.
    """

    def __init__(
        self,
        data: DataSet,
        lines: Sequence[Line],
        out: Path,
        settings: Mapping[str, Any],
        facts: Mapping[str, Any],
        *,
        retry: bool = False,
        concurrency: int = 32,
        executor: Executor | None = None,
    ) -> None:
        if concurrency < 1:
            raise BadInput(f"concurrency must be a whole number, 1 or more, not {concurrency}.")
        self.data, self.lines, self.concurrency = data, lines, concurrency
        self.executor = executor or Here()
        self.jobs = jobs_of(lines)
        self.tally = Tally(lines)
        self._noted: dict[str, float] = {}
        self._right = dict.fromkeys((job.name for job in self.jobs), 0)
        self._spent = dict.fromkeys((job.name for job in self.jobs), 0.0)
        self.folder = RunFolder(out, settings, facts, self._take, retry)
        self.resumed = len(self.folder.done)

    def __enter__(self) -> Bench:
        return self

    def __exit__(self, *_: object) -> None:
        self.folder.close()

    def missing(self, job: Job) -> list[Item]:
        """Return the problems that a job has not finished."""
        return [item for item in self.data.items if (job.name, item.problem.id) not in self.folder.done]

    def run(self) -> None:
        """Run what is missing. Finished problems are on disk whatever ends this."""
        with ThreadPoolExecutor(_GRADERS, "grading") as graders, asyncio.Runner() as runner:
            for job in self.jobs:
                if todo := self.missing(job):
                    self._run(job, todo, graders, runner)

    def _run(self, job: Job, todo: list[Item], graders: ThreadPoolExecutor, runner: asyncio.Runner) -> None:
        total = len(self.data.items)
        done = total - len(todo)
        sampled = Sampled()
        progress = Progress(job.name, total, done, self._right[job.name], status=lambda: self.executor.status)

        def so_far() -> str:
            return self.executor.status or str(sampled)

        def words() -> str:
            return "" if progress.made else f"{job.name}: {done} of {total} problems, {so_far()}"

        try:
            with watched(words, lambda _: progress.show(so_far())):
                runner.run(heard(self._stream(job, todo, progress, graders, sampled)))
        finally:
            progress.close()
            self.folder.note(job.name, progress.made, progress.seconds)

    async def _stream(
        self, job: Job, todo: list[Item], progress: Progress, graders: ThreadPoolExecutor, sampled: Sampled
    ) -> None:
        """Grade concurrently with the search: a slow comparison delays neither the engine nor other problems."""
        grading: set[asyncio.Task[None]] = set()
        problems = [item.problem for item in todo]
        spent = self._spent[job.name]
        stream = self.executor.stream(Work(job.solver, problems, self.concurrency, spent, listener=sampled))
        try:
            async with aclosing(stream):
                async for index, solution in stream:
                    grading.add(asyncio.create_task(self._finish(job, todo[index], solution, progress, graders)))
                    if len(grading) > self.concurrency:  # rows are large: bound how many wait
                        await asyncio.wait(grading, return_when=asyncio.FIRST_COMPLETED)
                    for task in [task for task in grading if task.done()]:
                        grading.discard(task)
                        task.result()
            for task in list(grading):
                await task
                grading.discard(task)
        finally:
            await asyncio.gather(*grading, return_exceptions=True)

    async def _finish(
        self, job: Job, item: Item, solution: Solution, progress: Progress, graders: ThreadPoolExecutor
    ) -> None:
        def grade() -> dict[str, Any]:
            return graded(held.pop(), item, self.data.name, job.name, job.solver.kind.make)

        # A thread holds its arguments until it next has the processor, on a busy machine long after its result.
        held = [solution]
        row = await asyncio.get_running_loop().run_in_executor(graders, grade)
        self.folder.add(row)
        progress.add(bool(row["correct"]))
        if progress.seconds - self._noted.get(job.name, 0.0) >= _NOTE:  # so that a killed call leaves a pace
            self._noted[job.name] = progress.seconds
            self.folder.note(job.name, progress.made, progress.seconds)

    def _take(self, row: Mapping[str, Any]) -> None:
        self.tally.add(row)
        if row["job"] in self._right:
            self._right[row["job"]] += bool(row["correct"])
            self._spent[row["job"]] += row["usage"]["flops"] or 0
