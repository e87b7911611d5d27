"""Labelled solutions of held-out problems, which come with the package: what a reward model is measured on.

`python -m benchmarks.lab judged` samples them anew from lab-1m. The file holds no labels: they are the checker's
(`problems.check_steps`), made when it is read.
"""

from __future__ import annotations

import json
from pathlib import Path

from benchmarks.lab.problems import DATA, LabProblem, check_steps, load

FILE = DATA / "lab-judged.jsonl"
EACH = 6  # solutions a problem
PER_LEVEL = 40  # problems of each level of lab-validation
POLICY, TEMPERATURE, SEED = "lab-1m", 1.0, 912


def write(file: Path, per_level: int = PER_LEVEL, each: int = EACH) -> None:
    """Sample the solutions and write them, one a line: the problem's id, and the solution's text."""
    from transformers import LlamaForCausalLM

    from benchmarks.lab.export import MODELS
    from benchmarks.lab.solutions import sample

    problems = [p for i, p in enumerate(load("lab-validation")) if i % 100 < per_level]
    model = LlamaForCausalLM.from_pretrained(MODELS / POLICY)
    solutions = sample(model, problems, each, TEMPERATURE, SEED)
    rows = [
        json.dumps({"id": problems[k // each].id, "solution": "\n\n".join(solution.steps)})
        for k, solution in enumerate(solutions)
    ]
    file.write_text("\n".join(rows) + "\n", encoding="utf-8")


def read(file: Path = FILE) -> list[tuple[LabProblem, tuple[str, ...], tuple[bool, ...]]]:
    """Each solution's problem, its steps, and for each step whether all is right up to there."""
    problems = {p.id: p for p in load("lab-validation")}
    found = []
    for line in file.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        problem = problems[row["id"]]
        found.append((problem, tuple(row["solution"].split("\n\n")), tuple(check_steps(problem, row["solution"]))))
    return found
