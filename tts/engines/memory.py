"""What a model needs in memory and what there is, before anything is loaded."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from tts.errors import BadInput, NotEnoughMemory
from tts.files import json_text
from tts.models import hf_config
from tts.models.card import ModelCard
from tts.models.files import folder_of
from tts.models.gguf.convert import describe

ROOT = Path("/")  # where proc and sys lie
OFF = "TTS_MEMORY_CHECK"  # an environment variable; "off" leaves the check out

_FLOATS = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2}  # bytes; those of 8 bits are quantized, and stay as they are
_OTHERS = {"I64": 8, "U64": 8, "I32": 4, "U32": 4, "I16": 2, "U16": 2}  # the rest take one
_NAMED = {"float32": 4, "bfloat16": 2, "float16": 2}
_WORK = 0.1  # of the weights: what a pass needs besides
_CONTEXT = 1 << 30  # bytes that CUDA and its libraries take on each device
_GB = 1e9


@dataclass(frozen=True, slots=True)
class Need:
    """Bytes that a model needs: its weights, keys and values of one solution at full length, and room to work."""

    name: str
    weights: int
    cache: int
    work: int

    @property
    def total(self) -> int:
        return self.weights + self.cache + self.work


def need(card: ModelCard, options: Mapping[str, Any], *, on_gpu: bool, cpu_cache: int = 0) -> Need | None:
    """Compute what a model of this machine needs under these engine options; None where its files do not say.

    ``cpu_cache`` is what its engine sets aside for keys and values on a CPU.
    """
    folder = folder_of(card)
    if folder is None and not card.gguf:
        return None
    from safetensors import SafetensorError

    size = _NAMED.get(str(options.get("dtype")), 0 if on_gpu else 4)
    try:
        if folder is None:  # a GGUF file that is not converted yet
            config, weights = describe(Path(card.folder)).config, card.parameters * (size or 2)
        else:
            config = json_text.read(folder / "config.json")
            weights = sum(_tensors(file, size) for file in folder.glob("*.safetensors"))
    except (SafetensorError, BadInput, OSError, ValueError, TypeError, KeyError, AttributeError):
        return None  # what is wrong with it is said where it is loaded
    tokens = min(card.context, card.max_tokens, int(options.get("max_model_len") or card.context))
    replicas = counted(options.get("replicas")) or 1
    weights, cache = weights * replicas, hf_config.token_bytes(config, size or 2) * tokens * replicas
    if cpu_cache and not on_gpu:
        cache = max(cache, int(options.get("kv_cache_memory_bytes") or cpu_cache))
    return Need(card.name, weights, cache, int(weights * _WORK))


def counted(replicas: Any) -> int | None:
    """How many replicas of a policy were asked for; None where that was left open. Raises BadInput."""
    if replicas is None or (type(replicas) is int and replicas >= 1):
        return replicas
    raise BadInput(f"a policy has a whole number of replicas, 1 or more, not {replicas!r}.")


def require_room(
    needs: Sequence[Need], gpus: Sequence[int], *, share: float = 1.0, dtype: str | None = None
) -> None:  # fmt: skip
    """Refuse to load what does not fit.

    Args:
        needs: of the models that are to be loaded there.
        gpus: numbers of the GPUs that hold them together; none for a CPU.
        share: the part of a GPU's memory that may be used.
        dtype: as asked for, if it was.

    Raises:
        NotEnoughMemory: it says what is needed, what there is, and what can be done.
    """
    if not needs or os.environ.get(OFF, "").lower() in ("off", "0", "no", "false"):
        return
    there = gpu_free(gpus, share) if gpus else cpu_free()
    wanted = sum(need.total for need in needs) + _CONTEXT * len(gpus)
    if there is None or wanted <= there:
        return
    where = ("the GPUs " if len(gpus) > 1 else "the GPU ") + ", ".join(map(str, gpus)) if gpus else "this machine"
    weights, cache = (sum(getattr(need, part) for need in needs) / _GB for part in ("weights", "cache"))
    remedies = ["a smaller model"]
    if not gpus and dtype is None:
        remedies.append("--dtype bfloat16")
    if gpus:
        remedies.append("more GPUs (--device cuda:0,cuda:1)")
    if gpus and len(needs) > 1:
        remedies.append("a GPU for each model (--prm-device cuda:1)")
    raise NotEnoughMemory(
        f"{' and '.join(need.name for need in needs)} need{'s' * (len(needs) == 1)} about {wanted / _GB:.1f} GB "
        f"({weights:.1f} for weights, {cache:.1f} for keys and values of one solution each, the rest to work in) "
        f"and {where} has {there / _GB:.1f} GB free: choose {' or '.join(remedies)}; {OFF}=off in the environment "
        "tries it all the same."
    )


def gpu_free(gpus: Sequence[int], share: float = 1.0) -> int | None:
    """Bytes free on these GPUs together, no more of each than this part of its memory."""
    import torch

    if any(gpu >= torch.cuda.device_count() for gpu in gpus):
        return None  # the engine says that there is no such device
    found = [torch.cuda.mem_get_info(gpu) for gpu in gpus]
    return sum(min(free, int(total * share)) for free, total in found)


def gpu_bytes(device: str | None) -> int:
    """Bytes of the smallest of the GPUs that a model is asked for on; 0 without one."""
    found = gpus(device)
    if not found:
        return 0
    import torch

    there = range(torch.cuda.device_count())
    return min((torch.cuda.get_device_properties(gpu).total_memory for gpu in found if gpu in there), default=0)


def cpu_free() -> int | None:
    """Bytes that this process may still take: of the machine, and of its control group where that has a limit."""
    found = [amount for amount in (_machine(), *_groups()) if amount is not None]
    return min(found, default=None)


def gpus(device: str | None) -> tuple[int, ...]:
    """The numbers of the GPUs that a device's name stands for, as the engines take it; none for a CPU."""
    if device is not None and not device.startswith("cuda"):
        return ()
    import torch

    if not torch.cuda.is_available():
        return ()
    numbers = tuple(int(number) for number in re.findall(r"cuda:(\d+)", device or ""))
    return numbers or (torch.cuda.current_device(),)


