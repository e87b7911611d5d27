"""Concurrency helpers: task groups, threads that an interrupt does not wait for, the background event loop."""

from __future__ import annotations

import asyncio
import signal
import socket
import threading
from collections import deque
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable
from contextlib import suppress
from typing import Any, Generic, TypeVar

from tts.errors import EngineError

T = TypeVar("T")

_ASIDE = "tts-aside"


class WouldWait(RuntimeError):
    """Code on the background loop wanted to block until something ends there, which would wait for ever."""

    def __init__(self) -> None:
        super().__init__("the background loop cannot wait for itself: await this instead.")


async def together(work: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """Run coroutines concurrently; if one fails, cancel the others and raise its error."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(coroutine) for coroutine in work]
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None
    return [task.result() for task in tasks]


def in_time(work: Callable[[], T], seconds: float | None) -> T:
    """Return what ``work`` returns; it runs on a thread that is left behind after ``seconds``, or on Ctrl-C.

    Raises TimeoutError.
    """
    done: list[T] = []
    failed: list[BaseException] = []

    def run() -> None:
        try:
            done.append(work())
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=run, name=_ASIDE, daemon=True)
    thread.start()
    thread.join(seconds)
    if failed:
        raise failed[0]
    if not done:
        raise TimeoutError
    return done[0]


async def aside(work: Callable[..., T], *arguments: Any) -> T:
    """Run ``work`` on a thread of its own and return its result.

    Unlike those of ``asyncio.to_thread``, which the event loop and the interpreter join at exit, this thread is
    abandoned when the coroutine is cancelled: an interrupt waits for no model that is being loaded, and for no slow
    comparison of answers.
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

    threading.Thread(target=run, name=_ASIDE, daemon=True).start()
    return await future


async def heard(work: Coroutine[Any, Any, T]) -> T:
    """Await ``work`` on a loop of the main thread that hears every signal, such as that of Ctrl-C.

    asyncio alone misses one that comes just before the loop goes to sleep: Python's handler then waits until something
    else wakes the loop, and while a model is loaded nothing does. On other threads it changes nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        return await work
    loop, (reader, writer) = asyncio.get_running_loop(), socket.socketpair()
    with reader, writer:
        reader.setblocking(False)
        writer.setblocking(False)
        loop.add_reader(reader, reader.recv, 4096)
        before = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
        try:
            return await work
        finally:
            signal.set_wakeup_fd(before)
            loop.remove_reader(reader)


def blocking(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run a coroutine to its end and return its result, from code with or without a running event loop.

    A loop that runs here, such as a notebook's, stands still meanwhile: the coroutine has one of its own, on a thread.
    An interrupt cancels it. Raises WouldWait on the background loop, whose engines could not answer.
    """
    try:
        running = asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(heard(work()))
    if _thread is not None and running is _thread.loop:
        raise WouldWait
    tasks: list[asyncio.Task[Any]] = []

    async def known() -> T:
        task = asyncio.current_task()
        assert task is not None
        tasks.append(task)
        return await work()

    try:
        return in_time(lambda: asyncio.run(known()), None)
    except BaseException:
        for task in tasks:
            with suppress(RuntimeError):  # its loop is closed: the error is its own
                task.get_loop().call_soon_threadsafe(task.cancel)
        raise


def abandoned() -> bool:
    """Return whether a thread of ``aside`` or ``in_time`` is still at work."""
    return any(thread.name == _ASIDE for thread in threading.enumerate())


class Stop:
    """A wish to end what runs, with what it has so far; from any thread, or from a signal handler."""

    def __init__(self) -> None:
        self.asked = False
        self._waiting: set[asyncio.Future[None]] = set()

    def ask(self) -> None:
        """Express the wish."""
        self.asked = True
        for waiter in tuple(self._waiting):
            with suppress(RuntimeError):  # its loop is closed
                waiter.get_loop().call_soon_threadsafe(_settle, waiter)

    async def before(self, work: Coroutine[Any, Any, T], seconds: float | None) -> T:
        """Await ``work`` until the wish, at most ``seconds`` long; it is cancelled then. Raises TimeoutError."""
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.add(waiter)
        if self.asked:  # looked at once the waiter is known, so that no wish is missed
            _settle(waiter)
        task, late = asyncio.ensure_future(work), False
        either: set[asyncio.Future[Any]] = {task, waiter}
        try:
            await asyncio.wait(either, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._waiting.discard(waiter)
            waiter.cancel()
            if late := not task.done():
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
        if late:
            raise TimeoutError
        return task.result()


def _settle(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)


class LoopThread:
    """A daemon thread with an event loop that runs until the process ends."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="tts-loop", daemon=True)
        self._thread.start()

    async def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Await a coroutine that runs there; cancelling the wait cancels it. On that loop it is simply awaited."""
        if asyncio.get_running_loop() is self.loop:
            return await work
        return _result(await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(_outcome(work), self.loop)))

    def wait(self, work: Coroutine[Any, Any, T], seconds: float | None = None) -> T:
        """Run a coroutine there and block until it ends, at most ``seconds`` long.

        Raises WouldWait on that thread itself; TimeoutError.
        """
        if threading.current_thread() is self._thread:
            work.close()
            raise WouldWait
        return _result(asyncio.run_coroutine_threadsafe(_outcome(work), self.loop).result(seconds))

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        while True:
            with suppress(BaseException):  # such as SystemExit in a task, which belongs to whoever awaits the task
                self.loop.run_forever()


async def _outcome(work: Coroutine[Any, Any, T]) -> tuple[T, None] | tuple[None, Exception]:
    """Await work and return its result or its error: one that nobody waits for any more is not complained about."""
    try:
        return await work, None
    except Exception as error:
        return None, error


def _result(outcome: tuple[T, None] | tuple[None, Exception]) -> T:
    if outcome[1] is not None:
        raise outcome[1]
    return outcome[0]


_thread: LoopThread | None = None
_lock = threading.Lock()


def background() -> LoopThread:
    """Return the one background loop, started on first use: engines live on it, and searches with them run on it."""
    global _thread
    with _lock:
        if _thread is None:
            _thread = LoopThread()
        return _thread


class Mailbox(Generic[T]):
    """Items put in from any thread, read by the event loop that made it, in order; bounded by nothing."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._items: deque[T] = deque()
        self._filled = asyncio.Event()
        self._asked = False  # whether the reader is to be woken already: one call a batch, not one an item
        self._closed = False

    def put(self, item: T) -> None:
        self._items.append(item)
        self._wake()

    def close(self) -> None:
        """End the iteration after the items that are in."""
        self._closed = True
        self._wake()

    def _wake(self) -> None:
        if not self._asked:
            self._asked = True
            with suppress(RuntimeError):  # the loop is closed, and with it the reader
                self._loop.call_soon_threadsafe(self._filled.set)

    async def __aiter__(self) -> AsyncGenerator[T, None]:
        while True:
            self._asked = False
            self._filled.clear()
            while self._items:
                yield self._items.popleft()
            if self._closed and not self._items:
                return
            if not self._asked:
                await self._filled.wait()


class Requests:
    """The requests under way at something that can be closed; it lives on the background loop."""

    def __init__(self) -> None:
        self.closed = False
        self._tasks: set[asyncio.Task[Any]] = set()

    async def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Await one request from any event loop. Raises EngineError when it is closed before the request is done."""
        if self.closed:
            work.close()
            raise EngineError("the engine was closed; load the model again.")
        return await background().run(self._tracked(work))

    def close(self) -> None:
        """Fail what is under way and all that comes later. To be called on the background loop."""
        self.closed = True
        for task in self._tasks:
            task.cancel()

    async def _tracked(self, work: Coroutine[Any, Any, T]) -> T:
        task = asyncio.current_task()
        assert task is not None
        cancelled_before = task.cancelling()
        self._tasks.add(task)
        try:
            return await work
        except asyncio.CancelledError:
            if self.closed and task.uncancel() <= cancelled_before:  # by close() and by nobody else
                raise EngineError("the engine was closed before this request was done; load the model again.") from None
            raise
        finally:
            self._tasks.discard(task)
