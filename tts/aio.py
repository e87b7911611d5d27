"""Concurrency helpers: task groups, threads that an interrupt does not wait for, one background event loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterable
from contextlib import suppress
from typing import Any, TypeVar

T = TypeVar("T")


async def together(work: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """Run coroutines concurrently; if one fails, cancel the others and raise its error."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(coroutine) for coroutine in work]
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None
    return [task.result() for task in tasks]


async def aside(work: Callable[..., T], *arguments: Any) -> T:
    """Run ``work`` on a thread of its own and return its result.

    Unlike ``asyncio.to_thread``, whose threads the event loop and the interpreter join at exit, this thread is
    abandoned
    when the coroutine is cancelled: an interrupt does not wait for a slow comparison of answers.
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
        with suppress(RuntimeError):  # the loop is closed, and with it the waiter
            loop.call_soon_threadsafe(settle, result, error)

    threading.Thread(target=run, name="tts-aside", daemon=True).start()
    return await future


class LoopThread:
    """A daemon thread with an event loop that runs until the process ends."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, name="tts-vllm", daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on this thread's loop and wait for it. Must not be called on that thread."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result()


_thread: LoopThread | None = None


_lock = threading.Lock()


def loop_thread() -> LoopThread:
    """Return the one thread for all clients; start it on first use."""
    global _thread
    with _lock:
        if _thread is None:
            _thread = LoopThread()
        return _thread
