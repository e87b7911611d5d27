"""Reads text as UTF-8, and writes a file whole or not at all."""

from __future__ import annotations

import codecs
import os
import secrets
import stat
from pathlib import Path
from typing import IO

from tts.errors import BadInput

LARGEST = 2**30
"""Bytes of the largest file that is read into memory at once."""

_CHUNK = 2**20
_UTF_16 = codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE


def read_bytes(path: Path | str, what: str = "", limit: int = LARGEST) -> bytes:
    """Read a whole file, at most ``limit`` bytes. ``what`` names it in the sentence of an error.

    Raises BadInput where it cannot be read or is larger.
    """
    parts, left = [], limit
    try:
        with Path(path).open("rb") as file:
            while part := file.read(_CHUNK):
                parts.append(part)
                left -= len(part)
                if left < 0:
                    raise BadInput(f"{what or path} cannot be read: it is larger than {limit:,} bytes.")
    except (OSError, ValueError) as error:
        raise BadInput(f"{what or path} cannot be read: {reason(error)}.") from error
    return b"".join(parts)


def read_text(path: Path | str, what: str = "", limit: int = LARGEST) -> str:
    """Read a file as UTF-8; a byte order mark is dropped. Raises BadInput where it cannot be read or is no UTF-8."""
    return decoded(read_bytes(path, what, limit), what or str(path))


def decoded(data: bytes, what: str) -> str:
    """Decode UTF-8 strictly. Raises BadInput, which names UTF-16 where it is that."""
    if data.startswith(_UTF_16):
        raise BadInput(f"{what} is UTF-16 text: save it as UTF-8.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput(f"{what} is not UTF-8 text: save it as UTF-8.") from error


def is_utf8(text: str) -> bool:
    """Return whether a text can be written as UTF-8: half a surrogate pair cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def legible(text: str) -> str:
    """Replace halves of surrogate pairs, which are no text."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def write_atomically(path: Path | str, text: str | bytes, what: str = "") -> None:
    """Write a file under a temporary name in its folder, then rename it. A device or a pipe is written to as it is.

    Half a surrogate pair, which has no UTF-8, is written as its escape. Raises BadInput where the file cannot be
    written; an older file of that name is then as it was.
    """
    data = text if isinstance(text, bytes) else text.encode("utf-8", "backslashreplace")
    try:
        if is_stream(path):
            with open_stream(path) as stream:
                stream.write(data)
        else:
            _replace(Path(os.path.realpath(path)), data)
    except (OSError, ValueError) as error:
        raise BadInput(f"{what or path} cannot be written: {reason(error)}.") from error


def check_writable(path: Path | str, what: str = "") -> None:
    """Make sure before the work that its result can be written; nothing is left behind. Raises BadInput otherwise."""
    try:
        if Path(path).is_dir():
            raise BadInput(f"{what or path} cannot be written: it is a folder.")
        if not is_stream(path):
            _replace(Path(os.path.realpath(path)), None)
        elif not os.access(path, os.W_OK):
            raise BadInput(f"{what or path} cannot be written: Permission denied.")
    except (OSError, ValueError) as error:
        raise BadInput(f"{what or path} cannot be written: {reason(error)}.") from error


def is_folder(path: Path | str) -> bool:
    """Whether a path is a folder. One that no file can have is none."""
    try:
        return Path(path).is_dir()
    except (OSError, ValueError):
        return False


def is_stream(path: Path | str) -> bool:
    """Return whether a path is a device, a pipe or a socket, which cannot be replaced."""
    try:
        mode = Path(path).stat().st_mode
    except (OSError, ValueError):
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def open_stream(path: Path | str) -> IO[bytes]:
    """Open a device or a pipe for writing. A pipe without a reader raises OSError at once."""
    stream = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    os.set_blocking(stream, True)
    return os.fdopen(stream, "wb", buffering=0)


def reason(error: Exception) -> str:
    """Return why a file could not be used, as the end of a sentence."""
    strerror = error.strerror if isinstance(error, OSError) else None
    return strerror or (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")


def _replace(path: Path, data: bytes | None) -> None:
    """Write ``data`` next to ``path`` and rename it to ``path``; None only checks whether that is possible."""
    draft = path.with_name(f".{secrets.token_hex(6)}.partial")
    try:
        with draft.open("xb") as file:
            if path.exists():
                os.fchmod(file.fileno(), stat.S_IMODE(path.stat().st_mode))
            file.write(data or b"")
            file.flush()
            if data is not None:
                os.fsync(file.fileno())
        if data is not None:
            os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)
