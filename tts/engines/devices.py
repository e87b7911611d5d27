"""Devices that a user names, checked without loading PyTorch, which takes seconds."""

from __future__ import annotations

import importlib.util
import os
import re
import sys
from pathlib import Path

from tts.errors import BadInput

DEV = Path("/dev")

_DRIVERS = ("nvidiactl", "nvidia0", "nvgpu", "nvhost-gpu", "dxg", "kfd")  # of NVIDIA, Jetson, Windows' Linux, AMD


def require(device: str | None) -> None:
    """Refuse a CUDA device that cannot be here. What remains unclear is left to the engine.

    Raises:
        BadInput: PyTorch is built for a CPU, the machine has no driver of a GPU, or it has fewer of them.
    """
    names = [name.strip() for name in (device or "").split(",") if name.strip().startswith("cuda")]
    if not names:
        return
    asked = f"device {device!r} was asked for, but"
    if sys.platform == "linux":
        if not any((DEV / driver).exists() for driver in _DRIVERS):
            raise BadInput(f"{asked} this machine has no GPU with a driver of CUDA: name cpu.")
        there = _visible()
        if there is not None and any(int(name[5:]) >= there for name in names if name[5:].isdigit()):
            raise BadInput(f"{asked} this process sees {there} GPU{'s' * (there != 1)}, numbered from 0.")
    if _built_for_cpu():
        raise BadInput(f"{asked} this PyTorch is built for a CPU: name cpu, or install PyTorch for CUDA.")


def _built_for_cpu() -> bool:
    """Whether PyTorch's own note on its build names neither CUDA nor ROCm. Without PyTorch or the note: False."""
    spec = importlib.util.find_spec("torch")
    folders = (spec.submodule_search_locations if spec else None) or ()
    try:
        text = "".join(Path(folder, "version.py").read_text(encoding="utf-8") for folder in folders)
    except OSError:
        return False
    found = re.findall(r"^(cuda|hip)\b[^=\n]*=\s*(.+)$", text, re.MULTILINE)
    return bool(found) and all(value.strip() == "None" for _, value in found)


def _visible() -> int | None:
    """The number of NVIDIA GPUs that this process sees; None where that cannot be known here."""
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    if chosen is not None:
        listed = [each.strip() for each in chosen.split(",")]
        return next((k for k, each in enumerate(listed) if each in ("", "-1")), len(listed))
    numbered = [each for each in DEV.glob("nvidia*") if each.name[6:].isdigit()]
    return len(numbered) or None
