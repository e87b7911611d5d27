"""A pool on disk: versioned JSON for people, and the arrays in a safetensors file next to it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load as load_tensors
from safetensors.numpy import save as save_tensors

from tts.errors import BadInput
from tts.files.json_text import dump, read
from tts.files.text import read_bytes, write_atomically

FORMAT, VERSION = "tts-search pool", 1


def write_pool(path: Path, about: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
    """Write both files: the arrays first, so that a JSON file that can be read names arrays that are there."""
    content = save_tensors({name: _compact(array) for name, array in arrays.items()})
    weights = path.with_suffix(".safetensors")
    if weights == path:
        raise BadInput(
            f"a pool is a JSON file with a .safetensors file next to it: name it {path.with_suffix('.json')}."
        )
    named = {"file": weights.name, "sha256": hashlib.sha256(content).hexdigest()}
    write_atomically(weights, content)
    write_atomically(path, dump({"format": FORMAT, "version": VERSION, **about, "weights": named}, indent=1) + "\n")


def read_pool(path: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Read both files. Raises BadInput in one sentence for what is missing, damaged or newer."""
    about = _about(path)
    try:
        return about, _tensors(path, about["weights"])
    except (KeyError, TypeError) as error:
        raise BadInput(f"{path} is damaged ({type(error).__name__}: {error}): fit the pool again.") from error


def _about(path: Path) -> dict[str, Any]:
    about: Any = read(path, f"the pool {path}")
    if not isinstance(about, dict) or about.get("format") != FORMAT or not isinstance(about.get("version"), int):
        raise BadInput(f"{path} is no pool file: make one with `tts pool fit`.")
    if about["version"] > VERSION:
        raise BadInput(
            f"{path} was written by a newer version of tts-search (format {about['version']}): update this one."
        )
    return {str(key): value for key, value in about.items()}


def _tensors(path: Path, weights: Mapping[str, Any]) -> dict[str, np.ndarray]:
    file = path.parent / Path(str(weights["file"])).name
    content = read_bytes(file, f"{file}, a part of the pool {path.name},")
    if hashlib.sha256(content).hexdigest() != weights["sha256"]:
        raise BadInput(f"{file} is damaged or of another pool than {path.name}: copy both files again.")
    try:
        return load_tensors(content)
    except SafetensorError as error:
        raise BadInput(f"{file} is damaged: copy both files of the pool again.") from error


def _compact(array: np.ndarray) -> np.ndarray:
    """In 32 bits: half the size, and exact enough for a mean of recorded outcomes."""
    return np.ascontiguousarray(array, dtype=np.float32 if array.dtype == np.float64 else array.dtype)
