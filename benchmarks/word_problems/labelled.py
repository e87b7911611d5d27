"""The built-in solutions with labelled steps, for ``tts prm-eval --data lab``."""

from __future__ import annotations

import json
from pathlib import Path

from benchmarks.word_problems.generate import DATA, LabProblem, check_steps, load

FILE = DATA / "lab-judged.jsonl"
EACH = 6
"""Solutions per problem."""


def read(file: Path = FILE) -> list[tuple[LabProblem, tuple[str, ...], tuple[bool, ...]]]:
    """Read each solution's problem, its steps, and for each step whether all is right up to there."""
    problems = {p.id: p for p in load("lab-validation")}
    found = []
    for line in file.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        problem = problems[row["id"]]
        found.append((problem, tuple(row["solution"].split("\n\n")), tuple(check_steps(problem, row["solution"]))))
    return found
