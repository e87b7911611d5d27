"""Sampling of the built-in labelled solutions that reward models are evaluated on.

`python -m benchmarks.lab judged` samples them from lab-1m on held-out problems. The file has no labels: the checker
(`generate.check_steps`) computes them when it is read.
"""

from __future__ import annotations

import json
from pathlib import Path

from benchmarks.word_problems.generate import load
from benchmarks.word_problems.labelled import EACH

PER_LEVEL = 40  # problems per level of lab-validation
POLICY, TEMPERATURE, SEED = "lab-1m", 1.0, 912


def write(file: Path, per_level: int = PER_LEVEL, each: int = EACH) -> None:
    """Sample the solutions and write one per line: the problem's id, and the solution's text."""
    from transformers import LlamaForCausalLM

    from benchmarks.lab.solutions import sample
    from tts.models.files import BUILT_IN

    problems = [p for i, p in enumerate(load("lab-validation")) if i % 100 < per_level]
    model = LlamaForCausalLM.from_pretrained(BUILT_IN / POLICY)
    solutions = sample(model, problems, each, TEMPERATURE, SEED)
    rows = [
        json.dumps({"id": problems[k // each].id, "solution": "\n\n".join(solution.steps)})
        for k, solution in enumerate(solutions)
    ]
    file.write_text("\n".join(rows) + "\n", encoding="utf-8")