def _tensors(file: Path, size: int) -> int:
    """Sum the bytes of a file's tensors, floating-point numbers taking ``size`` bytes each; 0 for what they take."""
    from safetensors import safe_open

    total = 0
    with safe_open(file, framework="numpy") as tensors:
        names: list[str] = tensors.keys()
        for name in names:
            tensor = tensors.get_slice(name)
            kind = tensor.get_dtype()
            total += prod(tensor.get_shape()) * (size or _FLOATS[kind] if kind in _FLOATS else _OTHERS.get(kind, 1))
    return total


def _machine() -> int | None:
    text = _read("proc/meminfo") or ""
    found = re.search(r"^MemAvailable:\s+(\d+) kB", text, re.MULTILINE)
    return int(found[1]) * 1024 if found else None


def _groups() -> list[int]:
    """What the control groups of this process leave, version 2 and 1; their page cache can be given back."""
    left = []
    for line in (_read("proc/self/cgroup") or "").splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            base, limit, used = "sys/fs/cgroup", "memory.max", "memory.current"
        elif "memory" in controllers.split(","):
            base, limit, used = "sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes"
        else:
            continue
        for place in {f"{base}{path}".rstrip("/"), base}:  # inside a container the path is the host's
            most, taken = _read(f"{place}/{limit}"), _read(f"{place}/{used}")
            if most and taken and most.strip().isdigit() and int(most) < 1 << 60:
                files = re.search(r"^(?:total_)?inactive_file (\d+)", _read(f"{place}/memory.stat") or "", re.MULTILINE)
                left.append(max(0, int(most) - int(taken) + (int(files[1]) if files else 0)))
    return left


def _read(path: str) -> str | None:
    try:
        return (ROOT / path).read_text()
    except OSError:
        return None
