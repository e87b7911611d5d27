"""Outcomes: the table with one row per problem and plan, as JSON Lines on disk.

A row is the output of ``tts solve --json`` (:func:`tts.records.solution_json.as_row`) with the grading:

    id, problem, answer, confidence, plan, usage, stopped, best, candidates [key, answer, score, scores, finish,
    tokens, steps, correct, class], warnings, error   and   dataset, gold, level, subject, correct, job

Benchmarks write it; calibration, reports and replays read it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from tts.errors import BadInput
from tts.files import shape
from tts.files.jsonl import row_at, rows
from tts.files.shape import Misfit
from tts.records.solution_json import as_row, upgraded
from tts.types import Candidate, Finish, Plan, Solution, Usage


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of one plan on one problem.

    Attributes:
        id: id of the problem, unique in its data set.
        problem: its text.
        dataset: name of the data set.
        gold: the right answer as the data set writes it; empty if the file has none.
        level, subject: level and subject of the problem; 0 and empty if the data set has none.
        plan: the plan.
        job: name of the job in its run, such as ``dvts/64``; empty outside a run. If a selector chooses a plan for each
            problem, the plans of one job differ.
        candidates: the final candidates.
        right: whether each candidate is right (False for a missing answer); empty before grading.
        classes: class of each candidate's answer; equal answers share a number, -1 casts no vote. Empty if the row has
            none.
        answer: the elected answer; None if no candidate had one.
        confidence: probability that it is right, or its share of the vote, as in :class:`tts.types.Solution`.
        correct: whether it is right.
        usage: the cost.
        stopped: ``"complete"`` or the ceiling that was reached.
        error: error message if the problem failed; then there are no candidates.
    """

    id: str
    problem: str
    gold: str
    plan: Plan
    candidates: tuple[Candidate, ...] = ()
    right: tuple[bool, ...] = ()
    classes: tuple[int, ...] = ()
    answer: str | None = None
    confidence: float = 0.0
    correct: bool = False
    usage: Usage = field(default_factory=Usage)
    stopped: str = "complete"
    error: str | None = None
    dataset: str = ""
    level: int = 0
    subject: str = ""
    job: str = ""

    @property
    def graded(self) -> bool:
        """Return whether ``right`` and ``classes`` of every candidate are known."""
        return len(self.right) == len(self.classes) == len(self.candidates)


def row_of(
    solution: Solution,
    *,
    gold: str,
    correct: bool,
    right: tuple[bool, ...],
    classes: tuple[int, ...] = (),
    **about: Any,
) -> dict[str, Any]:
    """Convert a graded solution to a row; ``about`` has dataset, level and subject."""
    row = as_row(solution) | {"gold": gold, "correct": correct} | about
    for candidate, verdict in zip(row["candidates"], right, strict=True):
        candidate["correct"] = verdict
    for candidate, index in zip(row["candidates"], classes, strict=False):
        candidate["class"] = index
    return row


_CANDIDATE = shape.fields(
    {
        "key": shape.text, "steps": shape.listed(shape.text), "finish": shape.one_of(Finish),
        "answer": shape.optional(shape.text), "scores": shape.numbers, "score": shape.optional(shape.number),
        "tokens": shape.whole, "correct": shape.flag,
    },
    {"class": shape.index},
)  # fmt: skip
_USAGE = shape.fields(
    {}, {name: shape.optional(shape.number) for name in (*(f.name for f in fields(Usage)), "flops")}, more=False
)
_PLAN = shape.fields(
    {"strategy": shape.text},
    {"parameters": shape.mapping, "n": shape.whole, "policy": shape.text, "prm": shape.text, "vote": shape.text,
     "aggregate": shape.text, "seed": shape.whole, "reason": shape.text, "extract": shape.text, "kind": shape.text},
)  # fmt: skip
_OUTCOME = shape.fields(
    {
        "id": shape.text, "problem": shape.text, "gold": shape.text, "plan": _PLAN,
        "candidates": shape.listed(_CANDIDATE), "answer": shape.optional(shape.text),
        "confidence": shape.optional(shape.number), "correct": shape.flag, "usage": _USAGE, "stopped": shape.text,
    },
    {
        "error": shape.optional(shape.text), "dataset": shape.text, "level": shape.whole, "subject": shape.text,
        "job": shape.text,
    },
)  # fmt: skip


def outcome_of(row: Any) -> Outcome:
    """Parse the outcome of a row. Raises BadInput if it is not one."""
    try:
        _OUTCOME(row, "it")
    except Misfit as error:
        raise BadInput(f"this row is no outcome of ours: {error}.") from error
    return Outcome(
        id=row["id"], problem=row["problem"], gold=row["gold"], plan=_plan(row["plan"]),
        candidates=tuple(candidate_of(c) for c in row["candidates"]),
        right=tuple(c["correct"] for c in row["candidates"]),
        classes=tuple(c["class"] for c in row["candidates"]) if all("class" in c for c in row["candidates"]) else (),
        answer=row["answer"], confidence=row["confidence"] or 0.0, correct=row["correct"], usage=usage_of(row["usage"]),
        stopped=row["stopped"], error=row.get("error"), dataset=row.get("dataset", ""),
        level=row.get("level", 0), subject=row.get("subject", ""), job=row.get("job", ""),
    )  # fmt: skip


OUTCOMES = "outcomes.jsonl"


def file_of(path: Path) -> Path:
    """Return the outcomes file of a run folder, or the file itself. Raises BadInput for a folder without one."""
    if path.is_dir() and not (path / OUTCOMES).is_file():
        raise BadInput(f"{path} is no run folder: it has no {OUTCOMES}.")
    return path / OUTCOMES if path.is_dir() else path


def read(path: Path) -> Iterator[Outcome]:
    """Yield the outcomes of a file; a partial last line of a killed run is ignored.

    Raises BadInput for a file that cannot be read, and for a line without an outcome.
    """
    return (outcome for _, outcome in placed(path))


def placed(path: Path) -> Iterator[tuple[int, Outcome]]:
    """Yield each outcome with the byte offset of its line, for :func:`read_at`."""
    for line, row in rows(path):
        try:
            yield line.at, outcome_of(row)
        except BadInput as error:
            raise BadInput(f"line {line.number} of {path} holds no outcome: {error}") from error


def read_at(path: Path, at: int) -> Outcome:
    """Read the outcome whose line starts at this byte offset. Raises BadInput if there is none."""
    try:
        return outcome_of(row_at(path, at))
    except BadInput as error:
        raise BadInput(f"{path} has changed since it was read: run this again.") from error


def usage_of(row: Mapping[str, Any]) -> Usage:
    """Parse the usage of a row; derived values and what was not counted are left out. Raises TypeError for others."""
    return Usage(**{name: value for name, value in row.items() if name != "flops" and value is not None})


def candidate_of(row: Mapping[str, Any]) -> Candidate:
    """Parse the candidate of a row that was checked, or that this program wrote."""
    return Candidate(
        row["key"], tuple(row["steps"]), Finish(row["finish"]), row["answer"], tuple(row["scores"]), row["score"],
        row["tokens"], row.get("found", ""),
    )  # fmt: skip


def _plan(row: dict[str, Any]) -> Plan:
    names = ("strategy", "n", "policy", "prm", "vote", "aggregate", "seed", "reason", "extract", "kind")
    if "parameters" not in row:  # a plan of the first runs: parameters next to the other fields
        row = {**row, "parameters": {name: value for name, value in row.items() if name not in names or name == "n"}}
    found = upgraded(row)
    return Plan(parameters=found["parameters"], **{name: found[name] for name in names if name in found})
