"""The finished measurements of a run in a JSON file, so that a run can be resumed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tts.errors import BadInput
from tts.files import json_text
from tts.files.json_text import dump
from tts.files.text import write_atomically

Figures = Mapping[str, Any]


class Record:
    """Figures by the measurement's name.

    Args:
        path: the file; None keeps nothing on disk.
        settings: settings of the run; a file with other settings is refused.
        machine: facts about the machine, see :mod:`benchmarks.provenance`.

    Raises:
        BadInput: the file has another format, or another run.
    """

    def __init__(self, path: Path | None, settings: Mapping[str, Any], machine: Mapping[str, Any]) -> None:
        self._path = path
        self._content: dict[str, Any] = {"settings": dict(settings), "machine": dict(machine), "measurements": {}}
        if path is not None and path.is_file():
            self._resume(path)

    def __contains__(self, name: str) -> bool:
        return name in self._content["measurements"]

    def __getitem__(self, name: str) -> Figures:
        figures: Figures = self._content["measurements"][name]
        return figures

    def of(self, part: str) -> Iterator[tuple[list[str], Figures]]:
        """Yield the measurements of a part: the rest of each name, split at slashes, and its figures."""
        for name, figures in self._content["measurements"].items():
            first, *rest = name.split("/")
            if first == part:
                yield rest, figures

    def keep(self, name: str, figures: Figures) -> None:
        """Add a measurement; it is on disk when this returns."""
        self._content["measurements"][name] = dict(figures)
        if self._path is not None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(self._path, dump(self._content, indent=1) + "\n")

    def _resume(self, path: Path) -> None:
        try:
            found = json_text.read(path)
            settings, measurements = found["settings"], found["measurements"]
        except (BadInput, KeyError, TypeError) as error:
            raise BadInput(f"{path} is not a record of this benchmark: name another file with --out.") from error
        if settings != self._content["settings"]:
            raise BadInput(f"{path} was made with {settings}: use the same settings, or name another file with --out.")
        self._content["measurements"] = measurements
