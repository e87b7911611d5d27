"""The searches of a streamed answer: their events as they happen, from all choices at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import ExitStack, aclosing, suppress
from typing import NamedTuple

from tts.server.wishes import Job
from tts.trace import Event
from tts.types import Solution


class News(NamedTuple):
    """What happened in the search of one choice: an event, its end, or its failure."""

    choice: int
    what: Event | Solution | Exception


class Flow:
    """Runs a search for each job and hands out their news in the order in which they come.

    Args:
        jobs: what to search, one a choice.
        place: held until all searches have ended, whether or not the client has read their answer.
    """

    def __init__(self, jobs: Sequence[Job], place: ExitStack) -> None:
        self._place = place
        self._news: asyncio.Queue[News] = asyncio.Queue()
        self._first = asyncio.Event()
        self._failure: Exception | None = None  # of a search that did not begin
        self._left = len(jobs)
        self._tasks = [asyncio.create_task(self._follow(index, job)) for index, job in enumerate(jobs)]

    async def begun(self, seconds: float) -> Exception | None:
        """Wait until a search has begun, not longer than this; return the failure if the first one did not."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._first.wait()
        return self._failure

    async def news(self, seconds: float) -> AsyncGenerator[News | None, None]:
        """Yield the news until all searches have ended or one has failed; None when there was none for so long."""
        ended = 0
        while ended < len(self._tasks):
            try:
                async with asyncio.timeout(seconds):  # unlike wait_for, it never loses a cancellation (Python 3.11)
                    news = await self._news.get()
            except TimeoutError:
                yield None
                continue
            ended += isinstance(news.what, Solution)
            yield news
            if isinstance(news.what, Exception):
                return

    async def close(self) -> None:
        """End what is still searching."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._place.close()

    async def _follow(self, index: int, job: Job) -> None:
        try:
            async with aclosing(job.solver.watch(job.problem)) as events:
                async for event in events:
                    self._tell(News(index, event))
        except Exception as error:
            self._tell(News(index, error))
        finally:
            self._left -= 1
            if not self._left:
                self._place.close()

    def _tell(self, news: News) -> None:
        if isinstance(news.what, Exception) and not self._first.is_set():
            self._failure = news.what
        self._news.put_nowait(news)
        self._first.set()
