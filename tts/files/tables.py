"""Files of rows in any format: JSON Lines, also compressed, JSON, CSV and Parquet."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tts.errors import BadInput, MissingExtra
from tts.files.json_text import parse
from tts.files.jsonl import Line, lines
from tts.files.text import LARGEST, read_bytes, read_text, reason

FORMATS = (".jsonl", ".json", ".csv", ".tsv", ".parquet")
"""Ends of names of files of rows; of JSON perhaps with ``.gz`` behind."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of a file.

    Attributes:
        place: where it stands, such as "line 3" or "row 3"; both count from 1.
        content: what it holds, a line of JSON not yet parsed.
    """

    place: str
    content: Any

    def row(self, what: str = "it") -> Mapping[str, Any]:
        """Return its fields. Raises BadInput where it is not JSON or not an object; ``what`` is it in the sentence."""
        value = self.content.value(what) if isinstance(self.content, Line) else self.content
        if not isinstance(value, dict):
            raise BadInput(f"{what} is not a JSON object.")
        return value


@dataclass(frozen=True, slots=True)
class BadRow:
    """A line or row that cannot be used: where it stands, such as "line 3", and the reason."""

    place: str
    reason: str

    def __str__(self) -> str:
        return f"{self.place}: {self.reason}"


def is_table(path: Path) -> bool:
    """Return whether a file's name ends as one of rows that are read here."""
    return _format(path) in FORMATS


def entries(path: Path, what: str) -> Iterator[Entry]:
    """Yield the rows of a file.

    JSON has a row a line, or is one list of rows, or an object with such a list under ``examples``, or one row. Cells
    of CSV are divided by commas, semicolons or tabs; empty ones are left out.

    Raises:
        BadInput: the file cannot be read, or has another format; ``what`` is it in the sentence.
        MissingExtra: it is a Parquet file, and pyarrow is not installed.
    """
    if path.is_dir():
        raise BadInput(f"{what} cannot be read: it is a folder.")
    match _format(path):
        case ".jsonl" | ".json":
            return _json(path, what)
        case ".csv" | ".tsv":
            return _csv(path, what)
        case ".parquet":
            return _parquet(path, what)
    raise BadInput(f"{path} is none of .jsonl, .jsonl.gz, .json, .csv, .tsv and .parquet: use one of these formats.")


def _format(path: Path) -> str:
    """Return the end of a file's name, of compressed JSON that before ``.gz``."""
    end = Path(path.stem).suffix if path.suffix == ".gz" else path.suffix
    return "" if path.suffix == ".gz" and not end.startswith(".json") else end


def _rows(rows: list[Any]) -> Iterator[Entry]:
    return (Entry(f"row {number}", row) for number, row in enumerate(rows, 1))


def _json(path: Path, what: str) -> Iterator[Entry]:
    first = next(lines(path, what), None)
    opening = first.data.lstrip(codecs.BOM_UTF8).lstrip()[:1] if first else b""
    if opening == b"[":
        whole = parse(_content(path, what), what)
        if not isinstance(whole, list):
            raise BadInput(f"{what} is not a JSON array.")
        return _rows(whole)
    if opening == b"{" and _format(path) == ".json" and (rows := _object(path, what)) is not None:
        return _rows(rows)
    return (Entry(line.place, line) for line in lines(path, what))


def _object(path: Path, what: str) -> list[Any] | None:
    """Return the rows of a file that is one object: those under ``examples``, or itself; None for any other file."""
    try:
        whole = parse(_content(path, what), what)
    except BadInput:
        return None
    if not isinstance(whole, dict):
        return None
    found = whole.get("examples")
    return found if isinstance(found, list) else [whole]


def _content(path: Path, what: str) -> bytes:
    if path.suffix != ".gz":
        return read_bytes(path, what)
    try:
        with gzip.open(path) as file:
            content = file.read(LARGEST + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise BadInput(f"{what} cannot be read: {reason(error)}.") from error
    if len(content) > LARGEST:
        raise BadInput(f"{what} cannot be read: it is larger than {LARGEST:,} bytes.")
    return content


def _csv(path: Path, what: str) -> Iterator[Entry]:
    text = read_text(path, what)
    try:
        rows = [
            {name: cell for name, cell in row.items() if name and cell}
            for row in csv.DictReader(io.StringIO(text, newline=""), delimiter=_delimiter(text))
        ]
    except csv.Error as error:
        raise BadInput(f"{what} cannot be read: {reason(error)}.") from error
    return _rows(rows)


def _delimiter(text: str) -> str:
    """Return what divides the cells of the header; spreadsheets write semicolons where a comma is the decimal point."""
    header = text.partition("\n")[0]
    return max(",;\t", key=header.count)


def _parquet(path: Path, what: str) -> Iterator[Entry]:
    if not path.is_file():
        raise BadInput(f"{what} cannot be read: there is no such file.")
    try:
        from pyarrow import parquet
    except ImportError as error:
        raise MissingExtra(
            f"{path.name} is a Parquet file, and pyarrow, which reads it, is not installed: "
            "pip install 'tts-search[parquet]'."
        ) from error
    try:
        return _rows(parquet.read_table(path).to_pylist())
    except Exception as error:
        raise BadInput(f"{path} cannot be read as Parquet: {str(error).splitlines()[0]}") from error
