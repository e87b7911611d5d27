"""Ctrl-C as a user presses it: the command line in a process of its own, interrupted once some rows are written."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

# A shell that runs the tests in the background has its children ignore the signal.
_LISTEN = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); import cli; cli.main()"


_AFTER = """
import os, signal
signal.signal(signal.SIGINT, signal.default_int_handler)
import cli
from tts.search.sampler import Sampled
grow = Sampled.grow
def grown(self, request, completion):
    node = grow(self, request, completion)
    if len(self.finished) == 3 and node.finished:
        os.kill(os.getpid(), signal.SIGINT)
    return node
Sampled.grow = grown
cli.main()
"""


_EARLY = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == MODULE:
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Finder())
import cli
cli.main()
"""


_LOADING = """
import multiprocessing, os, signal, time
signal.signal(signal.SIGINT, signal.default_int_handler)
import cli
from tts.engines.vllm.process_env import spawning
from tts.model_pair import ModelPair
def started():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(100)
def load(self):
    with spawning({}):  # what is printed goes to a log
        process = multiprocessing.get_context("fork").Process(target=started)
        process.start()
        print("loading", process.pid)
        os.kill(os.getpid(), signal.SIGINT)
        process.join()
ModelPair.load = load
cli.main()
"""


def interrupted_load(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run ``tts``, and press Ctrl-C while a process starts that serves a model; it takes 100 s and hears no SIGTERM."""
    command = [sys.executable, "-c", _LOADING, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def interrupted_import(module: str) -> subprocess.CompletedProcess[str]:
    """Run ``tts --version``, and press Ctrl-C when Python comes to import a module."""
    command = [sys.executable, "-c", _EARLY.replace("MODULE", repr(module)), "--version"]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def interrupted_search(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run ``tts`` on one problem, and press Ctrl-C once its third solution is finished."""
    command = [sys.executable, "-c", _AFTER, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def interrupted(rows: Path, *arguments: object) -> int:
    """Run ``tts``, press Ctrl-C once ``rows`` has two lines, and hold the end to exit 130 without a traceback.

    Returns how many lines there are then, each of them whole.
    """
    command = [sys.executable, "-c", _LISTEN, *map(str, arguments)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=os.environ) as process:
        deadline = time.monotonic() + 120
        while not (rows.exists() and rows.read_bytes().count(b"\n") >= 2):
            assert time.monotonic() < deadline
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in err, err
    if arguments[0] in ("solve", "bench"):
        assert f" are in {rows if arguments[0] == 'solve' else rows.parent}; this goes on: tts {arguments[0]} " in err
    if arguments[0] == "prm-eval":
        assert f"solutions are scored in {rows}; this goes on: tts prm-eval " in err
    text = rows.read_bytes()
    assert text.endswith(b"\n")
    return text.count(b"\n")
