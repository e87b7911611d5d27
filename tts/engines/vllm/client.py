"""vLLM's front end as the engine uses it.

An ``AsyncLLM`` belongs to one event loop for life: the background loop of :mod:`tts.aio`.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import multiprocessing
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tts.aio import Requests, background
from tts.engines.vllm.garbage import collect_as_usual
from tts.errors import EngineDied, EngineError, TTSError

Asked = Callable[[str], AsyncGenerator[Any, None]]


def tokens_prompt(tokens: list[int]) -> dict[str, Any]:
    """Token ids as vLLM's front end takes them without looking at them again."""
    return {"type": "token", "prompt_token_ids": tokens}


@dataclass(eq=False)
class Service:
    """One ``AsyncLLM`` behind a call that any event loop may await.

    Attributes:
        name: the model's, for error messages.
        engine: the front end.
        log: what its process prints, for error messages; taken away when the engine is closed in order.
        dead: set once its process is gone; every later request fails at once.
    """

    name: str
    engine: Any
    log: Path | None = None
    dead: bool = False
    _requests: Requests = field(default_factory=Requests)
    _ids: itertools.count[int] = field(default_factory=itertools.count)

    @property
    def alive(self) -> bool:
        """False once the process has ended, also where no request has met that yet."""
        return not self.dead and not self.engine.errored

    @property
    def died(self) -> EngineDied:
        """Return the error of a request to a process that has ended."""
        where = f" (its log is {self.log})" if self.log else ""
        return EngineDied(
            f"the vLLM process of {self.name} has ended, killed or out of memory{where}: what was finished is kept; "
            "run the same again to go on."
        )

    async def ask(self, ask: Asked, enough: Callable[[Any], bool] | None = None) -> Any:
        """Return the last thing that ``ask(request_id)`` yields, or the first one of which ``enough`` is true.

        ``enough`` sees each of them on the background loop. Cancelling aborts the request in the engine.

        Raises:
            EngineDied: when the engine's process is gone.
            EngineError: when it refused or failed this request.
        """
        if self.dead:
            raise self.died
        return await self._requests.run(self._last(ask, enough))

    def close(self) -> None:
        """Shut the engine's process down; requests under way fail with EngineError.

        Where the process is gone already, they fail with EngineDied as soon as vLLM tells them.
        """
        ended, self.dead = not self.alive, True
        if ended:
            return
        collect_as_usual()
        logging.getLogger("vllm").setLevel(logging.CRITICAL)  # it tells at length of the end that we ask for
        try:
            background().wait(self._shut())
        except KeyboardInterrupt:  # somebody does not want to wait
            for process in multiprocessing.active_children():
                if process.name.startswith("EngineCore"):
                    process.kill()

    # -- on the background loop --------------------------------------------------------------------------------------

    async def _last(self, ask: Asked, enough: Callable[[Any], bool] | None) -> Any:
        last: Any = None
        try:
            async with aclosing(ask(f"{self.name}-{next(self._ids)}")) as answers:  # closing it aborts the request
                async for last in answers:
                    if enough is not None and enough(last):
                        break
        except Exception as error:
            raise self._failure(error) from error
        return last

    def _failure(self, error: Exception) -> TTSError:
        if type(error).__name__ == "EngineDeadError" or (self.engine is not None and self.engine.errored):
            self.dead = True
            return self.died
        cause = error.__cause__ or error
        reason = (str(cause).strip().splitlines() or [type(cause).__name__])[0].rstrip(".")
        return EngineError(f"vLLM refused a request to {self.name}: {reason}.")

    async def _shut(self) -> None:
        self._requests.close()
        await asyncio.sleep(0)  # the requests are aborted first
        self.engine.shutdown(timeout=0.5)  # seconds for its process to leave by itself
        if self.log:
            self.log.unlink(missing_ok=True)
        self.engine = None  # or its destructor shuts it down again while the interpreter is being taken apart
