"""Labelled solutions, and how they are read from a file. Standard library only.

A row of ProcessBench:

    {"id": "gsm8k-0", "generator": "Qwen2-7B-Instruct", "problem": "Sue lives in ...",
     "steps": ["To find out ...", ...], "final_answer_correct": false, "label": 1}

``label`` is the first wrong step, counted from 0, or -1. A file of one's own may hold ``labels`` instead, one for each
step: true or 1 for right, false or 0 for wrong.
"""

from __future__ import annotations

import codecs
import gzip
import hashlib
import json
import re
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tts.errors import BadInput

NEEDED = "`problem`, `steps` (a list of texts), and `label` (the first wrong step from 0, or -1) or `labels`"
KNOWN = {"id", "generator", "problem", "steps", "label", "labels", "final_answer_correct"}


@dataclass(frozen=True, slots=True)
class Case:
    """One labelled solution.

    Attributes:
        id: its name in results.
        problem: the question.
        steps: the solution's steps, at least one, none empty.
        first_error: the first wrong step, counted from 0; -1 where there is none.
        labels: for each step whether it is right, None where that is not known. ProcessBench does not say what the
            steps after the first error are.
        right: whether the final answer is right, where the data say so; else whether no step is wrong.
    """

    id: str
    problem: str
    steps: tuple[str, ...]
    first_error: int
    labels: tuple[bool | None, ...]
    right: bool

    @property
    def key(self) -> str:
        """What was scored, in short: the same problem and steps have the same key."""
        return hashlib.sha256("\0".join((self.problem, *self.steps)).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that cannot be used: where it stands, and what is wrong with it."""

    place: str
    reason: str

    def __str__(self) -> str:
        return f"{self.place}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Rows:
    """What a file holds: labelled solutions, the rows that cannot be used, and the names of fields not looked at."""

    cases: list[Case]
    bad: list[BadRow]
    ignored: list[str]


def read(path: Path) -> Rows:
    """The labelled solutions of a file: one JSON object a line, or one JSON array of them; ``.gz`` is unpacked.

    Raises:
        BadInput: the file is missing, unreadable, or holds no row that can be used.
    """
    cases, bad, ignored = list[Case](), list[BadRow](), Counter[str]()
    for place, row in _rows(path, _content(path)):
        try:
            if isinstance(row, BadInput):
                raise row
            case = parse(row, f"{path.name.split('.')[0]}-{len(cases)}")
        except BadInput as error:
            bad.append(BadRow(place, str(error)))
            continue
        cases.append(case)
        ignored.update(name for name in row if name not in KNOWN)
    if not cases:
        reason = f" ({bad[0]})" if bad else ""
        raise BadInput(f"the file {path} holds no labelled solution{reason.replace('.)', ')')}: a row needs {NEEDED}.")
    return Rows(cases, bad, sorted(ignored))


def _content(path: Path) -> bytes:
    try:
        raw = path.read_bytes()
        return gzip.decompress(raw) if path.suffix == ".gz" else raw
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise BadInput(f"the file {path} cannot be read: {reason}.") from error


def _rows(path: Path, content: bytes) -> Iterator[tuple[str, Any]]:
    """Each row with its place, or the BadInput that says why there is none."""
    content = content.removeprefix(codecs.BOM_UTF8)
    if content.lstrip().startswith(b"["):
        try:
            found = json.loads(content.decode())
        except UnicodeDecodeError as error:
            raise BadInput(f"the file {path} is not UTF-8 text: save it as UTF-8.") from error
        except ValueError as error:
            raise BadInput(f"the file {path} begins as a JSON array but is none: {error}.") from error
        yield from ((f"row {number}", row) for number, row in enumerate(found, 1))
        return
    for number, line in enumerate(content.split(b"\n"), 1):
        if line.strip():
            yield f"line {number}", _row(line)


def _row(line: bytes) -> Any:
    try:
        return json.loads(line.decode())
    except UnicodeDecodeError:
        return BadInput("it is not UTF-8 text.")
    except ValueError:
        return BadInput("it is not JSON.")


def parse(row: Any, name: str = "") -> Case:
    """The labelled solution of a row; ``name`` is its id where it has none. Raises BadInput that says what is wrong."""
    if not isinstance(row, dict):
        raise BadInput("it is not a JSON object.")
    missing = [field for field in ("problem", "steps") if field not in row]
    missing += ["label"] * (not {"label", "labels"} & set(row))
    if missing:
        has = ", ".join(sorted(row)) or "nothing"
        raise BadInput(f"it has no {' and no '.join(f'`{field}`' for field in missing)}, only {has}.")
    problem, steps = row["problem"], row["steps"]
    if not _is_text(problem):
        raise BadInput("its `problem` is no text.")
    if not isinstance(steps, list) or not steps:
        raise BadInput("its `steps` are no list of texts.")
    for number, step in enumerate(steps):
        if not _is_text(step):
            raise BadInput(f"its step {number} (counted from 0) is no text.")
    labels = _labels(row, len(steps))
    first_error = next((k for k, label in enumerate(labels) if label is False), -1)
    right = row.get("final_answer_correct", first_error < 0)
    if not isinstance(right, bool):
        raise BadInput("its `final_answer_correct` is neither true nor false.")
    return Case(str(row.get("id", name)), problem, tuple(steps), first_error, labels, right)


def _is_text(value: Any) -> bool:
    """Not empty, and no half of a surrogate pair in it, which JSON can spell and UTF-8 cannot."""
    return isinstance(value, str) and bool(value.strip()) and not re.search("[\ud800-\udfff]", value)


def _labels(row: dict[str, Any], steps: int) -> tuple[bool | None, ...]:
    first, all_ = row.get("label"), row.get("labels")
    if all_ is not None:
        if not isinstance(all_, list) or len(all_) != steps:
            raise BadInput(f"its `labels` are not one for each of the {steps} steps.")
        if any(label not in (0, 1) or not isinstance(label, int) for label in all_):
            raise BadInput("its `labels` must each be true or 1 (right), or false or 0 (wrong).")
        labels = tuple(map(bool, all_))
        found = labels.index(False) if False in labels else -1
        if first is not None and first != found:
            raise BadInput(f"its `label` is {first!r}, but by its `labels` the first wrong step is {found}.")
        return labels
    if not isinstance(first, int) or isinstance(first, bool) or not -1 <= first < steps:
        raise BadInput(f"its `label` must be a step's number, 0 to {steps - 1}, or -1, not {first!r}.")
    return (True,) * steps if first < 0 else (*(True,) * first, False, *(None,) * (steps - first - 1))
