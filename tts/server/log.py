"""Where the log goes: standard error, a line at a time."""

from __future__ import annotations

import sys
from contextlib import suppress


def to_stderr(line: str) -> None:
    """Write a line of the log; one that cannot be written is lost, and nothing else is."""
    with suppress(OSError, ValueError):
        sys.stderr.write(f"{line}\n")
        sys.stderr.flush()
