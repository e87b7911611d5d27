"""The levels of isolation, and running a program at the best of them that this machine has."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol
from weakref import WeakKeyDictionary

from tts.errors import BadInput, MissingSandbox
from tts.registry import names, resolve
from tts.sandbox.types import Limits, Run

AUTO = "auto"
_BEST_FIRST = ("bubblewrap", "monty")


class Level(Protocol):
    """A way to isolate a program."""

    @property
    def name(self) -> str:
        """The name that users type."""
        ...

    @property
    def inputs(self) -> bool:
        """True if a program can read standard input and files."""
        ...

    def missing(self) -> str | None:
        """Return why this machine cannot isolate in this way, and what to install; None if a trial run worked."""
        ...

    async def run_each(
        self, code: str, inputs: Sequence[str], files: Mapping[str, str | bytes], limits: Limits
    ) -> list[Run]:
        """Run the program once for each input, one after the other, none of which sees what another left."""
        ...


def best(level: str = AUTO, *, inputs: bool = True) -> Level:
    """Return the level of that name, or the best that works here. Raises MissingSandbox, or UnknownName.

    With ``inputs``, ``auto`` leaves out levels whose programs cannot read standard input and files.
    """
    if level != AUTO:
        found: Level = resolve("sandbox", level)
        if reason := found.missing():
            raise MissingSandbox(f"the sandbox {level!r} is not available: {reason}.")
        return found
    reasons = []
    for name in [*_BEST_FIRST, *(name for name in names("sandbox") if name not in _BEST_FIRST)]:
        candidate: Level = resolve("sandbox", name)
        if inputs and not candidate.inputs:
            continue
        reason = candidate.missing()
        if reason is None:
            return candidate
        reasons.append(reason)
    raise MissingSandbox(f"code is run in a sandbox only, and none is available: {'; '.join(reasons)}.")


def check(level: str = AUTO, *, inputs: bool = True) -> None:
    """Raise MissingSandbox, with one sentence that names the package, if programs cannot run here."""
    best(level, inputs=inputs)


def findings() -> Iterator[tuple[str, str]]:
    """Yield each level and whether it works on this machine, for ``tts doctor``."""
    for name in names("sandbox"):
        found: Level = resolve("sandbox", name)
        yield f"{name} sandbox", found.missing() or "works"


async def run(
    code: str,
    *,
    stdin: str = "",
    files: Mapping[str, str | bytes] | None = None,
    limits: Limits | None = None,
    level: str = AUTO,
) -> Run:
    """Run a Python program, isolated: no network, no files but its own, no environment, within the limits.

    Args:
        code: the program.
        stdin: its standard input.
        files: contents by name, in its working folder.
        limits: what it may use.
        level: the name of a sandbox, or ``auto``.

    Where no sandbox works the run is refused, and its standard error says what to install.
    """
    return (await run_each(code, [stdin], files=files, limits=limits, level=level))[0]


async def run_each(
    code: str,
    inputs: Sequence[str],
    *,
    files: Mapping[str, str | bytes] | None = None,
    limits: Limits | None = None,
    level: str = AUTO,
) -> list[Run]:
    """Run one program on many inputs, each within the limits; see :func:`run`. No run sees what another left."""
    if not inputs:
        return []
    files = dict(files or {})
    for name in files:
        _check_name(name)
    try:
        async with _slots():
            chosen = await asyncio.to_thread(best, level, inputs=bool(files) or any(inputs))
            return await chosen.run_each(code, inputs, files, limits or Limits())
    except MissingSandbox as error:
        return [Run.refused(str(error))] * len(inputs)


def _check_name(name: str) -> None:
    parts = name.split("/")
    if not name or any(part in ("", ".", "..") for part in parts) or "\0" in name:
        raise BadInput(f"a file in the sandbox has a relative name without '..', unlike {name!r}.")


_SLOTS: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()


def _slots() -> asyncio.Semaphore:
    """Return what bounds the runs of this event loop to one a core."""
    loop = asyncio.get_running_loop()
    if loop not in _SLOTS:
        _SLOTS[loop] = asyncio.Semaphore(cores())
    return _SLOTS[loop]


def cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
