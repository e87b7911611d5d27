"""One thread a device that runs the steps of all models on it in turn, and the bridge from there to asyncio."""

from __future__ import annotations

import asyncio
import atexit
import logging
import threading
from collections.abc import Sequence
from typing import Any, Generic, Protocol, TypeVar

import torch

from tts.errors import EngineError, TTSError

T = TypeVar("T")

_log = logging.getLogger(__name__)


class Steppable(Protocol):
    """A model that works in steps, each short: one decoded token, one batch of texts.

    ``threads`` is how many threads its kernels should use, 0 for torch's own setting.
    """

    threads: int

    def has_work(self) -> bool: ...

    def step(self) -> None: ...

    def abort(self, error: TTSError) -> None:
        """Fail everything waiting or under way."""
        ...


class Ticket(Generic[T]):
    """A place for one result in the event loop that asked for it. To be made and awaited within a running loop."""

    __slots__ = ("_future", "_loop", "abandoned")

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._future: asyncio.Future[T] = self._loop.create_future()
        self.abandoned = False

    async def result(self) -> T:
        """Wait for the result; a cancelled wait marks the ticket abandoned, so that no work goes on for it."""
        try:
            return await self._future
        finally:
            self.abandoned = True

    @staticmethod
    def settle(outcomes: Sequence[tuple[Ticket[Any], Any]]) -> None:
        """Hand over results, or exceptions to be raised, from any thread: one call a loop, however many results."""
        loops: dict[asyncio.AbstractEventLoop, list[tuple[Ticket[Any], Any]]] = {}
        for ticket, outcome in outcomes:
            loops.setdefault(ticket._loop, []).append((ticket, outcome))
        for loop, pairs in loops.items():
            try:
                loop.call_soon_threadsafe(_deliver, pairs)
            except RuntimeError:  # the loop was closed: nobody waits any more
                for ticket, _ in pairs:
                    ticket.abandoned = True


def _deliver(pairs: list[tuple[Ticket[Any], Any]]) -> None:
    for ticket, outcome in pairs:
        if ticket._future.done():
            continue
        if isinstance(outcome, BaseException):
            ticket._future.set_exception(outcome)
        else:
            ticket._future.set_result(outcome)


def failure(what: str, cause: BaseException) -> TTSError:
    """The error a caller sees when an engine broke: one sentence, the cause chained. One object a caller."""
    if isinstance(cause, TTSError):
        return cause
    reason = (str(cause).strip().splitlines() or [""])[0].rstrip(".")
    memory = " Allow fewer rows at once (max_rows) or a smaller cache (cache_bytes)." if "memory" in reason else ""
    error = EngineError(f"{what} failed: {type(cause).__name__}: {reason}.{memory}")
    error.__cause__ = cause
    return error


class Worker:
    """A daemon thread that gives every registered model one step in turn, and sleeps when none has work."""

    def __init__(self, name: str) -> None:
        self._wake = threading.Condition()
        self._models: list[Steppable] = []
        self._closed = False
        self._threads = 0
        self._thread = threading.Thread(target=self._run, name=f"tts-{name}", daemon=True)
        self._thread.start()

    def add(self, model: Steppable) -> None:
        with self._wake:
            self._models.append(model)

    def remove(self, model: Steppable) -> None:
        """Take a model out; what it still had to do fails."""
        with self._wake:
            if model in self._models:
                self._models.remove(model)
        model.abort(EngineError("the engine was closed before this request was done; load the model again."))

    def notify(self, model: Steppable) -> None:
        """Say that a model has work. Raises EngineError when it was taken out, or the worker closed."""
        with self._wake:
            if self._closed or model not in self._models:
                raise EngineError("the engine was closed; load the model again.")
            self._wake.notify()

    def close(self) -> None:
        """Stop the thread, after the step it is in, and fail what was not done."""
        with self._wake:
            self._closed = True
            models = list(self._models)
            self._wake.notify()
        if threading.current_thread() is not self._thread:
            self._thread.join(timeout=60)
        for model in models:
            self.remove(model)

    def _run(self) -> None:
        self._default_threads = torch.get_num_threads()
        while True:
            with self._wake:
                while not self._closed and not any(model.has_work() for model in self._models):
                    self._wake.wait()
                if self._closed:
                    return
                models = list(self._models)
            for model in models:
                if model.has_work():
                    self._step(model)

    def _step(self, model: Steppable) -> None:
        try:
            if model.threads != self._threads:
                torch.set_num_threads(model.threads or self._default_threads)
                self._threads = model.threads
            model.step()
        except Exception as error:  # a model that breaks must not take the others with it
            _log.debug("a step failed", exc_info=True)
            model.abort(failure("the engine", error))


_workers: dict[str, Worker] = {}
_workers_lock = threading.Lock()


def worker_for(device: str) -> Worker:
    """The worker of a device, started on first use."""
    with _workers_lock:
        if device not in _workers:
            _workers[device] = Worker(device)
        return _workers[device]


@atexit.register
def close_workers() -> None:
    """Stop all workers. Also done at exit: a thread inside a kernel must not outlive the interpreter."""
    with _workers_lock:
        workers = list(_workers.values())
        _workers.clear()
    for worker in workers:
        worker.close()
