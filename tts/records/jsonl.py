"""A file of JSON Lines that only ever grows, and survives a kill: each row is one write, a torn last line is healed."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tts.errors import BadInput


class Rows:
    """The rows of a file, and a place for more. For one process at a time.

    Args:
        path: the file; it is made where there is none.
        take: called with the number (from 1) and the bytes of every whole line that is there already. What it raises
            leaves the file as it was.

    Raises:
        BadInput: the file cannot be read or written.
    """

    def __init__(self, path: Path, take: Callable[[int, bytes], None]) -> None:
        self.path = path
        try:
            self._file = path.open("a+b", buffering=0)
        except OSError as error:
            raise BadInput(f"the output {path} cannot be written: {error.strerror}.") from error
        try:
            self._resume(take)
        except BaseException:
            self._file.close()
            raise

    def add(self, row: Mapping[str, Any]) -> None:
        """Append a row; a process that is killed from now on does not lose it. Raises BadInput where it cannot."""
        try:
            line = json.dumps(row, ensure_ascii=False).encode() + b"\n"
        except UnicodeEncodeError:  # half a surrogate pair, which a model may write, has no UTF-8
            line = json.dumps(row).encode() + b"\n"
        end = self._file.seek(0, os.SEEK_END)
        try:
            while line:
                line = line[self._file.write(line) or 0 :]
        except OSError as error:
            self._file.truncate(end)  # half a row would spoil the next one
            raise BadInput(f"{self.path} cannot be written: {error.strerror}.") from error

    def close(self) -> None:
        self._file.close()

    def _resume(self, take: Callable[[int, bytes], None]) -> None:
        whole = 0
        with self.path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if not line.endswith(b"\n"):
                    break
                take(number, line)
                whole += len(line)
        if self._file.seek(0, os.SEEK_END) > whole:
            self._file.truncate(whole)
