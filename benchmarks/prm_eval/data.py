"""Labelled solutions, and reading them from a file. Standard library only.

A row of ProcessBench:

    {"id": "gsm8k-0", "generator": "Qwen2-7B-Instruct", "problem": "Sue lives in ...",
     "steps": ["To find out ...", ...], "final_answer_correct": false, "label": 1}

``label`` is the first wrong step, counted from 0, or -1. Other files may have ``labels`` instead, one per step: true
or 1 for right, false or 0 for wrong.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tts.errors import BadInput
from tts.files.tables import BadRow, entries
from tts.files.text import is_utf8

NEEDED = "`problem`, `steps` (a list of texts), and `label` (the first wrong step from 0, or -1) or `labels`"
KNOWN = {"id", "generator", "problem", "steps", "label", "labels", "final_answer_correct"}


@dataclass(frozen=True, slots=True)
class Case:
    """One labelled solution.

    Attributes:
        id: its name in results.
        problem: the question.
        steps: the steps, at least one, none empty.
        first_error: the first wrong step, counted from 0; -1 without one.
        labels: for each step whether it is right, None if unknown. ProcessBench does not label steps after the first
            error.
        right: whether the final answer is right, if the data have it; else whether no step is wrong.
    """

    id: str
    problem: str
    steps: tuple[str, ...]
    first_error: int
    labels: tuple[bool | None, ...]
    right: bool

    @property
    def key(self) -> str:
        """Return the hash of problem and steps, which identifies what was scored."""
        return hashlib.sha256("\0".join((self.problem, *self.steps)).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Rows:
    """The content of a file: labelled solutions, unusable rows, and names of ignored fields."""

    cases: list[Case]
    bad: list[BadRow]
    ignored: list[str]


def read(path: Path) -> Rows:
    """Read the labelled solutions of a file of rows (:mod:`tts.files.tables`).

    Raises:
        BadInput: the file is missing, unreadable, or has no usable row.
    """
    cases, bad, ignored = list[Case](), list[BadRow](), Counter[str]()
    for entry in entries(path, f"the file {path}"):
        try:
            row = entry.row()
            case = parse(row, f"{path.name.split('.')[0]}-{len(cases)}")
        except BadInput as error:
            bad.append(BadRow(entry.place, str(error)))
            continue
        cases.append(case)
        ignored.update(name for name in row if name not in KNOWN)
    if not cases:
        reason = f" ({bad[0]})" if bad else ""
        raise BadInput(f"the file {path} has no labelled solutions{reason.replace('.)', ')')}: a row needs {NEEDED}.")
    return Rows(cases, bad, sorted(ignored))


def parse(row: Any, name: str = "") -> Case:
    """Parse the labelled solution of a row; ``name`` is the default id. Raises BadInput with the reason."""
    if not isinstance(row, dict):
        raise BadInput("it is not a JSON object.")
    missing = [field for field in ("problem", "steps") if field not in row]
    missing += ["label"] * (not {"label", "labels"} & set(row))
    if missing:
        has = ", ".join(sorted(row)) or "nothing"
        raise BadInput(f"it has no {' and no '.join(f'`{field}`' for field in missing)}, only {has}.")
    problem, steps = row["problem"], row["steps"]
    if not _is_text(problem):
        raise BadInput("its `problem` is not a text.")
    if not isinstance(steps, list) or not steps:
        raise BadInput("its `steps` are not a list of texts.")
    for number, step in enumerate(steps):
        if not _is_text(step):
            raise BadInput(f"its step {number} (counted from 0) is not a text.")
    labels = _labels(row, len(steps))
    first_error = next((k for k, label in enumerate(labels) if label is False), -1)
    right = row.get("final_answer_correct", first_error < 0)
    if not isinstance(right, bool):
        raise BadInput("its `final_answer_correct` is neither true nor false.")
    return Case(str(row.get("id", name)), problem, tuple(steps), first_error, labels, right)


def _is_text(value: Any) -> bool:
    """Return whether a value is a non-empty text without lone surrogates, which JSON can contain and UTF-8 cannot."""
    return isinstance(value, str) and bool(value.strip()) and is_utf8(value)


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
