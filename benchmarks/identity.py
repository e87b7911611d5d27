"""Which model it was: a hash that tells results from those of other weights, or of the same read in another way."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

from tts import models
from tts.card import ModelCard
from tts.errors import ModelError, UnknownName

_SUFFIXES = (".safetensors", ".json", ".jinja", ".model", ".txt")
_SHA256 = re.compile(r"[0-9a-f]{64}")


def fingerprint(name: str, kind: models.Kind) -> str:
    """SHA-256 over what decides how a model answers, or empty where nothing of it is on this machine.

    That is the names and hashes of its files, and for a reward model that a description makes known
    (:mod:`tts.families`) what the description says. A model on a server keeps its files to itself. The hub's cache
    names each large file after its hash, so that those are not read again.
    """
    card = models.find(name, kind)
    folder = None if card.url else models.folder_of(card)
    files = sorted(path for path in folder.iterdir() if path.suffix in _SUFFIXES and path.is_file()) if folder else ()
    lines = [f"{file.name} {_hash(file)}" for file in files] + _described(card)
    return hashlib.sha256("".join(f"{line}\n" for line in lines).encode()).hexdigest() if lines else ""


def _described(card: ModelCard) -> list[str]:
    """A line for a reward model whose family, form or context are not those that its name or its files tell."""
    if card.kind != "prm":
        return []
    said = card.family, card.form, card.context
    try:
        plain = models.find(f"{card.url}#{card.name}" if card.url else card.folder or card.hub or card.name, card.kind)
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
