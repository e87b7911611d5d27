"""Converts a GGUF file, once, to a folder of safetensors that every engine loads.

The folder's name is the hash of the file and of its chat template. It is built under another name, shard by shard, and
renamed when it is whole: a run that was killed goes on with the next shard.
"""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from tts.errors import BadInput, ModelError
from tts.files import json_text
from tts.files.cache import cache_folder
from tts.files.lock import Lock
from tts.files.text import reason, write_atomically
from tts.models.gguf.config import config_of
from tts.models.gguf.header import Header, TensorPlace, read_header
from tts.models.gguf.tensors import frequencies, names_of, tensor_of
from tts.models.gguf.tokenizer import check_tokenizer, write_tokenizer

SUFFIX = ".gguf"
SHARD = 2**30
"""Bytes of a file of weights; as much is held in memory."""

_log = logging.getLogger("tts")
_BYTES = {"float32": 4, "float16": 2, "bfloat16": 2}
_DIGITS = 32


@dataclass(frozen=True, slots=True)
class Described:
    """What a GGUF file's header says of its model.

    Attributes:
        config: as ``config.json`` would hold it.
        title: the model's name in the file, or empty.
        parameters: number of weights.
    """

    config: Mapping[str, Any]
    title: str
    parameters: int


def describe(path: Path) -> Described:
    """Check that a file can be converted, and describe its model; the weights are not read.

    Raises:
        MissingExtra: the package gguf is not installed.
        ModelError: no GGUF file, truncated or damaged, or of a kind that is not read here.
    """
    try:
        seen = path.stat()
    except (OSError, ValueError) as error:
        raise ModelError(f"{path} cannot be read: {reason(error)}.") from error
    return _described(path.resolve(), seen.st_size, seen.st_mtime_ns)


@lru_cache(maxsize=32)
def _described(path: Path, size: int, changed: int) -> Described:
    """Describe a file; ``size`` and ``changed`` are a part of the cache's key."""
    header = read_header(path)
    config = _checked(header)
    return Described(config, str(header.get("general.name") or ""), header.parameters)


def _checked(header: Header) -> dict[str, Any]:
    """Return the configuration of a file that can be converted. Raises ModelError for any other."""
    config = config_of(header, lambda: frequencies(header))
    names_of(header)
    check_tokenizer(header)
    return config


def converted(path: Path) -> Path | None:
    """Return the folder that a GGUF file was converted to, or None; a file that was never read is not hashed."""
    digest = _known(path)
    folder = _folder(digest, path) if digest else None
    return folder if folder is not None and folder.is_dir() else None


def convert(path: Path) -> Path:
    """Return the folder of safetensors of a GGUF file; the first call makes it.

    Raises:
        ModelError: as :func:`describe`, and where the disk has no room.
        BadInput: another process is converting it, or the folder cannot be written.
    """
    folder = converted(path)
    if folder is not None:
        return folder
    header = read_header(path)
    config = _checked(header)
    folder = _folder(digest(path), path)
    if folder.is_dir():
        return folder
    draft = folder.with_name(f"{folder.name}.partial")
    try:
        draft.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"the folder {draft} cannot be made: {reason(error)}; TTS_CACHE names another.") from error
    lock = Lock(folder.with_name(f"{folder.name}.lock"), folder, "name another cache with TTS_CACHE")
    try:
        if not folder.is_dir():
            _fill(header, config, draft)
            os.replace(draft, folder)
    except OSError as error:
        raise BadInput(f"{draft} cannot be written: {reason(error)}; TTS_CACHE names another place.") from error
    finally:
        lock.release(remove=True)
    return folder


def digest(path: Path) -> str:
    """Return the SHA-256 of a file. It is remembered under the file's path, size and time."""
    if (known := _known(path)) is not None:
        return known
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {reason(error)}.") from error
    memo = _memo(path)
    memo.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(memo, json_text.dump({"file": _stamp(path), "sha256": found}))
    return found


def _known(path: Path) -> str | None:
    try:
        memo = json_text.read(_memo(path))
        return str(memo["sha256"]) if memo["file"] == _stamp(path) else None
    except (BadInput, KeyError, TypeError, OSError):
        return None


def _memo(path: Path) -> Path:
    return cache_folder("gguf") / f"{hashlib.sha256(os.fsencode(path.resolve())).hexdigest()[:_DIGITS]}.json"


def _stamp(path: Path) -> list[int]:
    seen = path.stat()
    return [seen.st_size, seen.st_mtime_ns]


def _folder(sha256: str, path: Path) -> Path:
    """Return the folder for a file of this hash; a chat template next to the file is a part of the name."""
    template = path.parent / "chat_template.jinja"
    extra = template.read_bytes() if template.is_file() else b""
    name = hashlib.sha256(sha256.encode() + extra).hexdigest()[:_DIGITS] if extra else sha256[:_DIGITS]
    return cache_folder("gguf") / name


def _fill(header: Header, config: dict[str, Any], draft: Path) -> None:
    """Write the files of the folder; complete ones of an earlier run stay."""
    shards = _shards(header, _BYTES[config["dtype"]])
    size = sum(sum(place.count for place in shard) for shard in shards) * _BYTES[config["dtype"]]
    done = sum(file.stat().st_size for file in draft.glob("*.safetensors"))
    if (room := shutil.disk_usage(draft).free) < size - done:
        raise ModelError(
            f"converting {header.path} takes {size / 1e9:.1f} GB in {draft.parent} and {room / 1e9:.1f} GB are free: "
            "make room, or name another place with TTS_CACHE."
        )
    begun = time.monotonic()
    _log.warning(
        "tts: converting %s (%.0f MB) to %.0f MB of safetensors, once", header.path.name,
        header.path.stat().st_size / 1e6, size / 1e6,
    )  # fmt: skip
    write_tokenizer(header, draft)
    _write_weights(header, config, shards, draft)
    (draft / "config.json").write_text(json_text.dump(config, indent=2) + "\n", encoding="utf-8")
    _log.warning("tts: converted in %.0f s: %s", time.monotonic() - begun, draft.with_suffix(""))


def _write_weights(header: Header, config: Mapping[str, Any], shards: list[list[TensorPlace]], draft: Path) -> None:
    import torch
    from safetensors.torch import save_file

    dtype, heads = getattr(torch, config["dtype"]), (config["num_attention_heads"], config["num_key_value_heads"])
    names, where = names_of(header), dict[str, str]()
    for number, shard in enumerate(shards, start=1):
        called = f"model-{number:05d}-of-{len(shards):05d}.safetensors" if len(shards) > 1 else "model.safetensors"
        where |= {names[place.name]: called for place in shard}
        if not (draft / called).is_file():
            weights = {names[place.name]: tensor_of(header, place, dtype, heads) for place in shard}
            partial = draft / f"{called}.partial"
            save_file(weights, partial, metadata={"format": "pt"})
            os.replace(partial, draft / called)
    if len(shards) > 1:
        index = {"metadata": {}, "weight_map": where}
        (draft / "model.safetensors.index.json").write_text(json_text.dump(index, indent=2) + "\n", encoding="utf-8")


def _shards(header: Header, width: int) -> list[list[TensorPlace]]:
    """Divide the tensors, in the file's order, into files of at most SHARD bytes, or of one tensor."""
    names, shards, size = names_of(header), list[list[TensorPlace]](), SHARD
    for place in header.tensors.values():
        if place.name in names:
            if size + width * place.count > SHARD:
                shards.append([])
                size = 0
            shards[-1].append(place)
            size += width * place.count
    return shards
