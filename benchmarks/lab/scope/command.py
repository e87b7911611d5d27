"""`python -m benchmarks.lab scope`: fits the scope of the built-in policies, and measures it on the test splits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.lab.scope import fit as fits
from benchmarks.lab.scope.collect import answered, collect, everything, work_folder
from benchmarks.lab.scope.figure import reliability
from benchmarks.lab.scope.splits import fitting, testing
from benchmarks.lab.scope.table import judge, printed
from tts import Solver
from tts.files.text import write_atomically
from tts.models.files import BUILT_IN
from tts.models.policies import DEFAULT_POLICY
from tts.selection.scope.scope_file import NAME, load, save

PRM = "lab-prm"
FIGURE = "reliability.svg"
OTHERS = ("lab-200k", "lab-4m")
"""Policies trained on the same problems: they get the first stage."""


def run(data: Path, work: Path, *, policy: str = DEFAULT_POLICY, fit: bool = True, measure: bool = True) -> None:
    """Fit, and write ``scope.json`` into the policy's folder; then print the table of the test splits.

    The default policy's scope is that of :data:`OTHERS` too. With ``measure`` alone nothing is sampled: the table
    covers the problems that were answered before.
    """
    folder = work_folder(work, policy, PRM)
    if fit:
        rows = everything(Solver(policy, scored=True), list(fitting(data)), folder)
        counts: dict[str, Any] = {}
        for row in rows:
            counts[row.split] = counts.get(row.split, 0) + 1
        about = {"command": "python -m benchmarks.lab scope", "weights": folder.name, "problems": counts}
        scope = fits.fitted(rows, policy, PRM, about)
        save(scope, BUILT_IN / policy / NAME)
        for other in OTHERS if policy == DEFAULT_POLICY else ():
            save(fits.text_alone(scope, rows, other), BUILT_IN / other / NAME)
    if measure:
        scope = load(BUILT_IN / policy / NAME)
        splits = list(testing(data))
        solver = Solver(policy, scored=True)
        found = [collect(solver, split, folder) if fit else answered(split, folder) for split in splits]
        print(printed(scope, [rows for rows in found if rows]))
        drawn = reliability([judge(scope, row) for rows in found for row in rows])
        write_atomically(folder / FIGURE, drawn + "\n", f"the figure {folder / FIGURE}")
        print(f"The reliability diagram is {folder / FIGURE}.")
