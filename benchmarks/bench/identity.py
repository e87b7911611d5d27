"""Which model it was: a hash over the files of its folder, so that a run can be told from one of other weights."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from tts import models

_SUFFIXES = (".safetensors", ".json", ".jinja", ".model", ".txt")
_SHA256 = re.compile(r"[0-9a-f]{64}")

_known: dict[tuple[str, int, int], str] = {}


def fingerprint(name: str, kind: models.Kind) -> str:
    """SHA-256 over the names and hashes of a model's files; empty where they are not on this machine.

    A model on a server keeps its files to itself. The hub's cache names each large file after its hash, so that those
    are not read again.
    """
    card = models.find(name, kind)
    folder = None if card.url else models.folder_of(card)
    if folder is None:
        return ""
    total = hashlib.sha256()
    for file in sorted(path for path in folder.iterdir() if path.suffix in _SUFFIXES and path.is_file()):
        total.update(f"{file.name} {_hash(file)}\n".encode())
    return total.hexdigest()


def _hash(file: Path) -> str:
    real = file.resolve()
    if file.is_symlink() and _SHA256.fullmatch(real.name):
        return real.name
    about = real.stat()
    key = str(real), about.st_size, about.st_mtime_ns
    if key not in _known:
        with real.open("rb") as stream:
            _known[key] = hashlib.file_digest(stream, "sha256").hexdigest()
    return _known[key]


def without_secrets(text: str) -> str:
    """A command or address without the user and password that an address may hold."""
    return re.sub(r"(?<=://)[^/@\s]+@", "", text)
