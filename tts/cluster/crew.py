"""The crew: the workers of a run at the driver. They are asked for, greeted, and replaced when they are lost."""

from __future__ import annotations

import math
import secrets
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tts.cluster.connection import Connection
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
        name: shown in Ray's lists.
        actor: its handle.
        node, node_id: where it runs, once it has started.
        flying: indices of the problems that it works on.
        given: those of them that it has not been sent yet.
        asked: when it was asked for.
    """

    name: str
    actor: Any
    node: str = ""
    node_id: str = ""
    flying: set[int] = field(default_factory=set)
    given: list[tuple[int, str]] = field(default_factory=list)
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
        self._asked = self._barren = 0
        for _ in range(self.size):
            self._ask()

    def _ask(self) -> None:
        """Ask Ray for one more worker; it starts when the cluster has room for it."""
        self._asked += 1
        name = f"{self._title}, worker {self._asked}, run {self._run}"
        wanted: dict[str, Any] = {"num_cpus": self._placement.cpus, "num_gpus": self._placement.gpus}
        actor = self._ray.remote(TTSWorker).options(name=name, max_restarts=0, max_task_retries=0, **wanted)
        self.starting.append(Member(name, actor.remote(name, str(Path.cwd()))))

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
            if len(self.started) == self.size:
                nodes = len({each.node_id for each in self.started})
                self._notice(f"{self.size} worker{'s' * (self.size > 1)} on {nodes} node{'s' * (nodes > 1)}.")

    def room(self, unfinished: int, concurrency: int) -> Member | None:
        """Return the worker that is to have the next problem; None if each has enough for now.

        Each has at most its equal part of what is unfinished, so that none is idle at the end. Far from the end it has
        half as many again as it works on, so that it need not wait for the next ones.
        """
        if not self.started:
            return None
        soon = [each for each in self.starting if time.monotonic() - each.asked < GRACE]
        part = math.ceil(unfinished / (len(self.started) + len(soon)))
        most = min(part, concurrency if part < 2 * concurrency else concurrency + concurrency // 2)
        member = min(self.started, key=lambda each: len(each.flying))
        return member if len(member.flying) < most else None

    def lose(self, member: Member, why: str) -> Collection[int]:
        """Replace a worker, and say so, once. Returns the problems that it leaves.

        Raises EngineError when workers are lost again and again without a single finished problem.
        """
        if member not in self.started and member not in self.starting:
            return ()
        (self.started if member in self.started else self.starting).remove(member)
        self._kill(member)
        self._barren += 1
        where = f" on {member.node}" if member.node else ""
        if self._barren > 2 * LOSSES + self.size:
            raise EngineError(f"{self._barren} workers were lost and no problem was finished; the last{where}: {why}.")
        self._notice(f"a worker{where} was lost ({why}): another one does its problems.")
        self._ask()
        left, member.flying, member.given = member.flying, set(), []
        return left

    def clear(self) -> None:
        """Forget the problems of an earlier run that was not finished."""
        for member in self.started:
            member.flying.clear()
            member.given.clear()

    def finished(self) -> None:
        """Note that a problem was finished."""
        self._barren = 0

    def waiting(self) -> str:
        """Describe why nothing has started yet."""
        free = self._ray.available_resources()
        has = f"{free.get('CPU', 0):g} CPUs and {free.get('GPU', 0):g} GPUs free"
        return f"no worker has started: each asks for {self._placement.words()}, and the cluster has {has}; waiting."

    def close(self) -> None:
        """End all workers."""
        for member in (*self.started, *self.starting):
            self._kill(member)
        self.started.clear()
        self.starting.clear()

    def _kill(self, member: Member) -> None:
        try:
            self._ray.kill(member.actor, no_restart=True)
        except Exception:  # it is gone, or so is the cluster: there is nothing to end
            return
