"""Coroutines side by side, and work on a thread that nobody waits for at the end. Standard library only."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterable
from contextlib import suppress
from typing import Any, TypeVar

T = TypeVar("T")


async def together(work: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """Run coroutines side by side; when one fails, cancel the others and raise its error."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(coroutine) for coroutine in work]
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None
    return [task.result() for task in tasks]


async def aside(work: Callable[..., T], *arguments: Any) -> T:
    """What ``work`` gives, computed on a thread of its own.

    Unlike ``asyncio.to_thread``, whose threads an event loop and the interpreter join before they end, this one is left
    behind when the coroutine is cancelled: an interrupt does not wait for a comparison of answers to come to its limit.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: BaseException | None) -> None:
        if future.done():  # cancelled
            return
        if error is None:
            future.set_result(result)  # type: ignore[arg-type]
        else:
            future.set_exception(error)

    def run() -> None:
        result, error = None, None
        try:
            result = work(*arguments)
        except BaseException as caught:
            error = caught
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(settle, result, error)

    threading.Thread(target=run, name="tts-aside", daemon=True).start()
    return await future


class LoopThread:
    """A daemon thread with an event loop that runs for as long as the process does."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, name="tts-vllm", daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine there and wait for it. Not to be called on that thread."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result()


_thread: LoopThread | None = None


_lock = threading.Lock()


def loop_thread() -> LoopThread:
    """The one thread for all front ends, started on first use."""
    global _thread
    with _lock:
        if _thread is None:
            _thread = LoopThread()
        return _thread
