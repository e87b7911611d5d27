"""The environment of vLLM's child processes: variables, log, and the main module."""

from __future__ import annotations

import atexit
import importlib.util
import logging
import os
import re
import shutil
import sys
import tempfile
import threading
import types
import warnings
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from tts.engines.vllm.fork_server import forking
from tts.files.standard_streams import diverted


class Spawning:
    """Surroundings in which vLLM is imported and starts its processes: undone when the last of several threads leaves.

    What is printed goes to a log: standard output belongs to our answers. The processes' environment is set, and
    ``tts.engines.vllm.process_main`` stands in for the user's script, which a spawned process would run once more, up
    to a guard that most short scripts lack. Processes may be forked from one that has imported vLLM.
    """

    def __init__(self) -> None:
        self._lock, self._inside = threading.Lock(), 0
        self._environment: dict[str, str | None] = {}
        self._main: types.ModuleType | None = None
        self._forked = False
        self._hushed = ExitStack()
        self._files = ""
        self.log = Path(tempfile.gettempdir(), f"tts-vllm-{os.getpid()}.log")

    @contextmanager
    def __call__(self, values: Mapping[str, str], forked: bool = False) -> Iterator[None]:
        with self._lock:
            if self._inside == 0:
                self._begin()
            if forked and not self._forked:
                self._hushed.enter_context(forking(self.log))
                self._forked = True
            self._inside += 1
            self._environment = {name: os.environ.get(name) for name in values} | self._environment
            os.environ.update(values)
        try:
            yield
        finally:
            with self._lock:
                self._inside -= 1
                if self._inside == 0:
                    self._end()

    @property
    def files(self) -> str:
        """A folder for the engines' sockets and temporary files, which goes with this process.

        vLLM lets them lie: half a dozen for each engine. A socket's path has at most 107 characters, 36 of which are
        its own.
        """
        with self._lock:
            if not self._files:
                usual = tempfile.gettempdir()
                self._files = tempfile.mkdtemp(prefix="tts-vllm-", dir=usual if len(usual) < 50 else "/tmp")
                atexit.register(shutil.rmtree, self._files, ignore_errors=True)
            return self._files

    def _tidy(self) -> None:
        """Take the log away at the end of this process if nobody waited for the load: no error names the log."""
        if self._inside:
            self.log.unlink(missing_ok=True)

    def _begin(self) -> None:
        atexit.unregister(self._tidy)
        atexit.register(self._tidy)
        stand_in = types.ModuleType("__main__")
        stand_in.__spec__ = importlib.util.find_spec("tts.engines.vllm.process_main")
        self._main, sys.modules["__main__"] = sys.modules["__main__"], stand_in
        level = logging.root.manager.disable
        self._hushed.callback(logging.disable, level)
        logging.disable(logging.WARNING)
        self._hushed.enter_context(diverted(self.log))
        self._hushed.enter_context(warnings.catch_warnings(action="ignore"))

    def _end(self) -> None:
        self._hushed.close()
        self._forked = False
        if self._main is not None:
            sys.modules["__main__"] = self._main
        for name, value in self._environment.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
        self._environment = {}

    def reason(self) -> str:
        """Return the last error in the log, as one line."""
        with suppress(OSError):
            for line in reversed(self.log.read_text(errors="replace").splitlines()):
                if found := re.search(r"\b(\w+(?:Error|Exception): .+)", line):
                    return found[1].partition(". ")[0].rstrip(".")
        return ""


spawning = Spawning()
