"""PNG files read with the standard library."""

from __future__ import annotations

import zlib
from pathlib import Path


def size(picture: Path) -> tuple[int, int]:
    """Width and height in pixels."""
    data = picture.read_bytes()
    assert data.startswith(b"\x89PNG")
    return int.from_bytes(data[16:20]), int.from_bytes(data[20:24])


def corner(picture: Path) -> tuple[int, ...]:
    """The colour of the upper left corner, where every filter of PNG leaves the value as it is."""
    data, at, packed = picture.read_bytes(), 8, b""
    while at < len(data):
        length, kind = int.from_bytes(data[at : at + 4]), data[at + 4 : at + 8]
        packed += data[at + 8 : at + 8 + length] if kind == b"IDAT" else b""
        at += length + 12
    return tuple(zlib.decompress(packed)[1:4])
