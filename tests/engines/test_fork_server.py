"""Processes that are forked from one that has imported vLLM."""

from __future__ import annotations

import os
import sys
from multiprocessing.connection import Connection
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import pytest

from tests.engines.vllm_processes import needs_vllm
from tts.engines.vllm.fork_server import Forks
from tts.engines.vllm.process_env import spawning


@pytest.fixture
def engine_start() -> Any:
    """The module of vLLM that asks for processes; what it says when it is imported goes to the log."""
    with spawning({}):
        from vllm.v1.engine import utils

        return utils


def report(pipe: Connection) -> None:
    import torch

    print("a remark", file=sys.stderr)
    pipe.send((dict(os.environ), torch.get_num_threads()))


def forked(log: Path) -> tuple[dict[str, str], int]:
    """Return the environment of a forked process and its number of threads."""
    forks = Forks(log)
    here, there = forks.Pipe()
    with spawning({}):
        process = forks.Process(target=report, kwargs={"pipe": there})
        process.start()
    assert here.poll(120)
    environment, threads = here.recv()
    process.join(60)
    assert process.exitcode == 0
    return environment, threads


def test_a_fork_has_the_environment_the_threads_and_the_log_of_the_moment_it_is_started(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TTS_OF_BEFORE", "1")
    forked(tmp_path / "before")  # the fork server runs from now on
    monkeypatch.delenv("TTS_OF_BEFORE")
    monkeypatch.setenv("TTS_OF_NOW", "2")
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    environment, threads = forked(tmp_path / "now")
    assert "TTS_OF_BEFORE" not in environment
    assert environment["TTS_OF_NOW"] == "2"
    assert threads == 3
    assert (tmp_path / "now").read_text() == "a remark\n"


@needs_vllm
def test_vllm_forks_until_the_last_of_several_threads_has_started_its_engine(engine_start: Any) -> None:
    usual, both = engine_start.get_mp_context, Barrier(2)
    seen = []

    def start(forked: bool) -> None:
        with spawning({}, forked=forked):
            both.wait(60)
            seen.append(isinstance(engine_start.get_mp_context(), Forks))
            both.wait(60)

    threads = [Thread(target=start, args=(each,)) for each in (True, False)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [True, True]
    assert engine_start.get_mp_context is usual
    with spawning({}):
        assert engine_start.get_mp_context is usual


@needs_vllm
def test_a_vllm_that_asks_for_processes_in_another_way_is_left_alone(
    engine_start: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(engine_start, "get_mp_context")
    with spawning({}, forked=True):
        assert not hasattr(engine_start, "get_mp_context")
