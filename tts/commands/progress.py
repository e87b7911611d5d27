"""Progress of long commands, and what is kept of one that is interrupted."""

from __future__ import annotations

import shlex
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import typer

from tts.aio import Stop
from tts.commands.console import interactive, note
from tts.files.standard_streams import ERRORS

SECONDS = 0.5
"""Between two looks on a terminal."""

QUIET_SECONDS = 60.0
"""Between two lines without a terminal."""


@contextmanager
def watched(words: Callable[[], str], show: Callable[[str], None]) -> Iterator[None]:
    """Show what ``words`` returns, unless it is empty, again and again from a thread of its own.

    Args:
        words: the progress so far.
        show: shows it on a terminal; without one it is a line on standard error once a minute.
    """
    ended, every = threading.Event(), SECONDS if interactive() else QUIET_SECONDS
    tell = show if interactive() else note

    def look() -> None:
        while not ended.wait(every):
            if text := words():
                tell(text)

    thread = threading.Thread(target=look, name="progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@contextmanager
def told(words: Callable[[], str]) -> Iterator[None]:
    """Show what ``words`` returns as :func:`watched`, on a line of the terminal that goes away at the end."""
    if not interactive():
        with watched(words, note):
            yield
        return
    from tqdm import tqdm

    with tqdm(bar_format="{desc}", file=ERRORS, leave=False) as line, watched(words, line.set_description_str):
        yield


@contextmanager
def stoppable() -> Iterator[Stop]:
    """Yield what the first Ctrl-C asks to stop; a second one interrupts as usual."""
    stop = Stop()

    def ask(*_: Any) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        if interactive():
            ERRORS.write("\n")  # behind a line of progress and ^C
        note("interrupted: ending with what there is; press Ctrl-C again to leave at once.")
        stop.ask()

    try:
        before = signal.signal(signal.SIGINT, ask)
    except ValueError:  # not the main thread, which alone hears signals
        yield stop
        return
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def resumable(kept: Callable[[], str], goes_on: bool = True) -> Iterator[None]:
    """Say on Ctrl-C what is kept and which command goes on, and end with exit code 130."""
    try:
        yield
    except KeyboardInterrupt:
        command = shlex.join(["tts", *sys.argv[1:]])
        note(f"interrupted: {kept()}" + (f"; this goes on: {command}" if goes_on else "."))
        raise typer.Exit(130) from None


def elapsed(begun: float) -> str:
    """Format the time since ``begun``, of the monotonic clock."""
    minutes, seconds = divmod(round(time.monotonic() - begun), 60)
    return f"{minutes}:{seconds:02}"
