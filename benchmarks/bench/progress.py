"""Progress of a run: a bar on a terminal, else a line from time to time."""

from __future__ import annotations

import time
from collections.abc import Callable

from tqdm import tqdm

from benchmarks.stats.intervals import wilson
from tts.files.standard_streams import ERRORS

INTERVAL = 60.0
"""Seconds between two lines without a terminal."""


class Progress:
    """Progress of one job: problems done, rate, time left, workers, and accuracy so far with its interval.

    Args:
        name: name of the job.
        total: number of problems; earlier calls finished ``done`` of them, ``right`` of these right.
        clock: returns seconds.
        status: returns the executor's status, such as ``7 of 8 workers``.
    """

    def __init__(
        self,
        name: str,
        total: int,
        done: int,
        right: int,
        *,
        clock: Callable[[], float] = time.monotonic,
        status: Callable[[], str] = str,
    ) -> None:
        self._status = status
        self._name, self._total, self._right, self._clock = name, total, right, clock
        self._begun = self._reported = clock()
        self._before = self.done = done
        terminal = ERRORS.isatty()
        self._bar = tqdm(total=total, initial=done, desc=name, unit="problem", file=ERRORS, disable=not terminal)
        self._quiet = not terminal

    def add(self, right: bool) -> None:
        self.done += 1
        self._right += right
        self._bar.set_postfix_str(", ".join(filter(None, (self._status(), self._accuracy()))), refresh=False)
        self._bar.update()
        if self._quiet and self._clock() - self._reported >= INTERVAL:
            self._report()

    def show(self, text: str) -> None:
        """Show a text behind the bar of a terminal."""
        self._bar.set_postfix_str(text)

    def close(self) -> None:
        self._bar.close()
        if self._quiet and self.done > self._before:
            self._report()

    @property
    def made(self) -> int:
        """Return the number of problems that this call finished."""
        return self.done - self._before

    @property
    def seconds(self) -> float:
        """Return the seconds since this call began."""
        return self._clock() - self._begun

    @property
    def line(self) -> str:
        """Describe the progress in words."""
        rate = self.made / self.seconds if self.seconds > 0 else 0.0
        left = f", {duration((self._total - self.done) / rate)} left" if rate and self.done < self._total else ""
        workers = f", {status}" if (status := self._status()) else ""
        done = f"{self._name}: {self.done} of {self._total} problems, {rate:.3g} a second"
        return f"{done}{left}{workers}, {self._accuracy()}"

    def _accuracy(self) -> str:
        return f"right {wilson(self._right, self.done).percent()}" if self.done else ""

    def _report(self) -> None:
        self._reported = self._clock()
        print(f"tts: {self.line}", file=ERRORS, flush=True)


def duration(seconds: float) -> str:
    """Format a time in its two largest units: 45 s, 12 min 5 s, 3 h 20 min, 2 d 4 h."""
    whole = round(seconds)
    for size, unit, small, name in ((86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= size:
            return f"{whole // size} {unit} {whole % size // small} {name}"
    return f"{whole} s"
