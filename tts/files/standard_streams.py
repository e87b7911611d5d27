"""Standard output and standard error of the user, also while what a library prints goes to a log."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, TextIO


class _Streams(NamedTuple):
    output: TextIO | None
    errors: TextIO | None


_users: _Streams | None = None  # while diverted


def output() -> TextIO | None:
    """Return the user's standard output; None where it is closed."""
    return _users.output if _users else sys.stdout


def errors() -> TextIO | None:
    """Return the user's standard error; None where it is closed."""
    return _users.errors if _users else sys.stderr


class Errors:
    """A file that writes to the user's standard error, wherever that is at the moment: for a progress bar."""

    encoding = "utf-8"

    def write(self, text: str) -> int:
        stream = errors()
        return 0 if stream is None else stream.write(text)

    def flush(self) -> None:
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


ERRORS = Errors()


@contextmanager
def diverted(log: Path) -> Iterator[None]:
    """Append to ``log`` what is printed, by this process and by those that it starts. :data:`ERRORS` is not diverted.

    For one thread at a time. A standard error that is not a file of the system, such as a notebook's, stays as it is.
    """
    global _users
    with suppress(OSError, ValueError, AttributeError):
        sys.stderr.flush()
    ours = sys.stdout
    kept = os.fdopen(os.dup(2), "w", encoding="utf-8", errors="backslashreplace", buffering=1)
    _users = _Streams(ours, kept if _is_number_2(sys.stderr) else sys.stderr)
    hook, sys.excepthook = sys.excepthook, _told
    with log.open("ab") as file:
        os.dup2(file.fileno(), 2)
    sys.stdout = sys.stderr
    try:
        yield
    finally:
        sys.stdout, sys.excepthook = ours, hook
        with suppress(OSError, ValueError, AttributeError):
            sys.stderr.flush()
        os.dup2(kept.fileno(), 2)
        _users = None
        with suppress(OSError):
            kept.close()


def _told(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Show the user the error that ends the program, such as Ctrl-C while a model is loaded."""
    traceback.print_exception(kind, error, trace, file=errors())


def _is_number_2(stream: TextIO | None) -> bool:
    try:
        return stream is not None and stream.fileno() == 2
    except (OSError, ValueError):
        return False
