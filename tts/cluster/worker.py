"""The worker: an actor of Ray that holds a whole solver, so that no step of a search crosses the network.

Only texts cross: a solver's recipe, a problem and its budget in; a row out.
"""

from __future__ import annotations

import asyncio
import os
import platform
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial

from tts.budget import Budget
from tts.cluster.connection import first_line
from tts.cluster.source import digest
from tts.errors import BadInput, BudgetError, EngineDied, PromptTooLong, TTSError
from tts.files.json_text import dump, parse
from tts.records.solution_json import flat
from tts.records.transfer import packed
from tts.selection.shared_budget import Share
from tts.solver import Solver, solver_of
from tts.types import Problem, Turn

SOLVED, REFUSED, DIED, FAILED = "solved", "refused", "died", "failed"
"""The kinds of result: a solution; what concerns all problems, in a sentence; why this worker is of no more use; the
fault of this program that a problem ran into."""

Result = tuple[int, str, str]
"""The index of a problem in its run, the kind, and the solution or a sentence."""


OF_CALLER = {"prompt": PromptTooLong, "input": BadInput, "budget": BudgetError}
"""Errors of a search that whoever asked a server can mend, by the kind of the result."""

GATHER, GATHERS = 0.05, 10
"""Seconds in which results are gathered into one reply while the worker has other problems, and how often in a row
while some of them wait for a place, so that the worker is not idle meanwhile."""


def request(problem: Problem, share: Share, traced: bool) -> str:
    """Write what a worker is asked for."""
    given = flat(problem) | {"turns": list(map(flat, problem.turns))}
    row = {"problem": given, "budget": flat(share.budget), "warning": share.warning, "traced": traced}
    return dump(row, compact=True)


class TTSWorker:
    """Solves problems by recipes (:meth:`tts.solver.Solver.recipe`); models are loaded once for all recipes.

    Args:
        name: shown in Ray's lists and logs.
        folder: working folder of the caller, so that relative paths mean the same where it exists.
    """

    def __init__(self, name: str, folder: str) -> None:
        self.name = name
        self._solvers: dict[str, asyncio.Task[Solver]] = {}
        self._desk = Desk("", 1)
        with suppress(OSError):
            os.chdir(folder)

    def __repr__(self) -> str:
        return self.name

    async def hello(self) -> str:
        """Return what identifies this process and its program, in JSON."""
        import ray

        from tts import __version__

        node = f"{platform.node()} ({ray.util.get_node_ip_address()})"
        node_id = ray.get_runtime_context().get_node_id()
        return dump({"node": node, "node_id": node_id, "version": __version__, "source": digest()})

    async def exchange(self, run: str, recipe: str, asked: Sequence[tuple[int, str]], concurrency: int) -> list[Result]:
        """Begin further problems of a run, and return what has ended; wait until something has.

        At most ``concurrency`` problems are worked on at a time. One call carries all that has happened since the last
        one: a call of Ray costs its caller more than a row. The first call for another run cancels what is left of the
        run before.
        """
        if self._desk.run != run:
            self._desk.close()
            self._desk = Desk(run, concurrency)
        for index, text in asked:
            self._desk.begin(index, partial(self._outcome, index, recipe, text))
        return await self._desk.ended()

    async def _outcome(self, index: int, recipe: str, asked: str) -> Result:
        try:
            kind, text = await self.solve(recipe, asked)
        except Exception as error:
            kind, text = FAILED, f"{type(error).__name__}: {first_line(error)}"
        return index, kind, text

    async def solve(self, recipe: str, asked: str) -> tuple[str, str]:
        """Solve a problem. Returns the kind of the result, and the solution or a sentence."""
        problem, share, traced = _wanted(asked)
        try:
            solver = await self._solver(recipe)
            solution = await solver.attempt(problem, share)
        except EngineDied as error:
            return DIED, str(error)
        except TTSError as error:
            return REFUSED, str(error)
        return SOLVED, packed(solution, traced)

    async def answer(self, recipe: str, asked: str) -> tuple[str, str]:
        """Solve a problem for a server. Returns the kind of the result, or of the error."""
        problem, share, traced = _wanted(asked)
        try:
            solver = await asyncio.to_thread(solver_of, parse(recipe, "a recipe"))  # the models are loaded once
            solution = await solver._solve(problem, share)
        except EngineDied as error:
            return DIED, str(error)
        except TTSError as error:
            return next((name for name, kind in OF_CALLER.items() if isinstance(error, kind)), FAILED), str(error)
        return SOLVED, packed(solution, traced)

    async def check(self, recipe: str) -> str:
        """Load the models of a recipe. Returns a sentence if it cannot run here, else nothing."""
        try:
            await self._solver(recipe)
        except TTSError as error:
            return str(error)
        return ""

    async def _solver(self, recipe: str) -> Solver:
        """Build and warm up the solver of a recipe, once."""
        if recipe not in self._solvers:
            self._solvers[recipe] = asyncio.create_task(asyncio.to_thread(_warm, recipe))
        return await asyncio.shield(self._solvers[recipe])


class Desk:
    """The problems of one run that a worker works on, ``places`` at a time, and the results that wait to be fetched."""

    def __init__(self, run: str, places: int) -> None:
        self.run = run
        self._most, self._places = places, asyncio.Semaphore(places)
        self._results: list[Result] = []
        self._tasks: set[asyncio.Task[Result]] = set()
        self._news = asyncio.Event()
        self._closed = False

    def begin(self, index: int, work: Callable[[], Awaitable[Result]]) -> None:
        """Start a problem as soon as a place is free."""
        task = asyncio.create_task(self._placed(work), name=f"problem {index}")
        self._tasks.add(task)
        task.add_done_callback(self._finish)

    async def ended(self) -> list[Result]:
        """Wait for results and take them; none once the desk is closed."""
        while not (self._results or self._closed):
            self._news.clear()
            await self._news.wait()
        for _ in range(GATHERS):
            if self._closed or not self._tasks:
                break
            await asyncio.sleep(GATHER)
            if len(self._tasks) <= self._most:  # none waits: the next ones are to come soon
                break
        taken, self._results = self._results, []
        return taken

    def close(self) -> None:
        """Cancel what is left."""
        self._closed = True
        for task in self._tasks:
            task.cancel()
        self._news.set()

    async def _placed(self, work: Callable[[], Awaitable[Result]]) -> Result:
        async with self._places:
            return await work()

    def _finish(self, task: asyncio.Task[Result]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            self._results.append(task.result())
            self._news.set()


def _wanted(asked: str) -> tuple[Problem, Share, bool]:
    """Read a request: the problem, its share of the budget, and whether its trace is wanted."""
    row = parse(asked, "a request")
    turns = tuple(Turn(**turn) for turn in row["problem"].pop("turns"))
    share = Share(Budget(**row["budget"]), warning=row["warning"])
    return Problem(**row["problem"], turns=turns), share, row["traced"]


def _warm(recipe: str) -> Solver:
    solver = solver_of(parse(recipe, "a recipe"))
    solver.warm_up()
    return solver
