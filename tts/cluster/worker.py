"""The worker: an actor of Ray that holds a whole solver, so that no step of a search crosses the network.

Only texts cross: a solver's recipe, a problem and its budget in; a row out.
"""

from __future__ import annotations

import asyncio
import os
import platform
from contextlib import suppress
from dataclasses import asdict

from tts.api import Solver, solver_of
from tts.budget import Budget
from tts.cluster.source import digest
from tts.errors import EngineDied, TTSError
from tts.files.json_text import dump, parse
from tts.records.transfer import packed
from tts.selection.shared_budget import Share
from tts.types import Problem, Turn

SOLVED, REFUSED, DIED = "solved", "refused", "died"
"""The kinds of reply: a solution; what concerns all problems, in a sentence; why this worker is of no more use."""


def request(problem: Problem, share: Share, traced: bool) -> str:
    """Write what a worker is asked for."""
    row = {"problem": asdict(problem), "budget": asdict(share.budget), "warning": share.warning, "traced": traced}
    return dump(row, compact=True)


class TTSWorker:
    """Solves problems by recipes (:meth:`tts.api.Solver.recipe`); models are loaded once for all recipes.

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
        """Solve a problem. Returns the kind of the reply, and the solution or a sentence."""
        wanted = parse(asked, "a request")
        turns = tuple(Turn(**turn) for turn in wanted["problem"].pop("turns"))
        problem = Problem(**wanted["problem"], turns=turns)
        try:
            solver = await self._solver(recipe)
            solution = await solver.attempt(problem, Share(Budget(**wanted["budget"]), warning=wanted["warning"]))
        except EngineDied as error:
            return DIED, str(error)
        except TTSError as error:
            return REFUSED, str(error)
        return SOLVED, packed(solution, wanted["traced"])

    async def _solver(self, recipe: str) -> Solver:
        """Build and warm up the solver of a recipe, once."""
        if recipe not in self._solvers:
            self._solvers[recipe] = asyncio.create_task(asyncio.to_thread(_warm, recipe))
        return await asyncio.shield(self._solvers[recipe])


def _warm(recipe: str) -> Solver:
    solver = solver_of(parse(recipe, "a recipe"))
    solver.warm_up()
    return solver
