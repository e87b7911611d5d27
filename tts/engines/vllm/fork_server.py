"""Engine processes that are forked from one that has imported vLLM.

On a CPU importing vLLM takes most of the time in which a small model starts, and every engine has a process of its own.
Python's fork server imports it once for all of them, while this process does the same. Nothing else happens in
it, so that a fork is safe, and the forks share its memory.
"""

from __future__ import annotations

import multiprocessing
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from multiprocessing import forkserver
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path
from typing import Any

FILES = "VLLM_RPC_BASE_PATH"
"""The variable that names the folder of vLLM's sockets."""

_IMPORTED = ["vllm.v1.engine.core", "vllm.v1.worker.cpu_worker", "vllm.model_executor.models"]


class InEnvironment:
    """A function for another process, which runs there with the environment that this one has when it starts that one.

    A fork has the environment of the fork server, which is older, and writes its errors where that does.

    Args:
        run: the function.
        log: gets what the process writes to standard error.
        environment: of this process, once it is sent to the other.
    """

    def __init__(self, run: Callable[..., Any], log: Path, environment: Mapping[str, str] | None = None) -> None:
        self._run, self._log, self._environment = run, log, environment

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._run, self._log, dict(os.environ))

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        import torch
        from torch._inductor.runtime.cache_dir_utils import cache_dir

        with self._log.open("ab") as log:
            os.dup2(log.fileno(), 2)
        if self._environment is not None:
            _become(self._environment)
            if threads := os.environ.get("OMP_NUM_THREADS", "").partition(",")[0]:
                torch.set_num_threads(int(threads))  # the variable is read once, when PyTorch is imported
            if files := os.environ.get(FILES):
                cache_dir()  # what PyTorch compiles stays where it always is
                tempfile.tempdir = files
        return self._run(*arguments, **named)


def _become(environment: Mapping[str, str]) -> None:
    """Change the variables that differ, and no others: a process that gives itself a name needs their memory."""
    for name in os.environ.keys() - environment.keys():
        del os.environ[name]
    os.environ.update({name: value for name, value in environment.items() if os.environ.get(name) != value})


class Forks(ForkServerContext):
    """What vLLM asks for processes: they are forked, run in this environment and write their errors to ``log``."""

    def __init__(self, log: Path) -> None:
        self._log = log

    def Process(self, *, target: Callable[..., Any], **named: Any) -> ForkServerProcess:  # type: ignore[override]  # noqa: N802
        return ForkServerProcess(target=InEnvironment(target, self._log), **named)


def start() -> None:
    """Begin to import vLLM in the fork server, and return at once. One that runs already is left as it is."""
    multiprocessing.set_forkserver_preload(_IMPORTED)
    forkserver.ensure_running()


@contextmanager
def forking(log: Path) -> Iterator[None]:
    """Let vLLM fork its engines, with ``log`` for their errors; one that asks for processes otherwise spawns them."""
    from vllm.v1.engine import utils

    usual = vars(utils).get("get_mp_context")
    if usual is None:
        yield
        return
    context = Forks(log)
    utils.get_mp_context = lambda: context
    try:
        yield
    finally:
        utils.get_mp_context = usual
