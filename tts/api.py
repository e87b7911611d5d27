"""The Python interface: ``solve``, ``solve_async``, ``solve_many``, thin wrappers of :class:`tts.solver.Solver`."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Sized
from contextlib import aclosing, nullcontext
from typing import Any, TypeVar

from tqdm import tqdm

from tts.aio import WouldWait, blocking
from tts.errors import BadInput
from tts.executor import Work
from tts.registry import resolve
from tts.solver import solver_of
from tts.types import Problem, Solution

T = TypeVar("T")


def solve(problem: str | Problem, **settings: Any) -> Solution:
    """Answer one problem by search. The settings are those of :class:`Solver`, or with ``pool`` those of
    :class:`tts.pool_solver.PoolSolver`.

    >>> solve("Mia has 17 marbles. She wins 25 more. How many has she now?").answer
    '42'

    In a notebook it works too. Inside any running event loop it blocks that loop: use :func:`solve_async` there.

    Raises:
        TTSError: for anything that a user can mend.
    """
    return _blocking(lambda: solve_async(problem, **settings), "solve_async")


async def solve_async(problem: str | Problem, **settings: Any) -> Solution:
    """Solve one problem from code that already runs in an event loop; see :func:`solve`."""
    return await solver_of(settings).solve(problem)


def solve_many(
    problems: Iterable[str | Problem],
    *,
    concurrency: int = 32,
    on_solution: Callable[[int, Solution], None] | None = None,
    progress: bool | None = None,
    ray: Any = None,
    **settings: Any,
) -> list[Solution]:
    """Solve many problems concurrently; the solutions are in the order given.

    Args:
        problems: texts or Problems.
        concurrency: limit of problems solved at the same time in one process.
        on_solution: called with index and solution of each problem as it finishes: what an interrupt would lose.
        progress: whether to show a bar on stderr; by default where that is a terminal.
        ray: where to solve on a Ray cluster: ``"auto"``, an address, or a :class:`tts.cluster.Placement`; default: in
            this process.
        settings: those of :func:`solve`.

    Returns:
        One solution a problem; one that failed has its ``error`` set.

    Raises:
        BadInput: ``problems`` is a single text.
    """
    if isinstance(problems, (str, Problem)):
        raise BadInput("solve_many takes a list of problems; solve takes one.")

    async def collect() -> list[Solution]:
        solutions: dict[int, Solution] = {}
        solver = solver_of(settings)
        stream = (
            solver.stream(problems, concurrency)
            if there is None
            else there.stream(Work(solver, list(problems), concurrency, traced=True))
        )
        known = len(problems) if isinstance(problems, Sized) else None
        hidden = None if progress is None else not progress
        async with aclosing(stream):
            with tqdm(total=known, disable=hidden, unit="problem") as bar:
                async for index, solution in stream:
                    solutions[index] = solution
                    bar.update()
                    if on_solution:
                        on_solution(index, solution)
        return [solutions[index] for index in sorted(solutions)]

    there = None if ray is None else resolve("executor", "ray")(ray)
    with there or nullcontext():
        return _blocking(collect, "Solver.stream")


def _blocking(work: Callable[[], Coroutine[Any, Any, T]], instead: str) -> T:
    try:
        return blocking(work)
    except WouldWait:
        raise BadInput(f"this code runs on the engines' event loop: use `await {instead}(...)` instead.") from None
