"""The crew: the actors of a run at the driver. They are asked for, greeted, and replaced when they are lost."""

from __future__ import annotations

import math
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tts.cluster.connection import Connection
from tts.cluster.desk import TTSDesk
from tts.cluster.losses import LOSSES
from tts.cluster.placement import Placement
from tts.cluster.source import digest
from tts.cluster.worker import TTSWorker
from tts.errors import EngineError, ModelError
from tts.files.json_text import parse

GRACE = 60.0
"""Seconds in which workers that were asked for count as if they had started."""


@dataclass(eq=False, slots=True)
class Member:
    """A worker.

    Attributes:
        number: of its name, which is shown in Ray's lists.
        actor: its handle.
        node, node_id: where it runs, once it has started.
        flying: searches of a server that it works on.
        asked: when it was asked for.
    """

    number: int
    actor: Any
    node: str = ""
    node_id: str = ""
    flying: set[int] = field(default_factory=set)
    asked: float = field(default_factory=time.monotonic)


class Crew:
    """Workers on a cluster.

    Args:
        connection: the cluster.
        placement: how many workers, and what each takes.
        title: part of their names, such as the policy.
        notice: called with a sentence for the user.

    Attributes:
        size: number of workers asked for.
        started: those that take problems.
        members: all that were ever asked for, by number.
    """

    def __init__(self, connection: Connection, placement: Placement, title: str, notice: Callable[[str], None]) -> None:
        self._connection, self._placement, self._notice = connection, placement, notice
        self._ray = connection.ray
        self._title = f"tts: {title}"
        self._run = secrets.token_hex(2)
        self.resources: dict[str, float] = dict(self._ray.cluster_resources())
        self.size = placement.fitting(self.resources)
        self.started: list[Member] = []
        self.starting: list[Member] = []
        self.members: dict[int, Member] = {}
        self._desk: Any = None
        self._changed: dict[int, Any] = {}
        self._barren = 0
        for _ in range(self.size):
            self._ask()

    def _ask(self) -> None:
        """Ask Ray for one more worker; it starts when the cluster has room for it."""
        number = len(self.members) + 1
        name = f"{self._title}, worker {number}, run {self._run}"
        wanted: dict[str, Any] = {"num_cpus": self._placement.cpus, "num_gpus": self._placement.gpus}
        actor = self._ray.remote(TTSWorker).options(name=name, max_restarts=0, max_task_retries=0, **wanted)
        self.members[number] = Member(number, actor.remote(name, str(Path.cwd())))
        self.starting.append(self.members[number])

    @property
    def desk(self) -> Any:
        """Return the desk's handle. It is asked for at first use, on the driver's node, which it takes nothing of."""
        if self._desk is None:
            here = self._ray.get_runtime_context().get_node_id()
            near = self._ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy(here, soft=True)
            name = f"{self._title}, desk, run {self._run}"
            actor = self._ray.remote(TTSDesk).options(name=name, num_cpus=0, max_restarts=0, scheduling_strategy=near)
            self._desk = actor.remote(name)
            self._changed = {member.number: member.actor for member in self.started}
        return self._desk

    def changes(self) -> list[tuple[int, Any]]:
        """Take what the desk does not know yet: handles of workers that have started, and None for those lost."""
        found, self._changed = list(self._changed.items()), {}
        return found

    @property
    def has_newcomers(self) -> bool:
        """Whether a worker has started that the desk does not know."""
        return any(actor is not None for actor in self._changed.values())

    async def greet(self, member: Member) -> None:
        """Wait until a worker has started. Raises ModelError for another version of this program there."""
        from tts import __version__

        about = parse(await member.actor.hello.remote(), "a worker's greeting")
        member.node, member.node_id = about["node"], about["node_id"]
        if about["source"] != digest():
            theirs, ours = about["version"], __version__
            other = f"{theirs}, not {ours}" if theirs != ours else f"{theirs} from another source than this process"
            raise ModelError(f"node {member.node} runs tts-search {other}: install the same version on every node.")
        if member in self.starting:
            self.starting.remove(member)
            self.started.append(member)
            self._changed[member.number] = member.actor
            if len(self.started) == self.size:
                nodes = len({each.node_id for each in self.started})
                self._notice(f"{self.size} worker{'s' * (self.size > 1)} on {nodes} node{'s' * (nodes > 1)}.")

    def room(self, unfinished: int, concurrency: int) -> tuple[int, int]:
        """Return how many problems a worker has at a time, and how many the desk and all workers have together.

        Each worker has at most its equal part of what is unfinished, so that none is idle at the end. Far from the end
        as many again wait at the desk, so that no worker waits for the driver.
        """
        if not self.started:
            return 0, 0
        soon = [each for each in self.starting if time.monotonic() - each.asked < GRACE]
        part = math.ceil(unfinished / (len(self.started) + len(soon)))
        return min(part, concurrency), min(part, 2 * concurrency) * len(self.started)

    def lose(self, member: Member, why: str) -> None:
        """Replace a worker, and say so, once.

        Raises EngineError when workers are lost again and again without a single finished problem.
        """
        if member not in self.started and member not in self.starting:
            return
        (self.started if member in self.started else self.starting).remove(member)
        self._changed[member.number] = None
        self._kill(member.actor)
        where = f" on {member.node}" if member.node else ""
        self._count(where, why)
        self._notice(f"a worker{where} was lost ({why}): another one does its problems.")
        self._ask()

    def lose_desk(self, desk: Any, why: str) -> bool:
        """Give up the desk; the next use asks for another one. False if that is done already. Raises EngineError."""
        if desk is not self._desk:
            return False
        self._kill(desk)
        self._desk = None
        self._count("", why)
        self._notice(f"the desk was lost ({why}): what the workers have now is done again.")
        return True

    def _count(self, where: str, why: str) -> None:
        self._barren += 1
        if self._barren > 2 * LOSSES + self.size:
            raise EngineError(f"{self._barren} workers were lost and no problem was finished; the last{where}: {why}.")

    def finished(self) -> None:
        """Note that a problem was finished."""
        self._barren = 0

    def waiting(self) -> str:
        """Describe why nothing has started yet."""
        free = self._ray.available_resources()
        has = f"{free.get('CPU', 0):g} CPUs and {free.get('GPU', 0):g} GPUs free"
        return f"no worker has started: each asks for {self._placement.words()}, and the cluster has {has}; waiting."

    def close(self) -> None:
        """End all actors."""
        for actor in (*(member.actor for member in (*self.started, *self.starting)), self._desk):
            self._kill(actor)
        self.started.clear()
        self.starting.clear()
        self._desk = None

    def _kill(self, actor: Any) -> None:
        if actor is None:
            return
        try:
            self._ray.kill(actor, no_restart=True)
        except Exception:  # it is gone, or so is the cluster: there is nothing to end
            return
