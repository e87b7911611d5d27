"""The requests under way: how many may come in, and how all of them end."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

from starlette.types import Receive

from tts.records.words import count
from tts.server.refusals import Refusal, shutting_down

T = TypeVar("T")

_SOON = 5  # seconds after which a client may try again


class HungUp(Exception):
    """The client is gone: nobody reads the answer."""


class House:
    """Counts the requests that are being answered. All of them search at once and share the engines' batches.

    Attributes:
        most: limit of requests.
        inside: requests now.
        closing: no more are let in.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.inside = 0
        self.closing = False
        self._tasks: set[asyncio.Task[Any]] = set()
        self._ended = False
        self._empty = asyncio.Event()

    @contextmanager
    def admitted(self) -> Iterator[None]:
        """Hold a place for one request. Raises Refusal (503) if there is none."""
        if self.closing:
            raise shutting_down()
        if self.inside >= self.most:
            message = f"the server is answering {count(self.inside, 'request')}, which is all it takes: try again soon."
            raise Refusal(503, message, code="queue_full", headers={"retry-after": str(_SOON)})
        self.inside += 1
        try:
            yield
        finally:
            self.inside -= 1
            if not self.inside:
                self._empty.set()

    async def run(self, work: Coroutine[Any, Any, T], receive: Receive) -> T:
        """Await work for a client; cancel it at once when the client hangs up.

        Raises:
            HungUp: it did.
            Refusal: the server shut down before the work was done.
        """
        if self._ended:
            work.close()
            raise shutting_down()
        task, gone = asyncio.create_task(work), asyncio.create_task(_gone(receive))
        self._tasks.add(task)
        try:
            await asyncio.wait((task, gone), return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                raise HungUp
            if task.cancelled() and self._ended:
                raise shutting_down()
            return task.result()
        finally:
            self._tasks.discard(task)
            task.cancel()
            gone.cancel()
            await asyncio.gather(task, gone, return_exceptions=True)

    async def close(self, seconds: float) -> None:
        """Let no more requests in, wait for those inside, and cancel what is left after the deadline."""
        self.closing = True
        if self.inside:
            self._empty.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._empty.wait()
        self._ended = True
        for task in self._tasks:
            task.cancel()


async def _gone(receive: Receive) -> None:
    """Return when the client hangs up. The request's body has been read."""
    while (await receive())["type"] != "http.disconnect":
        pass
