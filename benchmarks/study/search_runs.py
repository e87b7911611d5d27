"""The runs of the study of searches: one folder for each policy, search, N and seed, so that any may be added.

The hard levels have folders of their own: they may be run before the others. Where only the first problems of each
level are run, every level has.

A cell is one such folder, a run of ``tts bench``. Cells of small N come first, and of one N all policies before the
next search, so that a study that is stopped compares as much as possible.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from benchmarks.datasets.dataset import DataSet, load
from benchmarks.study.plan import CONCURRENCY, SPLITS, settings_of_bench
from tts.files.names import safe_name
from tts.records import outcomes
from tts.records.outcomes import OUTCOMES, Outcome

HARD = (4, 5)
"""Levels that are compared by themselves."""

DATA_SETS = (*SPLITS.values(), "lab-hard")
"""Problems that searches may be compared on."""

SAMPLES = "best-of-n"
"""The strategy whose scored samples vote, and are replayed."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A search by one policy at one N, on the problems of some levels."""

    data: str
    levels: tuple[int, ...]
    policy: str
    search: str
    n: int
    seed: int
    limit: int | None = None

    @property
    def name(self) -> str:
        """Return the name of the run folder."""
        part = "".join(map(str, self.levels)) + (f"-first-{self.limit}" if self.limit else "")
        return safe_name(f"{self.data}-{part}-{self.policy}-{self.search}-{self.n}-{self.seed}")

    def problems(self) -> DataSet:
        """Load the problems, which takes no model."""
        return _all_of(self.data).choose(self.limit, self.levels)


@cache
def _all_of(data: str) -> DataSet:
    """Load a data set of ``DATA_SETS``."""
    return load(data)


@dataclass(frozen=True, slots=True)
class Grid:
    """What is compared.

    ``samples`` is the number of samples of each problem for the votes and replays, ``limit`` that of problems of each
    level.
    """

    data: str
    levels: tuple[int, ...]
    policies: tuple[str, ...]
    searches: tuple[str, ...]
    widths: tuple[int, ...]
    seeds: int
    samples: int
    limit: int | None = None

    def cells(self) -> Iterator[Cell]:
        """Yield all cells in the order of running."""
        for seed in range(self.seeds):
            for policy in self.policies:
                yield from self.of(policy, SAMPLES, self.samples, seed)
            for n in self.widths:
                for search in self.searches:
                    for policy in self.policies:
                        yield from self.of(policy, search, n, seed)

    def of(self, policy: str, search: str, n: int, seed: int) -> list[Cell]:
        """Return the cells of all levels."""
        return [Cell(self.data, part, policy, search, n, seed, self.limit) for part in self.parts()]

    def parts(self) -> list[tuple[int, ...]]:
        """Divide the levels into those with run folders of their own."""
        return [(level,) for level in self.levels] if self.limit else parts(self.levels)


def parts(levels: Sequence[int]) -> list[tuple[int, ...]]:
    """Divide levels into the hard ones and the others."""
    found = (tuple(level for level in levels if (level in HARD) == hard) for hard in (True, False))
    return [part for part in found if part]


def execute(root: Path, cell: Cell, engine: str) -> None:
    """Run the problems that a cell lacks."""
    from benchmarks.bench import command
    from benchmarks.bench.jobs import plan_run
    from tts.solver import Solver

    data, solver = cell.problems(), settings_of_bench(cell.policy, cell.seed, engine)
    lines = plan_run(Solver, [cell.search], [cell.n], solver)
    settings = command.settings_of(data, [cell.search], str(cell.n), solver, lines)
    command.execute(data, lines, root / cell.name, settings, False, CONCURRENCY)


def folders(root: Path, data: str, policy: str, seed: int | None) -> list[Path]:
    """Return the run folders of a policy with outcomes, of whole levels; the study of the selector reads them.

    None for ``seed`` is every seed.

    >>> folders(Path("no-such-folder"), "lab-500", "lab-1m", 0)
    []
    """
    which = r"\d+" if seed is None else seed
    ours = re.compile(rf"{data}-[1-5]+-{policy}-.+-\d+-{which}(~[0-9a-f]+)?")
    found = (file.parent for file in root.glob(f"*/{OUTCOMES}") if file.stat().st_size)  # a run may just have begun
    return sorted(folder for folder in found if ours.fullmatch(folder.name))


@dataclass(slots=True)
class Recorded:
    """The outcomes of one search by one policy at one N and seed, by problem id; ``missing`` problems have none."""

    rows: dict[str, Outcome] = field(default_factory=dict)
    missing: int = 0


def recorded(root: Path, cells: Sequence[Cell]) -> Recorded:
    """Read the runs of the same search on all levels. A failed problem is missing."""
    found = Recorded()
    for cell in cells:
        file = root / cell.name / OUTCOMES
        rows = [row for row in outcomes.read(file) if row.error is None] if file.is_file() else []
        found.rows |= {row.id: row for row in rows}
        found.missing += len(cell.problems().items) - len(rows)
    return found
