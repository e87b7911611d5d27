"""Processes of vLLM, found in /proc."""

from __future__ import annotations

import importlib.util
import time
from pathlib import Path

import pytest

needs_vllm = pytest.mark.skipif(importlib.util.find_spec("vllm") is None, reason="vLLM is not installed")


def engines_below(pid: int) -> list[int]:
    """Processes of vLLM below a process, at any depth."""
    parents, names = {}, {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            names[int(entry.name)] = (entry / "comm").read_text()
        except (OSError, ValueError):
            continue

    def below(child: int) -> bool:
        parent = parents.get(child, 0)
        return parent == pid or (parent > 1 and below(parent))

    return [child for child, name in names.items() if "VLLM" in name.upper() and below(child)]


def all_gone(pids: list[int], within: float = 10.0) -> bool:
    """Whether processes end in time; those that wait to be buried count as ended."""
    end = time.monotonic() + within
    while time.monotonic() < end:
        if not any(alive(pid) for pid in pids):
            return True
        time.sleep(0.1)
    return False


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
