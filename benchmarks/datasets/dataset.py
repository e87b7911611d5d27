"""Data sets: problems with right answers, loaded by name or from a file, checked, and restricted to a part."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from benchmarks.datasets.hub import fetched
from benchmarks.datasets.items import Item, NoItem, item_of
from benchmarks.datasets.known import BUILT_IN, BUILT_IN_SETS, KNOWN, VALIDATION, Hub, Known
from tts.errors import BadInput, UnknownName
from tts.files.tables import entries
from tts.files.text import reason
from tts.types import Problem

FOLDER = "TTS_DATA"
"""Environment variable with the folder that is read instead of the hub."""


@dataclass(frozen=True, slots=True)
class DataSet:
    """Problems with their right answers.

    Attributes:
        name: name in rows and reports.
        source: where it was read from.
        items: problems to run.
        total: number of problems of the whole data set.
        sha256: hash of all its problems.
        part: how ``items`` were chosen; empty if they are all.
    """

    name: str
    source: str
    items: tuple[Item, ...]
    total: int
    sha256: str
    part: Mapping[str, Any] = field(default_factory=dict)

    @property
    def extract(self) -> str:
        """Name how answers are found: by the data set's convention, of the user's own problems ``auto``."""
        if self.name.startswith("lab-"):
            return "boxed"
        return KNOWN[self.name].extract if self.name in KNOWN else "auto"

    @property
    def kind(self) -> str:
        """Name the kind of the answers, by the data set's convention; ``auto`` for the user's own problems."""
        if self.name.startswith("lab-"):
            return "math"
        return KNOWN[self.name].kind if self.name in KNOWN else "auto"

    @property
    def kinds(self) -> str:
        """Name the kinds of the answers in words, for the user; empty if only a look at each problem decides."""
        named = sorted({item.problem.kind or self.kind for item in self.items})
        return "" if "auto" in named else "; ".join(named)

    @property
    def words(self) -> str:
        """Describe the data set in words; a part is marked as such."""
        if not self.part:
            return f"{self.name}, all {self.total} problems" if self.total > 1 else f"{self.name}, its one problem"
        how = ", ".join(f"{name} {value}" for name, value in self.part.items())
        return f"{self.name}, a PART of it: {len(self.items)} of {self.total} problems ({how})"

    def spread(self, limit: int | None) -> DataSet:
        """Select ``limit`` problems at equal distances: of every level of a data set in the order of its levels.

        Raises BadInput for a limit below 1.
        """
        chosen, count = self.choose(limit), len(self.items)
        if len(chosen.items) == count:
            return self
        items = tuple(self.items[k * count // len(chosen.items)] for k in range(len(chosen.items)))
        return replace(self, items=items, part={**self.part, "spread": limit})

    def choose(self, limit: int | None = None, levels: tuple[int, ...] = (), ids: tuple[str, ...] = ()) -> DataSet:
        """Select problems by level and id, then the first ``limit`` of them.

        Raises BadInput for a level or an id that no problem has, and if nothing is left.
        """
        if limit is not None and limit < 1:
            raise BadInput(f"--limit must be 1 or more, not {limit}.")
        known = {item.level for item in self.items}
        if missing := sorted(set(levels) - known):
            raise BadInput(f"{self.name} has no level {missing[0]}: its levels are {sorted(known)}.")
        if missing_ids := sorted(set(ids) - {item.problem.id for item in self.items}):
            example = self.items[0].problem.id
            raise BadInput(f"{self.name} has no problem with the id {missing_ids[0]!r}: its ids are like {example!r}.")
        items = [
            item for item in self.items if (not levels or item.level in levels) and (not ids or item.problem.id in ids)
        ][:limit]
        if not items:
            raise BadInput(f"no problem of {self.name} has both these levels and these ids.")
        part = {"first": limit, "levels": list(levels), "ids": list(ids)}
        part = {name: value for name, value in part.items() if value} if len(items) < len(self.items) else {}
        return replace(self, items=tuple(items), part={**self.part, **part})


def load(name: str) -> DataSet:
    """Load a data set by name.

    Raises:
        UnknownName: no data set has this name.
        BadInput: it cannot be read, or its count or content is not the expected one.
        MissingExtra: the package that reads it is not installed.
    """
    require(name)
    name = name.lower()
    if name in BUILT_IN_SETS or name in VALIDATION:
        from benchmarks.word_problems.fresh import FRESH, problems
        from benchmarks.word_problems.generate import DATA

        if name in FRESH:
            items = tuple(item_of(asdict(problem), "") for problem in problems(name))
            return DataSet(name, "drawn anew", items, len(items), digest(items))
        return read(DATA / f"{name}.jsonl", name, source="built in")
    return _checkable(_load(name, KNOWN[name]))


def require(name: str) -> None:
    """Refuse what is not the name of a data set; nothing is read. Raises UnknownName."""
    names = [*KNOWN, *BUILT_IN_SETS, *VALIDATION]
    if name.lower() not in names:
        raise UnknownName("data set", name, names)


def _load(name: str, known: Known) -> DataSet:
    """Load all problems of a data set, and check that they are those."""
    if folder := os.environ.get(FOLDER):
        path = _local_file(name, known, Path(folder).expanduser())
        source = f"{path.name} in the folder of {FOLDER}"
        if known.subtasks:
            found = _joined(name, source, {task: path / f"{task}.json" for task in known.subtasks})
        else:
            found = read(path, name, source=source)
        if not (known.hub.sha256 and known.hub.sha256 == _sha256(path)):
            _check(found, known.count, known.sha256, path)
        return found
    if known.package and (packaged := _packaged(known.package)):
        found = read(packaged, name, source=f"the package {known.package.partition(':')[0]}")
        _check(found, known.count, known.sha256, packaged)
        return found
    source = f"{known.hub.repository}@{known.hub.revision}/{known.hub.file}"
    if known.subtasks:
        files = {task: _download(name, replace(known.hub, file=known.hub.file.format(task))) for task in known.subtasks}
        found = _joined(name, source, files)
        _check(found, known.hub.count, "", files[known.subtasks[0]].parent)
        return found
    path = _download(name, known.hub)
    if known.hub.sha256 and (bytes_ := _sha256(path)) != known.hub.sha256:
        raise BadInput(
            f"{path} is not the pinned file of {name}: its SHA-256 is {bytes_}, not {known.hub.sha256}; "
            "remove it and try again."
        )
    found = read(path, name, source=source)
    _check(found, known.hub.count, "", path)
    return found


def read(path: Path, name: str = "", source: str = "") -> DataSet:
    """Read the problems of a file of rows. Every row needs a question, an answer and a distinct id.

    Raises BadInput for a file that cannot be read or a row that is not a problem (the message names the row), and
    MissingExtra for Parquet without pyarrow.
    """
    name = name or path.stem
    items = _items(path, name)
    if name not in KNOWN and (item := next((item for item in items if item.unchecked), None)):
        raise BadInput(
            f"the problem {item.problem.id} of {path} has the instruction {item.unchecked!r}, which is not checked "
            "here: docs/KINDS.md lists those that are."
        )
    return DataSet(name, source or path.name, tuple(items), len(items), digest(items))


def _joined(name: str, source: str, files: Mapping[str, Path]) -> DataSet:
    """Read a data set of several subtasks, a file each; they become the subjects."""
    items = [replace(item, subject=task) for task, path in files.items() for item in _items(path, task)]
    return DataSet(name, source, tuple(items), len(items), digest(items))


def _checkable(data: DataSet) -> DataSet:
    """Leave out the problems with an instruction that has no check here, and say so."""
    items = tuple(item for item in data.items if not item.unchecked)
    if len(items) == len(data.items):
        return data
    left = f"{len(data.items) - len(items)} with an instruction that is not checked here"
    return replace(data, items=items, part={"without the": left})


def _items(path: Path, name: str) -> list[Item]:
    items: list[Item] = []
    taken: dict[str, int] = {}
    what = f"the data {path}"
    for number, entry in enumerate(entries(path, what), 1):
        try:
            item = item_of(entry.row(f"{entry.place} of {what}"), f"{name}-{number - 1:03}")
        except NoItem as error:
            raise BadInput(f"row {number} of {path} {error}.") from error
        if item.problem.id in taken:
            raise BadInput(
                f"rows {taken[item.problem.id]} and {number} of {path} have the same id, {item.problem.id!r}."
            )
        taken[item.problem.id] = number
        items.append(item)
    if not items:
        raise BadInput(f"{path} has no problems.")
    return items


def digest(items: list[Item] | tuple[Item, ...]) -> str:
    """Hash problems, whatever their file: SHA-256 of one JSON line ``[id, problem, gold, level, subject]`` each."""
    total = hashlib.sha256()
    for item in items:
        row = [item.problem.id, item.problem.text, item.gold, item.level, item.subject]
        total.update(json.dumps(row, ensure_ascii=False).encode() + b"\n")  # frozen: published hashes depend on it
    return total.hexdigest()


def _packaged(where: str) -> Path | None:
    """Return the file of an installed package, ``package:file``; None if it is not installed."""
    package, _, file = where.partition(":")
    spec = importlib.util.find_spec(package)
    path = Path(spec.origin).parent / file if spec and spec.origin else None
    return path if path and path.is_file() else None


def _local_file(name: str, known: Known, folder: Path) -> Path:
    names = [f"{name}.jsonl", f"{name}.parquet", *known.files]
    if not folder.is_dir():
        raise BadInput(f"{FOLDER} names {folder}, which is not a folder.")
    if known.subtasks:
        missing = next((task for task in known.subtasks if not (folder / name / f"{task}.json").is_file()), None)
        if missing is None:
            return folder / name
        raise BadInput(
            f"the folder {folder} of {FOLDER} has no {name}/{missing}.json: {name} is a folder with the authors' "
            f"{len(known.subtasks)} files."
        )
    path = next((folder / file for file in names if (folder / file).is_file()), None)
    if path is None:
        raise BadInput(f"the folder {folder} of {FOLDER} has no {name}: call the file {' or '.join(names)}.")
    return path


def _check(found: DataSet, count: int, sha256: str, path: Path) -> None:
    if found.total != count:
        raise BadInput(f"{found.name} has {count} problems, but {path} has {found.total}: it is not that data set.")
    if sha256 and found.sha256 != sha256:
        raise BadInput(
            f"the problems in {path} are not those of {found.name}: their SHA-256 is {found.sha256}, not {sha256}; "
            "--data FILE runs it as a data set of your own."
        )


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise BadInput(f"the data {path} cannot be read: {reason(error)}.") from error


def _download(name: str, hub: Hub) -> Path:
    """Return the file from the hub's cache on this machine, or download it."""
    try:
        return fetched(hub.repository, hub.file, hub.revision)
    except Exception as error:  # whatever a network can do
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".:")
        raise BadInput(
            f"{name} could not be fetched from {hub.repository} on the hub ({reason}): name a folder that holds it "
            f"with {FOLDER}, or a file with --data."
        ) from error


__all__ = ["BUILT_IN", "FOLDER", "DataSet", "Item", "Problem", "digest", "load", "read"]
