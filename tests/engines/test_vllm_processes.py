"""Ends of a run on vLLM: interrupted, killed, or with a killed engine."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.engines.vllm_processes import all_gone, engines_below, needs_vllm
from tests.markdown import ROOT

pytestmark = needs_vllm

Run = subprocess.Popen[str]

# Without a main guard: processes that vLLM spawns must not run it once more.
SCRIPT = """
import signal
import sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # it is ignored where the tests run in the background
from tts.batch import Batch
from tts import Solver
from pathlib import Path
policy, prm, problems, out, replicas = sys.argv[1:]
arguments = {"policy.replicas": int(replicas), "policy.kv_cache_memory_bytes": 1 << 28}
solver = Solver(policy, prm, "beam-search", 8, engine="vllm", max_steps=400, step_tokens=8, engine_args=arguments)
solver.load()
print("ready", flush=True)
with Batch(solver, Path(problems), Path(out)) as batch:
    for solution in batch.run():
        print("solved", flush=True)
"""


@pytest.fixture
def short() -> Iterator[Path]:
    """A folder for temporary files, with a path that leaves room for the name of a socket."""
    with TemporaryDirectory() as folder:
        yield Path(folder)


@pytest.fixture
def start(tmp_path: Path, short: Path, vllm_folders: tuple[str, str]) -> Iterator[Callable[[int], Run]]:
    """Starts the script with so many replicas of the policy, and waits until it has solved a problem."""
    problems, script = tmp_path / "problems.txt", tmp_path / "script.py"
    problems.write_text("\n".join(f"take {k} more" for k in range(3000)))
    script.write_text(SCRIPT)
    command = [sys.executable, script, *vllm_folders, problems, tmp_path / "out.jsonl"]
    with ExitStack() as started:

        def start(replicas: int) -> Run:
            run = subprocess.Popen(
                [*map(str, command), str(replicas)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                env={**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(short)}, start_new_session=True,
            )  # fmt: skip
            started.enter_context(run)
            started.callback(end, run)
            assert run.stdout is not None
            assert [run.stdout.readline() for _ in range(2)] == ["ready\n", "solved\n"]
            return run

        yield start


def end(run: Run) -> None:
    if run.poll() is None:
        os.killpg(run.pid, signal.SIGKILL)


def test_a_killed_engine_ends_the_run_with_one_sentence_and_keeps_what_was_finished(
    start: Callable[[int], Run], tmp_path: Path, short: Path
) -> None:
    run = start(2)
    engines = engines_below(run.pid)
    assert len(engines) == 3
    assert list(short.glob("tts-vllm-*/*"))
    os.kill(engines[0], signal.SIGKILL)
    _, errors = run.communicate(timeout=60)
    assert run.returncode
    assert "EngineDied: the vLLM process of" in errors
    assert (tmp_path / "out.jsonl").read_text().count("\n") >= 1
    assert all_gone(engines)
    left = [file.name for file in short.glob("*vllm*") if file.suffix != ".log"]
    assert not left, "sockets and the like are taken away"


def test_nothing_outlives_a_run_that_was_killed_itself(start: Callable[[int], Run]) -> None:
    run = start(1)
    engines = engines_below(run.pid)
    assert len(engines) == 2
    run.kill()
    run.wait(10)
    assert all_gone(engines)


def test_interrupting_twice_ends_everything_within_five_seconds(start: Callable[[int], Run]) -> None:
    run = start(1)
    engines, begun = engines_below(run.pid), time.monotonic()
    assert len(engines) == 2
    os.killpg(run.pid, signal.SIGINT)
    time.sleep(0.5)
    if run.poll() is None:
        os.killpg(run.pid, signal.SIGINT)
    run.communicate(timeout=60)
    assert all_gone(engines, within=60)
    crowd = os.getloadavg()[0] / (os.cpu_count() or 1)  # processes for each core
    assert time.monotonic() - begun < 5 * max(1, crowd)
