"""A peer of the module ``ray`` for tests: actors are objects of this process, and a test can end or starve them."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Callable, Coroutine, Sequence
from types import SimpleNamespace
from typing import Any

from tts.cluster.desk import TTSDesk
from tts.cluster.worker import TTSWorker


class RayError(Exception):
    pass


class ActorDiedError(RayError):
    pass


class RayTaskError(RayError):
    def __init__(self, cause: Exception) -> None:
        super().__init__(str(cause))
        self.cause = cause


class Exceptions:
    RayError, ActorDiedError, RayTaskError = RayError, ActorDiedError, RayTaskError


class Method:
    """A method of an actor; ``remote`` returns what can be awaited."""

    def __init__(self, actor: Actor, name: str) -> None:
        self._actor, self._name = actor, name

    def remote(self, *arguments: Any) -> Coroutine[Any, Any, Any]:
        assert all(map(_plain, arguments)), "only texts, numbers and handles cross"
        return self._actor.call(self._name, *arguments)


def _plain(value: Any) -> bool:
    return isinstance(value, (str, int, Actor, type(None))) or (
        isinstance(value, (list, tuple)) and all(map(_plain, value))
    )


class Actor:
    """One actor and whether it lives. ``ray.kill`` and :meth:`end` fail its calls under way and all later ones."""

    def __init__(self, ray: FakeRay, options: dict[str, Any], made: TTSWorker | TTSDesk) -> None:
        self.options, self.made, self._ray = options, made, ray
        self.asked: list[str] = []
        self.answered: list[str] = []
        self._ended = asyncio.Event()
        for name in ("hello", "solve", "answer", "check", "exchange"):
            setattr(self, name, Method(self, name))
        if isinstance(made, TTSWorker):
            made.attempt = lambda *asked: ray.attempt(made, *asked)  # type: ignore[method-assign]

    @property
    def alive(self) -> bool:
        return not self._ended.is_set()

    def end(self) -> None:
        self._ended.set()

    async def call(self, name: str, *arguments: Any) -> Any:
        if name == "hello":
            await self._ray.room()
            return await self._answer(self._ray.greeting())
        if name == "answer":
            self.answered.append(arguments[1])
            return await self._answer(self._ray.answer(self.made, *arguments))
        if name == "exchange":
            self._ray.called(arguments[3])
        if name == "solve":
            self.asked.append(json.loads(arguments[1])["problem"]["id"])
            if self.asked[-1] in self._ray.poison:
                self.end()
        return await self._answer(getattr(self.made, name)(*arguments))

    async def _answer(self, work: Coroutine[Any, Any, Any]) -> Any:
        task, end = asyncio.ensure_future(work), asyncio.ensure_future(self._ended.wait())
        try:
            await asyncio.wait((task, end), return_when=asyncio.FIRST_COMPLETED)
            if not self.alive:
                raise ActorDiedError("The actor died unexpectedly before finishing this task.")
            return await task
        finally:
            task.cancel()
            end.cancel()


class Remote:
    def __init__(self, ray: FakeRay, kind: type[TTSWorker] | type[TTSDesk], options: dict[str, Any]) -> None:
        self._ray, self._kind, self._options = ray, kind, options

    def options(self, **options: Any) -> Remote:
        return Remote(self._ray, self._kind, options)

    def remote(self, *arguments: Any) -> Actor:
        if self._kind is TTSDesk:
            self._ray.desks.append(Actor(self._ray, self._options, TTSDesk(arguments[0], self._ray)))
            return self._ray.desks[-1]
        self._ray.actors.append(Actor(self._ray, self._options, self._kind(*arguments)))
        return self._ray.actors[-1]


class FakeRay:
    """The module.

    The cluster has room for ``rooms`` actors, and for one more ``grows`` seconds after the first was asked for.
    ``poison`` are ids of problems that end their worker. ``attempt`` and ``answer`` may be replaced; ``called``
    hears of the problems that each call of a desk gives. ``actors`` are the workers.
    """

    __version__ = "fake"
    exceptions = Exceptions
    util = SimpleNamespace(
        scheduling_strategies=SimpleNamespace(NodeAffinitySchedulingStrategy=lambda node, soft: (node, soft))
    )

    def __init__(self, cpus: float = 4, gpus: float = 0, rooms: int = 100, grows: float | None = None) -> None:
        self.resources = {"CPU": cpus, "GPU": gpus}
        self.actors: list[Actor] = []
        self.desks: list[Actor] = []
        self.poison: set[str] = set()
        self._rooms, self._grows = asyncio.Semaphore(rooms), grows
        self.source = ""
        self.attempt: Callable[..., Coroutine[Any, Any, Any]] = TTSWorker.attempt
        self.answer: Callable[..., Coroutine[Any, Any, Any]] = TTSWorker.answer
        self.cancelled = 0
        self.called: Callable[[Sequence[Any]], None] = lambda given: None
        self._greeted = itertools.count(1)

    def is_initialized(self) -> bool:
        return True

    def cluster_resources(self) -> dict[str, float]:
        return self.resources

    available_resources = cluster_resources

    def get_runtime_context(self) -> Any:
        return SimpleNamespace(get_node_id=lambda: "head")

    def remote(self, kind: type[TTSWorker] | type[TTSDesk]) -> Remote:
        return Remote(self, kind, {})

    def kill(self, actor: Actor, no_restart: bool = False) -> None:
        actor.end()

    def cancel(self, call: object) -> None:
        self.cancelled += 1

    async def room(self) -> None:
        if self._grows is not None:
            asyncio.get_running_loop().call_later(self._grows, self._rooms.release)
            self._grows = None
        await self._rooms.acquire()

    async def greeting(self) -> str:
        from tts import __version__
        from tts.cluster.source import digest

        number = next(self._greeted)
        about = {"node": f"node-{number}", "node_id": str(number), "version": __version__}
        return json.dumps(about | {"source": self.source or digest()})
