"""The built-in solutions with labelled steps, for ``tts prm-eval --data lab``."""

from __future__ import annotations

from pathlib import Path

from benchmarks.word_problems.generate import DATA, LabProblem, check_steps, load
from tts.files.jsonl import rows

FILE = DATA / "lab-judged.jsonl"
EACH = 6
"""Solutions per problem."""


def read(file: Path = FILE) -> list[tuple[LabProblem, tuple[str, ...], tuple[bool, ...]]]:
    """Read each solution's problem, its steps, and for each step whether all is right up to there."""
    problems = {p.id: p for p in load("lab-validation")}
    found = []
    for _, row in rows(file):
        problem = problems[row["id"]]
        found.append((problem, tuple(row["solution"].split("\n\n")), tuple(check_steps(problem, row["solution"]))))
    return found
