"""Edits of a file: of its bytes, its lines and the JSON values in it."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

STRANGE: list[Any] = [
    None, True, False, 0, -1, 1, 2**31, 2**63, 10**18, 10**308, -(10**308), 0.5, -0.0, 1e308, 1e-308, "", " ", "x", "0",
    "-1", "NaN", "\x00", "\ud83d", "\u2028", "\x1b[31m", "../x", "/etc/passwd", "x" * 5000, "/" * 300, "1" * 400,
    "\\boxed{7}",
    [], {}, [[]], [None], ["x"], [1, 2, 3], {"x": 1}, {"": {}}, [0.5] * 50, "http://127.0.0.1:9/v1#m", "lab-1m", "dvts",
]  # fmt: skip
RAW = [
    b"NaN", b"Infinity", b"1e400", b"1" + b"0" * 400, b"9" * 5000, b"[" * 100_000, b'{"a":' * 10_000,
    b"[" * 99 + b"]" * 99, b'"\\ud800"', b"\xff\xfe", b"\xef\xbb\xbf", b"\x00" * 100, b"\xe2\x80\xa8", b"\n", b"\r",
    b"\n\n\n", b'"', b"\\", b"}", b"null", b"[]", b"{}", b"1",
]  # fmt: skip


def edited(data: bytes, draw: random.Random) -> bytes:
    """Return the file after one to four edits."""
    for _ in range(draw.choice((1, 1, 1, 2, 4))):
        data = draw.choices(EDITS, WEIGHTS)[0](data, draw)
    return data


def value(data: bytes, draw: random.Random) -> bytes:
    """Replace, remove, add or rename a value somewhere in one of the JSON lines, or in the whole file."""
    lines = data.split(b"\n")
    at = draw.randrange(len(lines))
    for k in (at, None):
        try:
            row = json.loads(data if k is None else lines[k])
        except (ValueError, RecursionError):
            continue
        changed = _change(row, draw)
        text = json.dumps(changed).encode()
        if k is None:
            return text
        return b"\n".join([*lines[:k], text, *lines[k + 1 :]])
    return bytes_(data, draw)


def _change(row: Any, draw: random.Random) -> Any:
    if not isinstance(row, (dict, list)) or not row or draw.random() < 0.03:
        return draw.choice(STRANGE)
    keys: list[Any] = list(row) if isinstance(row, dict) else list(range(len(row)))
    key = draw.choice(keys)
    row = row.copy()
    action = draw.random()
    if action < 0.55 and isinstance(row[key], (dict, list)) and row[key]:
        row[key] = _change(row[key], draw)
    elif action < 0.8:
        row[key] = draw.choice(STRANGE)
    elif action < 0.87:
        del row[key]
    elif action < 0.93:
        other = draw.choice(keys)
        row[key], row[other] = row[other], row[key]
    elif isinstance(row, dict):
        row[draw.choice(["surprise", "engine_args", "policy", "", "n", "parameters"])] = draw.choice(STRANGE)
    else:
        row.insert(key, draw.choice(STRANGE))
    return row


def bytes_(data: bytes, draw: random.Random) -> bytes:
    """Flip, insert, remove or repeat some bytes."""
    at = draw.randrange(len(data) + 1)
    length = min(draw.choice((1, 1, 2, 10, 1000)), len(data) - at)
    action = draw.randrange(4)
    if action == 0:
        return data[:at] + bytes(draw.randrange(256) for _ in range(length)) + data[at + length :]
    if action == 1:
        return data[:at] + data[at + length :]
    if action == 2:
        return data[:at] + data[at : at + length] * 2 + data[at + length :]
    return data[:at] + draw.choice(RAW) + data[at:]


def token(data: bytes, draw: random.Random) -> bytes:
    """Put something that is no JSON, or hardly is, in the place of a number, a text or a bracket."""
    at = draw.randrange(len(data) + 1)
    end = at
    while end < len(data) and data[end : end + 1] not in b",:]}\n" and end < at + 200:
        end += 1
    return data[:at] + draw.choice(RAW) + data[end:]


def lines(data: bytes, draw: random.Random) -> bytes:
    """Remove, repeat, swap or cut lines."""
    rows = data.split(b"\n")
    k, m = draw.randrange(len(rows)), draw.randrange(len(rows))
    action = draw.randrange(5)
    if action == 0:
        del rows[k]
    elif action == 1:
        rows.insert(m, rows[k])
    elif action == 2:
        rows[k], rows[m] = rows[m], rows[k]
    elif action == 3:
        return b"\n".join(rows[: k + 1])[: -draw.randrange(1, 40)]
    else:
        rows.insert(k, draw.choice(RAW))
    return b"\n".join(rows)


def encoding(data: bytes, draw: random.Random) -> bytes:
    """Write the file in another encoding."""
    text = data.decode("utf-8", "replace")
    return text.encode(draw.choice(("utf-16", "utf-32", "latin-1", "utf-8-sig", "utf-7")), "replace")


EDITS: list[Callable[[bytes, random.Random], bytes]] = [value, bytes_, token, lines, encoding]
WEIGHTS = [10, 3, 4, 3, 1]
