"""Run folders as `tts bench` leaves them, made by the toy models."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from tests.toy import ToyPolicy, ToyReward
from tts import Solution, Solver
from tts.budget import Budget
from tts.records.outcomes import row_of
from tts.types import Problem

GOLD = "3"
PROBLEMS = [Problem(f"How far is it from here to place {k}?", f"place-{k}") for k in range(12)]


def row(solution: Solution, level: int, **about: Any) -> dict[str, Any]:
    right = tuple(candidate.answer == GOLD for candidate in solution.candidates)
    return row_of(
        solution, gold=GOLD, correct=solution.answer == GOLD, right=right, dataset="toy", level=level, **about
    )


def make(folder: Path, *plans: tuple[str, int], traces: bool = False, slip: float = 0.45) -> Path:
    """A run folder of the given strategies and N over :data:`PROBLEMS`."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for strategy, n in plans:
        solver = Solver(ToyPolicy(slip=slip), ToyReward(), strategy, Budget(n))
        for k, problem in enumerate(PROBLEMS):
            solution = asyncio.run(solver.solve(problem))
            rows.append(row(solution, level=k % 3 + 1, job=f"{strategy}/{n}"))
            if traces:
                (folder / "traces").mkdir(exist_ok=True)
                solution.trace.save(folder / "traces" / f"{strategy}-{n}-{problem.id}.jsonl")
    write(folder, rows)
    manifest = {"command": "tts bench toy", "versions": {"tts-search": "0.1.0"}, "seed": 0}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def read(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "outcomes.jsonl").read_text().splitlines()]


def write(folder: Path, rows: list[dict[str, Any]]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "outcomes.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
