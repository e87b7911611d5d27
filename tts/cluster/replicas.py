"""Replicas behind a server: workers of a cluster that answer one search each time they are asked, whole."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from typing import Any

from tts.cluster.connection import Connection
from tts.cluster.crew import Crew, Member
from tts.cluster.losses import LOSSES, cause, unable
from tts.cluster.placement import Placement
from tts.cluster.worker import DIED, OF_CALLER, SOLVED, request
from tts.errors import EngineDied, ModelError
from tts.files.json_text import dump
from tts.records.transfer import unpacked
from tts.selection.shared_budget import Share
from tts.solver import Solver
from tts.trace import Listener
from tts.types import Problem, Solution


class Replicas:
    """The workers that a server hands its searches to: the one with the fewest.

    Args:
        placement: the cluster, how many, and what each takes. They start with the first search or check.
        title: part of their names.
        notice: called with a sentence for the operator.
        ray: the module.
    """

    def __init__(self, placement: Placement, title: str, notice: Callable[[str], None], ray: Any) -> None:
        self._placement, self._title, self._notice, self._ray = placement, title, notice, ray
        self._joined: tuple[Connection, Crew] | None = None
        self._greetings: dict[Member, asyncio.Task[None]] = {}
        self._numbers = itertools.count()

    def check(self, solver: Solver) -> None:
        """Load a solver's models on a replica. Raises TTSError where it cannot run there."""
        sentence = asyncio.run(self._checked(self.send(solver.recipe())))
        if sentence:
            raise ModelError(sentence)

    async def solve(self, recipe: str, asked: str, problem: Problem) -> Solution:
        """Search on one replica. Where that is lost, another one begins anew; cancelled, the replica stops.

        Raises:
            TTSError: what the search ran into, or no replica is left.
        """
        for _ in range(LOSSES):
            member = await self._member()
            number = next(self._numbers)
            member.flying.add(number)
            call = member.actor.answer.remote(recipe, asked)
            try:
                kind, text = await call
            except asyncio.CancelledError:
                self._ray.cancel(call)
                raise
            except self._ray.exceptions.RayError as error:
                self._crew.lose(member, cause(error))
                continue
            finally:
                member.flying.discard(number)
            if kind != DIED:
                self._crew.finished()
                return _solution(kind, text, problem)
            self._crew.lose(member, text)
        raise EngineDied(f"its replica was lost {LOSSES} times.")

    def close(self) -> None:
        """End the replicas, and the connection if it was made here."""
        joined, self._joined = self._joined, None
        if joined is not None:
            connection, crew = joined
            crew.close()
            connection.close()

    @property
    def _crew(self) -> Crew:
        if self._joined is None:
            connection = Connection(self._placement, self._ray)
            self._joined = connection, Crew(connection, self._placement, self._title, self._notice)
        return self._joined[1]

    def send(self, recipe: dict[str, Any]) -> str:
        """Write a recipe for a replica, with its part of a GPU's memory."""
        if self._placement.share < 1:
            recipe["gpu_memory"] = recipe["gpu_memory"] * self._placement.share
        return dump(recipe)

    async def _checked(self, recipe: str) -> str:
        member = await self._member()
        sentence: str = await member.actor.check.remote(recipe)
        self._greetings.clear()  # they belong to the loop that ends here
        return sentence

    async def _member(self) -> Member:
        """Return the replica with the fewest searches; wait for the first one to start."""
        while True:
            for member in self._crew.starting:
                if member not in self._greetings:
                    self._greetings[member] = asyncio.create_task(self._greet(member))
            if self._crew.started:
                return min(self._crew.started, key=lambda each: len(each.flying))
            waiting = [self._greetings[member] for member in self._crew.starting]
            for task in (await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED))[0]:
                task.result()

    async def _greet(self, member: Member) -> None:
        try:
            await self._crew.greet(member)
        except self._ray.exceptions.RayError as error:
            if (why := unable(error)) is not None:
                raise why from error
            self._crew.lose(member, cause(error))


class ReplicaSolver(Solver):
    """A solver whose models are on replicas. Nothing is loaded in this process.

    Args:
        replicas: where searches run.
        arguments, settings: those of :class:`tts.solver.Solver`; only what can be sent.
    """

    def __init__(self, replicas: Replicas, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self._replicas = replicas
        self.recipe()

    async def _solve(self, problem: Problem, share: Share, listener: Listener | None = None) -> Solution:
        asked = request(problem, share, traced=True)
        solution = await self._replicas.solve(self._replicas.send(self.recipe()), asked, problem)
        if listener is not None:
            for event in solution.trace.events:
                listener(event)
        return solution


def _solution(kind: str, text: str, problem: Problem) -> Solution:
    if kind == SOLVED:
        return unpacked(text, problem)
    raise OF_CALLER.get(kind, ModelError)(text)
