"""The source of this program: its hash, and how a checkout reaches the workers."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from tts.registry import HOME

PACKAGES = ("tts", "prm", "strategies")
"""The packages that a worker imports."""

_KINDS = (".py", ".json", ".jinja", ".safetensors")  # what decides an answer


@cache
def digest() -> str:
    """Return the hash over the files of this program that decide what it answers."""
    found = hashlib.sha256()
    for package in PACKAGES:
        root = _folder(package)
        for file in sorted(path for path in root.rglob("*") if path.suffix in _KINDS):
            found.update(f"{package}/{file.relative_to(root).as_posix()}\0".encode() + file.read_bytes())
    return found.hexdigest()[:16]


def runtime_env() -> dict[str, Any]:
    """Return the runtime environment that brings a checkout to the workers; empty for an installed package.

    In a job whose working folder holds the checkout, every worker has that folder already.
    """
    checkout = (HOME / "pyproject.toml").is_file()
    if not checkout or "runtime_resources" in HOME.parts:
        return {}
    return {"py_modules": [str(HOME / package) for package in PACKAGES], "excludes": ["**/__pycache__/**"]}


def _folder(package: str) -> Path:
    """Return the folder of a package. Ray ships each into a folder of its own."""
    here = HOME / package
    return here if here.is_dir() else next(HOME.parent.glob(f"*/{package}"))
