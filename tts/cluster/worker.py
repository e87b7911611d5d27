"""The worker: an actor of Ray that holds a whole solver, so that no step of a search crosses the network.

Only texts cross: a solver's recipe, a problem and its budget in; a row out.
"""

from __future__ import annotations

import asyncio
import os
import platform
from contextlib import suppress

from tts.budget import Budget
from tts.cluster.connection import first_line
from tts.cluster.source import digest
from tts.errors import BadInput, BudgetError, CannotCall, EngineDied, PromptTooLong, TTSError
from tts.files.json_text import dump, parse
from tts.records.solution_json import flat
from tts.records.transfer import packed
from tts.selection.shared_budget import Share
from tts.solver import Solver, solver_of
from tts.types import Problem, Turn

SOLVED, REFUSED, DIED, FAILED = "solved", "refused", "died", "failed"
"""The kinds of result: a solution; what concerns all problems, in a sentence; why this worker is of no more use; the
fault of this program that a problem ran into."""

OF_CALLER = {"prompt": PromptTooLong, "tools": CannotCall, "input": BadInput, "budget": BudgetError}
"""Errors of a search that whoever asked a server can mend, by the kind of the result."""


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

    async def solve(self, recipe: str, asked: str) -> tuple[str, str]:
        """Solve a problem. Returns the kind of the result, and the solution or a sentence."""
        try:
            return await self.attempt(recipe, asked)
        except Exception as error:
            return FAILED, f"{type(error).__name__}: {first_line(error)}"

    async def attempt(self, recipe: str, asked: str) -> tuple[str, str]:
        """Solve a problem, as :meth:`solve` does; a fault of this program is an exception."""
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


def _wanted(asked: str) -> tuple[Problem, Share, bool]:
    """Read a request: the problem, its share of the budget, and whether its trace is wanted."""
    row = parse(asked, "a request")
    given = row["problem"]
    turns = tuple(Turn(turn["role"], turn["text"], tuple(turn["calls"])) for turn in given.pop("turns"))
    tools = tuple(given.pop("tools"))
    share = Share(Budget(**row["budget"]), warning=row["warning"])
    return Problem(**given, turns=turns, tools=tools), share, row["traced"]


def _warm(recipe: str) -> Solver:
    solver = solver_of(parse(recipe, "a recipe"))
    solver.warm_up()
    return solver
