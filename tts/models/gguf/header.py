"""Reads the header of a GGUF file: its metadata and the place of each tensor. The weights are not touched.

The format is that of the ggml project's ``docs/gguf.md``: magic, version, counts, key-value pairs, tensor descriptions,
then the aligned tensor data. Every length is checked against the file's size before it is used.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from tts.errors import MissingExtra, ModelError
from tts.files.text import reason

_MAGIC = b"GGUF"
_VERSIONS = (2, 3)
_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_TEXT, _ARRAY = 8, 9
_ALIGNMENT = 32
_MOST = 2**16  # tensors, or pairs of metadata
_LARGEST = 2**28  # bytes of the header; those of the largest vocabularies take some 10 MB


@dataclass(frozen=True, slots=True)
class TensorPlace:
    """Where a tensor lies: its name, shape (rows first), ggml type, and its bytes ``[start, start + size)``."""

    name: str
    shape: tuple[int, ...]
    kind: int
    start: int
    size: int

    @property
    def count(self) -> int:
        return prod(self.shape)


@dataclass(frozen=True, slots=True)
class Header:
    """Metadata and tensors of a GGUF file."""

    path: Path
    metadata: Mapping[str, Any]
    tensors: Mapping[str, TensorPlace]

    def get(self, key: str, default: Any = None) -> Any:
        """Return an entry; ``{arch}`` in the key is the architecture's name."""
        return self.metadata.get(key.replace("{arch}", str(self.metadata.get("general.architecture"))), default)

    @property
    def parameters(self) -> int:
        return sum(tensor.count for name, tensor in self.tensors.items() if name != "rope_freqs.weight")


def read_header(path: Path) -> Header:
    """Read the header of a GGUF file.

    Raises:
        MissingExtra: the package gguf is not installed.
        ModelError: the file is no GGUF file, is truncated, or is damaged.
    """
    sizes = _block_sizes(path)
    try:
        total = path.stat().st_size
        with path.open("rb") as file:
            data = file.read(min(total, _LARGEST))
    except (OSError, ValueError) as error:
        raise ModelError(f"{path} cannot be read: {reason(error)}.") from error
    if data[:4] != _MAGIC:
        raise ModelError(f"{path} is no GGUF file: it does not begin with the letters GGUF.")
    try:
        return _parsed(path, _Cursor(data), total, sizes)
    except _Short as error:
        raise ModelError(f"{path} is truncated after {total:,} bytes: download it again.") from error
    except (ValueError, KeyError, struct.error) as error:
        raise ModelError(f"{path} is damaged ({reason(error)}): download it again.") from error


class _Short(Exception):
    """The file ends before what its header announces."""


class _Cursor:
    """A place in the bytes of the header."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def scalar(self, form: str) -> Any:
        return self.scalars(form, 1)[0]

    def scalars(self, form: str, count: int) -> tuple[Any, ...]:
        begin = self._take(struct.calcsize(f"<{form}") * count)
        return struct.unpack_from(f"<{count}{form}", self.data, begin)

    def text(self) -> str:
        length = self.scalar("Q")
        begin = self._take(length)
        return self.data[begin : begin + length].decode(errors="replace")

    def _take(self, size: int) -> int:
        begin, self.at = self.at, self.at + size
        if self.at > len(self.data):
            raise _Short
        return begin

    def value(self, kind: int) -> Any:
        if kind == _TEXT:
            return self.text()
        if kind != _ARRAY:
            return self.scalar(_SCALARS[kind])
        inner, count = self.scalars("I", 1)[0], self.scalar("Q")
        if count > len(self.data):
            raise _Short
        if inner == _TEXT:
            return [self.text() for _ in range(count)]
        return list(self.scalars(_SCALARS[inner], count))


def _parsed(path: Path, cursor: _Cursor, total: int, sizes: Mapping[int, tuple[int, int]]) -> Header:
    cursor.at = len(_MAGIC)
    version = cursor.scalar("I")
    if version not in _VERSIONS:
        raise ValueError(f"its version is {version}, not {' or '.join(map(str, _VERSIONS))}")
    tensors, pairs = cursor.scalars("Q", 2)
    if max(tensors, pairs) > _MOST:
        raise ValueError(f"it announces {max(tensors, pairs):,} entries")
    metadata = {}
    for _ in range(pairs):
        key = cursor.text()
        metadata[key] = cursor.value(cursor.scalar("I"))
    found = [_place(cursor, sizes) for _ in range(tensors)]
    alignment = metadata.get("general.alignment", _ALIGNMENT)
    if not isinstance(alignment, int) or alignment < 1:
        raise ValueError(f"its alignment is {alignment!r}")
    start = -(-cursor.at // alignment) * alignment
    if any(start + place.start + place.size > total for place in found):
        raise _Short
    places = {p.name: TensorPlace(p.name, p.shape, p.kind, start + p.start, p.size) for p in found}
    return Header(path, metadata, places)


def _place(cursor: _Cursor, sizes: Mapping[int, tuple[int, int]]) -> TensorPlace:
    name = cursor.text()
    dimensions = cursor.scalar("I")
    if not 1 <= dimensions <= 4:
        raise ValueError(f"the tensor {name[:80]!r} has {dimensions} dimensions")
    shape = tuple(reversed(cursor.scalars("Q", dimensions)))
    kind, offset = cursor.scalar("I"), cursor.scalar("Q")
    if kind not in sizes:
        raise ValueError(f"the tensor {name[:80]!r} has the unknown type {kind}")
    numbers, size = sizes[kind]
    if shape[-1] % numbers:
        raise ValueError(f"the rows of {name[:80]!r} are no whole number of blocks")
    return TensorPlace(name, shape, kind, offset, prod(shape) // numbers * size)


def _block_sizes(path: Path) -> dict[int, tuple[int, int]]:
    """Return for each ggml type the numbers in a block, and its bytes."""
    try:
        from gguf.constants import GGML_QUANT_SIZES
    except ImportError as error:
        raise MissingExtra(f"reading {path} needs the package gguf: pip install 'tts-search[gguf]'.") from error
    return {int(kind): (numbers, size) for kind, (numbers, size) in GGML_QUANT_SIZES.items()}
