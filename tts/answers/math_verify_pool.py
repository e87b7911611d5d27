"""Comparison by computer algebra, in processes of its own that can be killed.

Simplifying an expression can take any time and memory, and math-verify's own limit is a signal, which works in a main
thread only and cannot interrupt a long integer power. So each comparison runs in a worker process: started when first
needed, reused, killed at the limit. The limit is processor time, which does not depend on what else the machine does;
the kernel enforces it even while the interpreter is stuck, so that a worker whose parent died ends as well. Wall time
has a wider limit that the parent enforces.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

from tts.errors import EngineError

START = 120.0
"""Seconds of wall time a worker may take to import its libraries."""

_SCRIPT = str(Path(__file__).resolve().with_name("math_verify_worker.py"))
_READY, _TRUE, _FALSE = "ready", "1", "0"


class Worker:
    """One worker process. Not for several threads at once."""

    def __init__(self, seconds: float) -> None:
        self._wall = 4 * seconds
        self._process = subprocess.Popen(
            [sys.executable, "-P", _SCRIPT, str(seconds)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
        )
        greeting = self._read(START)
        if greeting != _READY:
            self.close()
            raise EngineError(f"the process that compares answers did not start: {greeting or 'it ended at once'}.")

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def ask(self, gold: str, answer: str, symmetric: bool) -> bool | None:
        """The verdict; None when the comparison hit a limit, after which this worker is dead."""
        assert self._process.stdin is not None
        reply = ""
        try:
            self._process.stdin.write(json.dumps([gold, answer, symmetric]) + "\n")
            self._process.stdin.flush()
            reply = self._read(self._wall)
        except OSError:
            pass
        finally:
            if reply not in (_TRUE, _FALSE):  # also when interrupted: a late reply would answer the next question
                self.close()
        return reply == _TRUE if reply in (_TRUE, _FALSE) else None

    def close(self) -> None:
        """Kill the process and wait for its end. Safe to call twice."""
        self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        self._process.wait()

    def _read(self, seconds: float) -> str:
        """The next line without its end; empty when the process ended or ``seconds`` of wall time passed."""
        assert self._process.stdout is not None
        timer = threading.Timer(seconds, self._process.kill)
        timer.daemon = True
        timer.start()
        try:
            return self._process.stdout.readline().rstrip("\n")
        finally:
            timer.cancel()


class Judge:
    """A few workers, lent to whichever thread asks.

    Args:
        seconds: processor time one comparison may take; four times as much wall time.
        workers: most comparisons under way at once; more callers wait.
    """

    def __init__(self, seconds: float = 5.0, workers: int = 2) -> None:
        self.seconds, self.workers = seconds, workers
        self._reset()

    def _reset(self) -> None:
        self._owner = os.getpid()
        self._idle: list[Worker] = []
        self._lock = threading.Lock()
        self._slots = threading.Semaphore(self.workers)

    @property
    def pids(self) -> list[int]:
        """The idle workers' process ids."""
        return [worker.pid for worker in self._idle]

    def ask(self, gold: str, answer: str, symmetric: bool = True) -> bool | None:
        """Whether the two are equal by math-verify; None when that could not be found out within the limits.

        Args:
            gold: the right answer; math-verify lets its form decide, so the order matters unless ``symmetric``.
            answer: what is compared with it.
            symmetric: accept when either order does.

        Raises:
            EngineError: no worker can be started.
        """
        if os.getpid() != self._owner:  # a forked child: the workers and their pipes belong to the parent
            self._reset()
        with self._slots:
            with self._lock:
                worker = self._idle.pop() if self._idle else None
            if worker is not None and not worker.alive:
                worker.close()
                worker = None
            worker = worker or Worker(self.seconds)
            verdict = worker.ask(gold, answer, symmetric)
            if verdict is not None:
                with self._lock:
                    self._idle.append(worker)
            return verdict

    def close(self) -> None:
        """End all idle workers. The judge stays usable: the next question starts a new one."""
        if os.getpid() != self._owner:
            return
        with self._lock:
            idle, self._idle = self._idle, []
        for worker in idle:
            worker.close()
