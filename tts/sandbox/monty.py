"""Small Python in Monty, an interpreter of its own without files, network or processes (package ``pydantic-monty``).

It knows a part of the language and of the standard library. A program with more than that ends as an error.
"""

from __future__ import annotations

import asyncio
import importlib.util
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from tts.sandbox.types import Limits, Outcome, Run

_MB = 1 << 20
_GRACE = 1.0  # seconds after a limit until the worker is killed


@dataclass(frozen=True, slots=True)
class Monty:
    """Runs programs in Monty."""

    name: str = "monty"
    inputs: bool = False

    def missing(self) -> str | None:
        """Return why it cannot run here; None if a trial run worked. Cached."""
        return _missing()

    async def run_each(
        self, code: str, inputs: Sequence[str], files: Mapping[str, str | bytes], limits: Limits
    ) -> list[Run]:
        """Run the program once for each input. Standard input and files are refused."""
        if files or any(inputs):
            return [Run.refused("Monty runs programs without standard input and files; install bubblewrap.")] * len(
                inputs
            )
        return [await asyncio.to_thread(_run, code, limits) for _ in inputs]


@cache
def _missing() -> str | None:
    if importlib.util.find_spec("pydantic_monty") is None:
        return 'install pydantic-monty (pip install "tts-search[sandbox]")'
    try:
        run = _run("print(6 * 7)", Limits(seconds=20))
    except OSError as error:
        return f"pydantic-monty does not start: {error}"
    return None if run.stdout == "42\n" else f"pydantic-monty does not work here: {run.stderr.strip()}"


def _run(code: str, limits: Limits) -> Run:
    import pydantic_monty

    printed = _Printed(limits.output_bytes)
    bounds: Any = {
        "max_feed_duration_secs": limits.seconds,
        "max_total_sleep_secs": limits.seconds,
        "max_memory": limits.memory_mb * _MB,
        "max_recursion_depth": 1000,
    }
    begun = time.monotonic()
    outcome, said = Outcome.OK, ""
    try:
        with (
            pydantic_monty.Monty(max_processes=1, request_timeout=2 * limits.seconds + _GRACE) as pool,
            pool.checkout(script_name="program.py", limits=bounds) as session,
        ):
            session.feed_run(code, print_callback=printed)
    except pydantic_monty.MontyCrashedError as error:
        outcome, said = (Outcome.TIMEOUT if error.timed_out else Outcome.MEMORY), str(error)
    except pydantic_monty.MontyError as error:
        outcome, said = _why(error.exception()), str(error)
    if printed.full:
        outcome = Outcome.OUTPUT
    exit_code = {Outcome.OK: 0, Outcome.ERROR: 1}.get(outcome)
    return Run(printed.text("stdout"), printed.text("stderr") + said, exit_code, outcome, time.monotonic() - begun)


def _why(error: BaseException) -> Outcome:
    if isinstance(error, _Full):
        return Outcome.OUTPUT
    if isinstance(error, MemoryError):
        return Outcome.MEMORY
    return Outcome.TIMEOUT if isinstance(error, TimeoutError) else Outcome.ERROR


class _Full(Exception):
    pass


class _Printed:
    """What a program printed, up to a limit; printing more ends it."""

    def __init__(self, most: int) -> None:
        self.full, self._most = False, most
        self._kept: dict[str, list[str]] = {"stdout": [], "stderr": []}
        self._held = {"stdout": 0, "stderr": 0}

    def __call__(self, stream: str, text: str) -> None:
        size = len(text.encode())
        if self._held[stream] + size > self._most:
            self.full = True
            self._kept[stream].append(text[: self._most - self._held[stream]])
            raise _Full
        self._held[stream] += size
        self._kept[stream].append(text)

    def text(self, stream: str) -> str:
        """Return what went to a stream."""
        return "".join(self._kept[stream])


LEVEL = Monty()
