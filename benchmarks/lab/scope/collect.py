"""Answers of the default search to the problems of a split, with the features that a scope is fitted to. Resumable."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tqdm import tqdm

from benchmarks.lab.scope.splits import Split
from tts import Solver
from tts.answers.equivalence import equivalent
from tts.errors import BadInput
from tts.files.jsonl import Rows
from tts.files.jsonl import rows as stored
from tts.models.files import BUILT_IN
from tts.selection.estimator import Estimator
from tts.selection.scope.scope import KINDS, Scope
from tts.selection.scope.text import Reference
from tts.types import Scoped

CONCURRENCY = 16


@dataclass(frozen=True, slots=True)
class Answered:
    """One problem with its answer.

    Attributes:
        split, id, problem: which one; ``known``: whether it is from the grammar.
        right: whether the answer is right.
        confidence: share of the vote.
        answer, likelihood: features of the samples; None without an answer, or without surprisals.
    """

    split: str
    id: str
    problem: str
    known: bool
    right: bool
    confidence: float
    answer: Mapping[str, float] | None
    likelihood: Mapping[str, float] | None


@dataclass(frozen=True)
class Recorder(Scope):
    """A scope that keeps the features of each problem and judges nothing."""

    seen: dict[str, tuple[Mapping[str, float], Mapping[str, float] | None]] = field(default_factory=dict)

    def judge(
        self, text: str, answer: Mapping[str, float], likelihood: Mapping[str, float] | None,
        few: Mapping[str, float] | None = None,
    ) -> Scoped | None:  # fmt: skip
        self.seen[text] = (answer, likelihood)
        return None


def work_folder(work: Path, policy: str, prm: str) -> Path:
    """Return the folder of the rows of these weights: other weights have another one."""
    digest = hashlib.sha256()
    for name in (policy, prm):
        digest.update((BUILT_IN / name / "model.safetensors").read_bytes())
    return work / f"{policy}-{digest.hexdigest()[:8]}"


def collect(solver: Solver, split: Split, folder: Path) -> list[Answered]:
    """Answer what has no row yet, and return the rows of a split. Raises BadInput for a file of something else."""
    folder.mkdir(parents=True, exist_ok=True)
    found: dict[str, Answered] = {}
    rows = Rows(folder / f"{split.name}.jsonl", lambda number, row: _take(found, row))
    gold = {problem.id: answer for problem, answer in split.problems}
    missing = [problem for problem, _ in split.problems if problem.id not in found]
    recorder = Recorder("", solver.plan.prm, Reference(frozenset(), b"\0", 1, 1), before=Estimator(0.0, {}),
                        inside=dict.fromkeys(KINDS, Estimator(0.0, {})))  # fmt: skip
    solver.planned = replace(solver.planned, scope=recorder)

    async def run() -> None:
        with tqdm(total=len(gold), initial=len(found), desc=split.name, unit="problem") as bar:
            async for _, solution in solver.stream(missing, CONCURRENCY):
                text, name = solution.problem.text, solution.problem.id
                answer, likelihood = recorder.seen.get(text, (None, None))
                right = solution.answer is not None and equivalent(gold[name], solution.answer)
                row = {"id": name, "problem": text, "known": split.known, "right": right,
                       "confidence": solution.confidence, "answer": answer, "likelihood": likelihood}  # fmt: skip
                rows.add({"split": split.name, **row})
                _take(found, {"split": split.name, **row})
                bar.update()

    try:
        if missing:
            asyncio.run(run())
    finally:
        rows.close()
    return [found[problem.id] for problem, _ in split.problems]


def answered(split: Split, folder: Path) -> list[Answered]:
    """Return the rows of a split that are there, without sampling."""
    found: dict[str, Answered] = {}
    path = folder / f"{split.name}.jsonl"
    for _, row in stored(path) if path.is_file() else ():
        _take(found, row)
    return [found[problem.id] for problem, _ in split.problems if problem.id in found]


def _take(found: dict[str, Answered], row: Any) -> None:
    try:
        answered = Answered(**row)
    except TypeError as error:
        raise BadInput("the work folder holds rows of another kind: name another one with --out.") from error
    found[answered.id] = answered


def everything(solver: Solver, splits: Sequence[Split], folder: Path) -> list[Answered]:
    """Collect the rows of several splits.

    A set of the grammar is the policy's own kind if at least half of its answers are right: the grammar has forms that
    older weights were not trained on.
    """
    found = [collect(solver, split, folder) for split in splits]
    own = [sum(row.right for row in rows) >= len(rows) / 2 for rows in found]
    return [replace(row, known=row.known and mine) for rows, mine in zip(found, own, strict=True) for row in rows]
