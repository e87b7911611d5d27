"""The bridge from an engine's thread to the event loop of the caller."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Generic, TypeVar

from tts.errors import EngineError, TTSError

T = TypeVar("T")


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
            except RuntimeError:  # the loop was closed, and with it the waiter
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
    """Return the error that a caller sees after an engine failure: one sentence, the cause chained; one per caller."""
    if isinstance(cause, TTSError):
        return cause
    reason = (str(cause).strip().splitlines() or [""])[0].rstrip(".")
    memory = " Allow fewer rows at once (max_rows) or a smaller cache (cache_bytes)." if "memory" in reason else ""
    error = EngineError(f"{what} failed: {type(cause).__name__}: {reason}.{memory}")
    error.__cause__ = cause
    return error
