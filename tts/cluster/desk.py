"""The desk: an actor of Ray that deals the problems of a run to the workers, and gathers their results for the driver.

A call of Ray costs the driver more processor time than a row does. So it calls the desk alone, and one call carries the
rows of all workers that have ended since the last one.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

from tts.cluster.connection import require_ray
from tts.cluster.losses import cause
from tts.cluster.worker import DIED

LOST = "lost"
"""The kind of a result whose worker is gone; its text says why."""

Result = tuple[int, str, str, int]
"""The index of a problem in its run, the kind, the solution or a sentence, and the number of the worker."""

Solve = Callable[[int, str], Awaitable[tuple[str, str]]]
"""Asks a worker, by its number, to solve a problem; returns the kind of the result, and the solution or a sentence."""

GATHER, GATHERS = 0.05, 20
"""Seconds in which results are gathered into one reply, and how often in a row while some problems wait for a worker,
so that no worker is idle meanwhile."""


class TTSDesk:
    """Deals problems to workers. The driver alone decides what becomes of a lost worker and of its problems.

    Args:
        name: shown in Ray's lists and logs.
        ray: the module; by default it is imported.
    """

    def __init__(self, name: str, ray: Any = None) -> None:
        self.name = name
        self._ray = ray or require_ray()
        self._workers: dict[int, Any] = {}
        self._flight = Flight("", partial(self._solve, ""))

    def __repr__(self) -> str:
        return self.name

    async def exchange(
        self, run: str, recipe: str, workers: Sequence[tuple[int, Any]], asked: Sequence[tuple[int, str]], most: int
    ) -> list[Result]:
        """Take further problems of a run, and return what has ended; wait until something has.

        The first call for another run cancels what is left of the run before.

        Args:
            run: name of the run.
            recipe: of its solver, see :meth:`tts.solver.Solver.recipe`.
            workers: handles of further workers by their number; None for one that is gone.
            asked: index and text of further problems.
            most: problems that a worker has at a time; the others wait here.
        """
        self._workers.update(workers)
        if self._flight.run != run:
            self._flight.close()
            self._flight = Flight(run, partial(self._solve, recipe))
            workers = list(self._workers.items())
        for number, worker in workers:
            self._flight.staff(number, worker is not None)
        self._flight.give(asked, most)
        return await self._flight.ended()

    async def _solve(self, recipe: str, number: int, text: str) -> tuple[str, str]:
        call = self._workers[number].solve.remote(recipe, text)
        try:
            kind, found = await call
        except asyncio.CancelledError:
            self._ray.cancel(call)
            raise
        except self._ray.exceptions.RayError as error:
            return LOST, cause(error)
        return kind, found


class Flight:
    """The problems of one run at the desk: those that wait, those that a worker has, and the results to be fetched."""

    def __init__(self, run: str, solve: Solve) -> None:
        self.run = run
        self._solve = solve
        self._flying: dict[int, int] = {}  # number of problems of each worker that takes some
        self._most = 0
        self._waiting: deque[tuple[int, str]] = deque()
        self._results: list[Result] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._news = asyncio.Event()
        self._calls = 0  # of the driver, to wait for results; the last one takes them

    def staff(self, number: int, here: bool) -> None:
        """Deal to a worker from now on, or no longer."""
        if here:
            self._flying.setdefault(number, 0)
        else:
            self._flying.pop(number, None)

    def give(self, asked: Sequence[tuple[int, str]], most: int) -> None:
        """Take further problems; a worker has at most so many at a time."""
        self._waiting.extend(asked)
        self._most = most
        self._deal()

    async def ended(self) -> list[Result]:
        """Wait for results and take them. A later call takes the place of this one, which then returns none."""
        self._calls += 1
        mine = self._calls
        self._news.set()
        while mine == self._calls and not self._results:
            self._news.clear()
            await self._news.wait()
        for _ in range(GATHERS):
            if mine != self._calls or not self._tasks:
                break
            await asyncio.sleep(GATHER)
            if not self._waiting:  # the next ones are to come soon
                break
        taken: list[Result] = []
        if mine == self._calls:
            taken, self._results = self._results, []
        return taken

    def close(self) -> None:
        """Cancel what is left."""
        self._calls += 1
        for task in self._tasks:
            task.cancel()
        self._news.set()

    def _deal(self) -> None:
        """Give waiting problems to the workers with the fewest."""
        while self._waiting and self._flying:
            number = min(self._flying, key=self._flying.__getitem__)
            if self._flying[number] >= self._most:
                break
            self._flying[number] += 1
            index, text = self._waiting.popleft()
            task = asyncio.create_task(self._solved(number, index, text), name=f"problem {index}")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _solved(self, number: int, index: int, text: str) -> None:
        kind, found = await self._solve(number, text)
        if kind in (LOST, DIED):
            self._flying.pop(number, None)
        elif number in self._flying:
            self._flying[number] -= 1
        self._results.append((index, kind, found, number))
        self._news.set()
        self._deal()
