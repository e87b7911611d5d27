"""One thread per device that runs the steps of all its models in turn, and the bridge from there to asyncio."""

from __future__ import annotations

import atexit
import logging
import threading
from typing import Protocol, TypeVar

import torch

from tts.engines.ticket import failure
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
        """Fail all waiting and running work."""
        ...


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
    """Return the worker of a device; start it on first use."""
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
