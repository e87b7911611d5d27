"""The thread that vLLM's front ends live on, and the bridge to whatever event loop a request comes from.

An ``AsyncLLM`` belongs to one event loop for life, while every ``solve()`` runs one of its own. So all of them live on
a loop of ours, on a thread of its own: requests cross over in batches, results come back in batches.
"""

from __future__ import annotations

import asyncio
import gc
import itertools
import logging
import multiprocessing
from collections import deque
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from tts.aio import LoopThread
from tts.engines.ticket import Ticket
from tts.errors import EngineDied, EngineError, TTSError

T = TypeVar("T")


def tokens_prompt(tokens: list[int]) -> dict[str, Any]:
    """Token ids as vLLM's front end takes them without looking at them again."""
    return {"type": "token", "prompt_token_ids": tokens}


@dataclass(slots=True, eq=False)
class _Job:
    ticket: Ticket[Any]
    ask: Callable[[str], AsyncGenerator[Any, None]]  # a request's id -> what the front end yields for it
    task: asyncio.Task[None] | None = None
    cancelled: bool = False


@dataclass(eq=False)
class Service:
    """One ``AsyncLLM`` behind a call that any event loop may await.

    Attributes:
        name: the model's, for error messages.
        engine: the front end; made on ``thread``.
        thread: where it lives.
        log: what its process prints, for error messages; taken away when the engine is closed in order.
        dead: set once its process is gone; every later request fails at once.
    """

    name: str
    engine: Any
    thread: LoopThread
    log: Path | None = None
    dead: bool = False
    _inbox: deque[_Job] = field(default_factory=deque)
    _cancelled: deque[_Job] = field(default_factory=deque)
    _outbox: list[tuple[Ticket[Any], Any]] = field(default_factory=list)
    _flying: set[_Job] = field(default_factory=set)
    _woken: bool = False
    _ids: itertools.count[int] = field(default_factory=itertools.count)

    async def ask(self, ask: Callable[[str], AsyncGenerator[Any, None]]) -> Any:
        """The last thing that ``ask(request_id)`` yields. Cancelling aborts the request in the engine.

        Raises:
            EngineDied: when the engine's process is gone.
            EngineError: when it refused or failed this request.
        """
        if self.dead:
            raise self._died()
        job = _Job(Ticket(), ask)
        self._inbox.append(job)
        self._wake()
        try:
            return await job.ticket.result()
        except asyncio.CancelledError:
            self._cancelled.append(job)
            self._wake()
            raise

    def close(self) -> None:
        """Shut the engine's process down; requests under way fail with EngineError."""
        if self.dead:
            return
        self.dead = True
        gc.unfreeze()
        logging.getLogger("vllm").setLevel(logging.CRITICAL)  # it tells at length of the end that we ask for
        try:
            self.thread.run(self._shut())
        except RuntimeError:  # the loop has ended before us
            pass
        except KeyboardInterrupt:  # somebody does not want to wait
            for process in multiprocessing.active_children():
                if process.name.startswith("EngineCore"):
                    process.kill()

    # -- on the thread -----------------------------------------------------------------------------------------------

    def _wake(self) -> None:
        # One wake-up for all that comes before the loop gets round to it; a lost race only wakes it twice.
        if not self._woken:
            self._woken = True
            self.thread.loop.call_soon_threadsafe(self._drain)

    def _drain(self) -> None:
        self._woken = False
        while self._inbox:
            job = self._inbox.popleft()
            if not job.ticket.abandoned:
                job.task = self.thread.loop.create_task(self._run(job))
                self._flying.add(job)
        while self._cancelled:
            job = self._cancelled.popleft()
            if job.task is not None:
                job.task.cancel()

    async def _run(self, job: _Job) -> None:
        outcome: Any = None
        try:
            async for answer in job.ask(f"{self.name}-{next(self._ids)}"):
                outcome = answer
        except asyncio.CancelledError:
            return
        except Exception as error:
            outcome = self._failure(error)
        finally:
            self._flying.discard(job)
        if not self._outbox:
            self.thread.loop.call_soon(self._deliver)
        self._outbox.append((job.ticket, outcome))

    def _deliver(self) -> None:
        outcomes, self._outbox = self._outbox, []
        Ticket.settle(outcomes)

    def _failure(self, error: Exception) -> TTSError:
        if type(error).__name__ == "EngineDeadError" or (self.engine is not None and self.engine.errored):
            self.dead = True
            return self._died(error)
        cause = error.__cause__ or error
        reason = (str(cause).strip().splitlines() or [type(cause).__name__])[0].rstrip(".")
        failure = EngineError(f"vLLM refused a request to {self.name}: {reason}.")
        failure.__cause__ = error
        return failure

    def _died(self, cause: Exception | None = None) -> EngineDied:
        where = f" (its log is {self.log})" if self.log else ""
        died = EngineDied(
            f"the vLLM process of {self.name} has ended, killed or out of memory{where}: what was finished is kept; "
            "run the same again to go on."
        )
        died.__cause__ = cause
        return died

    async def _shut(self) -> None:
        closed = EngineError("the engine was closed before this request was done; load the model again.")
        jobs = list(self._flying)
        for job in jobs:
            if job.task is not None:
                job.task.cancel()
        Ticket.settle([(job.ticket, closed) for job in jobs])
        await asyncio.gather(*(job.task for job in jobs if job.task is not None), return_exceptions=True)
        self.engine.shutdown(timeout=0.5)  # seconds for its process to leave by itself
        if self.log:
            self.log.unlink(missing_ok=True)
        self.engine = None  # or its destructor shuts it down again while the interpreter is being taken apart
