"""Standard output and standard error of the user, also while what a library prints goes to a log."""

from __future__ import annotations

import os
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, TextIO, cast


class _Streams(NamedTuple):
    output: TextIO | None
    errors: TextIO | None


_users: _Streams | None = None  # while diverted
_turning = threading.RLock()  # nothing is written while the streams change; a signal handler may write meanwhile


def output() -> TextIO | None:
    """Return the user's standard output; None where it is closed."""
    return _users.output if _users else sys.stdout


def errors() -> TextIO | None:
    """Return the user's standard error; None where it is closed."""
    return _users.errors if _users else sys.stderr


class _Errors:
    encoding = "utf-8"

    def write(self, text: str) -> int:
        with _turning:
            stream = errors()
            return 0 if stream is None else stream.write(text)

    def flush(self) -> None:
        with _turning:
            if (stream := errors()) is not None:
                stream.flush()

    def isatty(self) -> bool:
        stream = errors()
        return stream is not None and stream.isatty()

    def fileno(self) -> int:
        stream = errors()
        if stream is None:
            raise OSError("standard error is closed.")
        return stream.fileno()


ERRORS = cast("TextIO", _Errors())
"""A file that writes to the user's standard error, wherever that is at the moment: for a progress bar."""


@contextmanager
def diverted(log: Path) -> Iterator[None]:
    """Append to ``log`` what is printed, by this process and by those that it starts. :data:`ERRORS` is not diverted.

    For one thread at a time. A standard error that is not a file of the system, such as a notebook's, stays as it is.
    """
    with _turning:
        _flush()
        hook, ours = sys.excepthook, sys.stdout
        kept = os.fdopen(os.dup(2), "w", encoding="utf-8", errors="backslashreplace", buffering=1)
        _turn(_Streams(ours, kept if _is_number_2(sys.stderr) else sys.stderr))
        with log.open("ab") as file:
            os.dup2(file.fileno(), 2)
        sys.stdout, sys.excepthook = sys.stderr, _told
    try:
        yield
    finally:
        with _turning:
            sys.stdout, sys.excepthook = ours, hook
            _flush()
            os.dup2(kept.fileno(), 2)
            _turn(None)
            with suppress(OSError):
                kept.close()


def _turn(users: _Streams | None) -> None:
    global _users
    _users = users


def _flush() -> None:
    with suppress(OSError, ValueError, AttributeError):
        sys.stderr.flush()


def _told(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Show the user the error that ends the program, such as Ctrl-C while a model is loaded."""
    traceback.print_exception(kind, error, trace, file=ERRORS)


def _is_number_2(stream: TextIO | None) -> bool:
    try:
        return stream is not None and stream.fileno() == 2
    except (OSError, ValueError):
        return False
