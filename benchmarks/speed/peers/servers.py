"""vLLM's OpenAI-compatible servers for the lab models on this machine, as a context manager."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from tokenizers import Tokenizer

from prm.qwen import STEP_TOKEN
from tts.models.files import folder_of
from tts.models.find import find

_FLAGS = (
    "--dtype", "float32", "--enforce-eager", "--max-num-seqs", "256", "--max-num-batched-tokens", "8192",
    "--no-enable-chunked-prefill", "--block-size", "32", "--uvicorn-log-level", "warning",
)  # fmt: skip
_ENVIRONMENT = {
    "VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_NO_USAGE_STATS": "1", "VLLM_LOGGING_LEVEL": "WARNING", "OMP_NUM_THREADS": "1",
    "TOKENIZERS_PARALLELISM": "false", "HF_HUB_OFFLINE": "1",
    "VLLM_SERVER_DEV_MODE": "1",  # enables /reset_prefix_cache
    # No worker process: on few cores it and the engine wait busily for each other, and times become erratic.
    "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
}  # fmt: skip
_START_SECONDS = 600  # limit for both servers to start


@contextmanager
def served_policy(policy: str, logs: Path) -> Iterator[str]:
    """Serve the policy alone on this machine; raises RuntimeError if the server does not start."""
    logs.mkdir(parents=True, exist_ok=True)
    [port] = free_ports(1)
    with running(_command(policy, port, ()), _environment(), f"http://127.0.0.1:{port}/health", logs / f"{policy}.log"):
        yield f"http://127.0.0.1:{port}/v1"


@contextmanager
def running(command: Sequence[str], variables: Mapping[str, str], url: str, log: Path) -> Iterator[None]:
    """Run a server until the block ends; it runs once the address answers. Raises RuntimeError if it does not."""
    with log.open("wb") as file:
        process = subprocess.Popen(command, stdout=file, stderr=file, env=variables, start_new_session=True)
        try:
            _await(url, process, log)
            yield
        finally:
            _stop(process)


@contextmanager
def served(policy: str, prm: str, logs: Path) -> Iterator[tuple[str, str]]:
    """Serve both models on this machine; the servers are stopped at the end in any case.

    Raises RuntimeError if one of them does not start; its log in ``logs`` has the reason.
    """
    logs.mkdir(parents=True, exist_ok=True)
    running: list[subprocess.Popen[bytes]] = []
    files: list[IO[bytes]] = []
    ports = free_ports(2)
    try:
        for name, port, more in ((policy, ports[0], ()), (prm, ports[1], _pooling(prm))):
            files.append((logs / f"{name}.log").open("wb"))
            running.append(_start(name, port, more, files[-1]))
        for name, port, process in zip((policy, prm), ports, running, strict=True):
            _await(f"http://127.0.0.1:{port}/health", process, logs / f"{name}.log")
        yield f"http://127.0.0.1:{ports[0]}/v1", f"http://127.0.0.1:{ports[1]}"
    finally:
        for process in running:
            _stop(process)
        for file in files:
            file.close()


def _pooling(name: str) -> tuple[str, ...]:
    """Return the flags of a reward model's server: vLLM's own for Qwen's family, whose step mark it knows."""
    core = Tokenizer.from_file(str(Path(str(folder_of(find(name))), "tokenizer.json")))
    config = {"tok_pooling_type": "STEP", "step_tag_id": core.token_to_id(STEP_TOKEN)}
    return "--runner", "pooling", "--pooler-config", json.dumps(config)


def forget(*urls: str) -> None:
    """Empty the servers' prefix caches, so that measurements are independent."""
    for url in urls:
        root = url.removesuffix("/v1")
        urllib.request.urlopen(urllib.request.Request(f"{root}/reset_prefix_cache", method="POST"), timeout=60).close()


def _command(name: str, port: int, more: tuple[str, ...]) -> list[str]:
    """Return what `vllm serve` runs; that command needs a distribution named vllm, which the CPU build is not."""
    folder = folder_of(find(name))
    return [
        sys.executable, "-m", "vllm.entrypoints.openai.api_server", "--model", str(folder), "--served-model-name", name,
        "--host", "127.0.0.1", "--port", str(port), *_FLAGS, *more,
    ]  # fmt: skip


def _environment() -> dict[str, str]:
    return {**os.environ, **_ENVIRONMENT}


def _start(name: str, port: int, more: tuple[str, ...], log: IO[bytes]) -> subprocess.Popen[bytes]:
    # A session of its own, so that its children can be stopped together with it.
    return subprocess.Popen(
        _command(name, port, more), stdout=log, stderr=log, env=_environment(), start_new_session=True
    )


def _await(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until:
        if process.poll() is not None:
            break
        with suppress(urllib.error.URLError, OSError):
            urllib.request.urlopen(url, timeout=5).close()
            return
        time.sleep(0.5)
    raise RuntimeError(f"the server at {url} did not start: see {log}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Stop a process: ask, wait, then kill the whole session."""
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(20)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, 9)
    process.wait()


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(one.getsockname()[1]) for one in sockets]
    for one in sockets:
        one.close()
    return ports
