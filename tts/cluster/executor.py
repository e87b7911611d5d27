"""The executor ``ray``: a desk deals problems to the workers of a cluster, and their rows come back together."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tts.cluster.connection import Connection, require_ray
from tts.cluster.crew import Crew, Member
from tts.cluster.desk import LOST, Result
from tts.cluster.losses import LOSSES, cause, unable
from tts.cluster.placement import Placement
from tts.cluster.queue import Costs
from tts.cluster.run import Run
from tts.cluster.worker import DIED, FAILED, REFUSED
from tts.errors import ModelError, TTSError
from tts.executor import Executor, Work
from tts.files.json_text import dump
from tts.records.transfer import unpacked
from tts.solver import Solver
from tts.types import Problem, Solution

PATIENCE = 30.0
"""Seconds without any worker until a sentence says what they wait for."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Reply:
    """What became of problems, or of an actor.

    Attributes:
        run: name of the run whose ``results`` they are.
        lost: why ``member``, which has not started, or the ``desk`` is gone.
        fatal: ends the run.
    """

    run: str = ""
    results: Sequence[Result] = ()
    member: Member | None = None
    desk: Any = None
    lost: str = ""
    fatal: TTSError | None = None


class RayExecutor(Executor):
    """Solves on the workers of a Ray cluster, which start with the first stream and serve all streams after it.

    Args:
        placement: the cluster and its workers, or the cluster's address.
        notice: called with a sentence for the user when workers start, wait or are lost; default: the log.
        ray: the module; by default it is imported.

    Raises:
        MissingExtra: Ray is not installed.
        BadInput: the placement makes no sense.
    """

    def __init__(
        self, placement: Placement | str, notice: Callable[[str], None] = _log.warning, ray: Any = None
    ) -> None:
        self._placement = Placement.of(placement)
        self._ray, self._notice = ray or require_ray(), notice
        self._connection: Connection | None = None
        self._crew: Crew | None = None
        self._costs = Costs()
        self._replies: asyncio.Queue[Reply] = asyncio.Queue()
        self._greetings: dict[Member, asyncio.Task[None]] = {}

    @property
    def about(self) -> Mapping[str, Any]:
        return {"ray": self._ray.__version__, **self._placement.row()}

    @property
    def status(self) -> str:
        return f"{len(self._crew.started)} of {self._crew.size} workers" if self._crew else "connecting"

    def close(self) -> None:
        """End the workers, and the connection if it was made here."""
        crew, self._crew = self._crew, None
        connection, self._connection = self._connection, None
        if crew is not None:
            crew.close()
        if connection is not None:
            connection.close()

    async def stream(self, work: Work) -> AsyncGenerator[tuple[int, Solution], None]:
        run = Run.of(work, self._recipe(work.solver), self._costs)
        for index, solution in run.refused.items():
            yield index, solution
        if not run.unfinished:
            return
        crew = self._joined(work.solver.plan.policy)
        calls: set[asyncio.Task[None]] = set()
        try:
            while run.unfinished:
                self._greet_all(crew)
                self._hand_out(crew, run, work.concurrency, calls)
                finished = list(self._settled(crew, run, await self._next(crew), work.solver))
                self._hand_out(crew, run, work.concurrency, calls)  # what takes these rows may take its time
                for index, solution in finished:
                    self._costs.add(solution)
                    yield index, solution
        finally:
            left = list(calls)
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)

    # -- the workers -------------------------------------------------------------------------------------------------

    def _joined(self, title: str) -> Crew:
        """Return the crew; the first call connects to the cluster and asks for it."""
        if self._crew is None:
            self._connection = Connection(self._placement, self._ray)
            self._crew = Crew(self._connection, self._placement, title, self._notice)
            if self._crew.resources.get("GPU") and not self._placement.gpus:
                self._notice("the cluster has GPUs, and these workers ask for none: --ray-gpus 1 gives each one.")
        return self._crew

    def _greet_all(self, crew: Crew) -> None:
        for member in crew.starting:
            if member not in self._greetings:
                self._greetings[member] = asyncio.create_task(self._greet(crew, member))

    def _hand_out(self, crew: Crew, run: Run, concurrency: int, calls: set[asyncio.Task[None]]) -> None:
        """Give the desk what it has room for, and ask it for results. ``calls`` are the calls under way."""
        most, room = crew.room(run.unfinished, concurrency)
        given = [run.take() for _ in range(min(len(run.queue), max(0, room - len(run.flying))))]
        if given or crew.has_newcomers or (run.flying and not calls):
            desk = crew.desk
            calls.add(asyncio.create_task(self._exchange(desk, run, crew.changes(), given, most, calls)))

    async def _greet(self, crew: Crew, member: Member) -> None:
        reply = Reply()
        try:
            await crew.greet(member)
        except TTSError as error:
            reply = Reply(fatal=error)
        except self._ray.exceptions.RayError as error:
            reply = Reply(member=member, lost=cause(error), fatal=unable(error))
        self._replies.put_nowait(reply)

    async def _exchange(
        self,
        desk: Any,
        run: Run,
        workers: list[tuple[int, Any]],
        given: list[tuple[int, str]],
        most: int,
        calls: set[asyncio.Task[None]],
    ) -> None:
        try:
            reply = Reply(run.name, await desk.exchange.remote(run.name, run.recipe, workers, given, most))
        except self._ray.exceptions.RayError as error:
            reply = Reply(desk=desk, lost=cause(error))
        finally:
            if (task := asyncio.current_task()) is not None:
                calls.discard(task)  # before the reply is read, which may call the desk again
        self._replies.put_nowait(reply)

    async def _next(self, crew: Crew) -> Reply:
        while True:
            try:
                return await asyncio.wait_for(self._replies.get(), None if crew.started else PATIENCE)
            except TimeoutError:
                self._notice(crew.waiting())

    def _settled(self, crew: Crew, run: Run, reply: Reply, solver: Solver) -> Iterator[tuple[int, Solution]]:
        """Account for a reply; yields the problems that it ends. Raises what ends the run."""
        if reply.fatal is not None:
            raise reply.fatal
        if reply.member is not None:
            crew.lose(reply.member, reply.lost)
        if reply.desk is not None and crew.lose_desk(reply.desk, reply.lost):
            run.recall()
        for index, kind, text, number in reply.results if reply.run == run.name else ():
            member = crew.members[number]
            if kind == REFUSED:
                raise ModelError(f"on node {member.node}: {text}")
            if kind in (LOST, DIED):
                crew.lose(member, text)
            if index not in run.flying:
                continue  # it was put back when the desk was lost
            if kind not in (LOST, DIED):
                yield index, run.finish(index, self._solution(crew, run.problems[index], kind, text, solver))
            elif not run.again(index):
                error = f"its worker was lost {LOSSES} times: {text}."
                yield index, run.finish(index, solver.failed(run.problems[index], error))

    def _solution(self, crew: Crew, problem: Problem, kind: str, text: str, solver: Solver) -> Solution:
        if kind == FAILED:
            return solver.failed(problem, text)
        crew.finished()
        return unpacked(text, problem)

    def _recipe(self, solver: Solver) -> str:
        recipe = solver.recipe()
        if self._placement.share < 1:
            recipe["gpu_memory"] = recipe["gpu_memory"] * self._placement.share
        return dump(recipe)
