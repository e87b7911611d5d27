"""A lock that one process holds and that goes when the process ends, however it ends."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout

from tts.errors import BadInput
from tts.files.text import reason


class Lock:
    """A held lock file, with the number of the process that holds it.

    Args:
        path: the lock file.
        what: what it guards, as a sentence names it.
        instead: what to do where it is held, as the end of a sentence.

    Raises:
        BadInput: another run holds it, in this process or in another one, or it cannot be made.
    """

    def __init__(self, path: Path, what: Path | str, instead: str) -> None:
        self._lock, self._path = FileLock(path, timeout=0), path
        try:
            self._lock.acquire()
        except Timeout as error:
            raise BadInput(f"{what} is being written by {self._holder()}: wait for its end, or {instead}.") from error
        except (OSError, ValueError, NotImplementedError) as error:
            raise BadInput(f"{what} cannot be locked: {reason(error)}.") from error
        with suppress(OSError):  # a full disk: the lock holds, without a process number
            path.write_text(f"{os.getpid()}\n")

    def release(self, *, remove: bool = False) -> None:
        """Let go; ``remove`` the file first, which filelock's waiters notice."""
        if remove and self._lock.is_locked:
            self._path.unlink(missing_ok=True)
        self._lock.release()

    def _holder(self) -> str:
        try:
            number = int(self._path.read_text())
        except (OSError, ValueError):
            return "another process"
        return "this process" if number == os.getpid() else f"process {number}"
