"""The one reader and the one writer of JSON Lines. A row ends with "\\n" and with nothing else."""

from __future__ import annotations

import codecs
import gzip
import os
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

from tts.errors import BadInput
from tts.files.json_text import dump, parse
from tts.files.lock import Lock
from tts.files.text import decoded, is_stream, open_stream, reason

LONGEST = 2**29
"""Bytes of the longest line that is read."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line that is not blank.

    Attributes:
        number: from 1.
        at: the byte at which it begins.
        data: its bytes, without the end of the line.
        whole: whether it ends with "\\n"; only the last one may not.
    """

    number: int
    at: int
    data: bytes
    whole: bool

    @property
    def place(self) -> str:
        """Return where it stands, such as "line 3"."""
        return f"line {self.number}"

    def text(self, what: str = "it") -> str:
        """Decode it. Raises BadInput where it is no UTF-8."""
        try:
            return self.data.decode("utf-8-sig" if self.number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise BadInput(f"{what} is not UTF-8 text.") from error

    def value(self, what: str = "it") -> Any:
        """Parse it. Raises BadInput where it is not JSON."""
        return parse(self.text(what), what)


def lines(path: Path, what: str = "") -> Iterator[Line]:
    """Yield the lines of a file; one whose name ends in ``.gz`` is decompressed.

    Raises BadInput where the file cannot be read, is UTF-16, or has a line longer than :data:`LONGEST`.
    """
    what, at, number = what or str(path), 0, 0
    try:
        with _opened(path) as file:
            while data := file.readline(LONGEST):
                number += 1
                if number == 1:
                    _refuse_utf_16(data, what)
                if len(data) == LONGEST:
                    raise BadInput(f"line {number} of {what} is longer than {LONGEST:,} bytes: it is no file of rows.")
                if data.strip():
                    yield Line(number, at, data.rstrip(b"\r\n"), data.endswith(b"\n"))
                at += len(data)
    except (OSError, EOFError, zlib.error, ValueError) as error:
        raise BadInput(f"{what} cannot be read: {reason(error)}.") from error


def rows(path: Path, what: str = "") -> Iterator[tuple[Line, dict[str, Any]]]:
    """Yield each line with its object. A partial last line of a killed run is ignored.

    Raises BadInput where the file cannot be read, and for a line that is not a JSON object.
    """
    first = True
    for line in lines(path, what):
        where = f"line {line.number} of {what or path}"
        try:
            row = line.value(where)
        except BadInput:
            if not first and not line.whole:
                return
            raise
        if not isinstance(row, dict):
            raise BadInput(f"{where} is not a JSON object.")
        first = False
        yield line, row


def row_at(path: Path, at: int) -> Any:
    """Parse the line at a byte offset from :func:`lines`. Raises BadInput if it is no longer there."""
    try:
        with path.open("rb") as file:
            file.seek(at)
            return parse(file.readline(LONGEST), f"byte {at} of {path}")
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {reason(error)}.") from error


class Rows:
    """A file of rows that only grows. One process at a time writes it, and a kill loses no row that was added.

    Only what follows a row of ours is ever cut: the torn end that a killed run leaves. A device or a pipe takes rows as
    they come and has none to begin with.

    Args:
        path: the file; it is made if it is missing.
        take: called with the number and the value of each line that is there, None for one that is not JSON. It raises
            BadInput for a row that is not ours, and the file stays as it was.
        ours: whether the file can only be ours, so that a torn first row may be cut too.
        lock: whether to hold a lock; False where the folder has one.

    Raises:
        BadInput: the file cannot be read or written, or another run writes it.
    """

    def __init__(self, path: Path, take: Callable[[int, Any], None], *, ours: bool = False, lock: bool = True) -> None:
        self.path = path
        self._stream = is_stream(path)
        self._lock = None if self._stream or not lock else _locked(path)
        try:
            self._file = open_stream(path) if self._stream else path.open("a+b", buffering=0)
        except (OSError, ValueError) as error:
            self._unlock()
            raise BadInput(f"the output {path} cannot be written: {reason(error)}.") from error
        try:
            if not self._stream:
                self._resume(take, ours)
        except BaseException:
            self.close()
            raise

    def add(self, row: Mapping[str, Any]) -> None:
        """Append a row; a process that is killed from now on does not lose it. Raises BadInput where it cannot."""
        self._write(dump(row).encode() + b"\n")

    def close(self) -> None:
        """Let go of the file and its lock."""
        self._file.close()
        self._unlock()

    def _unlock(self) -> None:
        if self._lock is not None:
            self._lock.release(remove=True)

    def _write(self, data: bytes) -> None:
        end = 0 if self._stream else self._file.seek(0, os.SEEK_END)
        try:
            while data:
                data = data[self._file.write(data) or 0 :]
        except OSError as error:
            if not self._stream:
                with suppress(OSError):
                    self._file.truncate(end)  # half a row would spoil the next one
            raise BadInput(f"{self.path} cannot be written: {reason(error)}.") from error
        if not self._stream and os.fstat(self._file.fileno()).st_nlink == 0:
            raise BadInput(f"{self.path} was deleted while it was being written: its rows are lost, run this again.")

    def _resume(self, take: Callable[[int, Any], None], ours: bool) -> None:
        known, line = ours, None
        for line in lines(self.path):
            try:
                value = line.value()
            except BadInput:
                if not line.whole and known:
                    self._file.truncate(line.at)
                    return
                value = None
            take(line.number, value)
            known = True
        if line is not None and not line.whole:
            self._write(b"\n")  # a whole row that only lacks its end


def _locked(path: Path) -> Lock:
    if path.is_dir():
        raise BadInput(f"the output {path} cannot be written: it is a folder.")
    real = Path(os.path.realpath(path))
    if not real.parent.is_dir():
        raise BadInput(f"the output {path} cannot be written: there is no folder {real.parent}.")
    return Lock(real.with_name(f".{real.name[:200]}.lock"), path, "name another file")


def _opened(path: Path) -> IO[bytes]:
    return cast("IO[bytes]", gzip.open(path, "rb")) if path.suffix == ".gz" else path.open("rb")


def _refuse_utf_16(data: bytes, what: str) -> None:
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        decoded(data, what)
