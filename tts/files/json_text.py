"""The one reader and the one writer of JSON."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from tts.errors import BadInput
from tts.files.text import LARGEST, decoded, read_bytes

DEPTH = 100
"""Most lists and objects within each other."""

_SHAPE = bytes.maketrans(b"123456789E", b"000000000e")
_ESCAPED = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff]")


_TOO_DEEP = f"it has more than {DEPTH} lists and objects within each other"


class _Refused(ValueError):
    """A value that is not JSON, or more than a program can calculate with."""


def parse(text: str | bytes, what: str = "the text", *, finite: bool = True) -> Any:
    """Read JSON. ``what`` names it in the sentence of an error.

    Numbers beyond floating point, NaN, Infinity and more than :data:`DEPTH` levels are refused; without ``finite`` the
    numbers pass, for a caller who checks those that count. Of equal keys the last one counts. Half a surrogate pair is
    kept.

    Raises:
        BadInput: the text is not JSON, or the bytes are no UTF-8.
    """
    if isinstance(text, bytes):
        text = decoded(text, what)
    try:
        decoder = _LENIENT if not finite else _CAREFUL if _large(text) else _PLAIN
        value = decoder.decode(text)
        if text.count("[") + text.count("{") > DEPTH and _deeper(value):
            raise _Refused(_TOO_DEEP)
        return value
    except (ValueError, RecursionError) as error:
        why = _TOO_DEEP if isinstance(error, RecursionError) else error
        raise BadInput(f"{what} is not JSON: {why}.") from error


def read(path: Path | str, what: str = "", limit: int = LARGEST) -> Any:
    """Read a file that holds one JSON value. Raises BadInput as :func:`parse` and where it cannot be read."""
    return parse(read_bytes(path, what, limit), what or str(path))


def within(text: str, starts: int = 200) -> Iterator[Any]:
    """Yield the objects and lists that a text holds, in order; looks at ``starts`` places where one may begin."""
    decoder = json.JSONDecoder()
    at = 0
    for _ in range(starts):
        start = min((place for place in (text.find("{", at), text.find("[", at)) if place >= 0), default=-1)
        if start < 0:
            return
        try:
            _, at = decoder.raw_decode(text, start)
            yield parse(text[start:at])
        except (ValueError, RecursionError, BadInput):
            at = start + 1


def canonical(value: Any) -> str:
    """Write a value so that equal values are equal texts: 1 is 1.0, and the order of members does not count."""
    return dump(_plain(value))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(value[name]) for name in sorted(value)}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def dump(value: Any, *, indent: int | None = None, compact: bool = False, ascii_only: bool = False) -> str:
    """Write JSON that every reader takes: a line of it (without ``indent``) is one line to everybody.

    Line separators, control characters, marks of writing direction and halves of surrogate pairs are escaped. A number
    that is not finite becomes null, which JSON has.
    """
    separators = (",", ":") if compact else None
    try:
        text = json.dumps(value, ensure_ascii=ascii_only, allow_nan=False, indent=indent, separators=separators)
    except ValueError:
        value = _finite(value)
        text = json.dumps(value, ensure_ascii=ascii_only, allow_nan=False, indent=indent, separators=separators)
    if ascii_only or (text.isascii() and "\x7f" not in text):
        return text
    return _ESCAPED.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _deeper(value: Any) -> bool:
    """Return whether lists and objects are nested deeper than :data:`DEPTH`."""
    level = [value]
    for _ in range(DEPTH):
        level = [child for each in level for child in _children(each) if isinstance(child, (dict, list))]
        if not level:
            return False
    return True


def _children(value: Any) -> Iterable[Any]:
    return value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()


def _large(text: str) -> bool:
    """Return whether a number may exceed floating point; digits within strings count too."""
    shape = text.encode("ascii", "replace").translate(_SHAPE)
    return b"0" * 300 in shape or b"e000" in shape or b"e+000" in shape


def _whole(digits: str) -> int:
    _real(digits)
    return int(digits)


def _real(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise _Refused(f"{digits[:12]}... is a number beyond floating point")
    return number


def _constant(name: str) -> Any:
    raise _Refused(f"{name} is no number that JSON has")


_LENIENT = json.JSONDecoder()
_PLAIN = json.JSONDecoder(parse_constant=_constant)
_CAREFUL = json.JSONDecoder(parse_constant=_constant, parse_int=_whole, parse_float=_real)


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(each) for each in value]
    return value
