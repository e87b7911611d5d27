"""The runs of the study: on the validation split to fit on, on the test split to measure on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.datasets.dataset import DataSet, load
from tts.errors import BadInput
from tts.records.outcomes import OUTCOMES

POLICIES = ("lab-200k", "lab-1m", "lab-4m")
SEEDS = 3
CONCURRENCY = 32
SPLITS = {"val": "lab-validation", "test": "lab-500"}


@dataclass(frozen=True, slots=True)
class Kind:
    """A part of the grid: strategies, widths, and further settings of the solver.

    A seed of the study consists of ``runs`` runs with distinct seeds, so that no run is long.
    """

    name: str
    strategies: tuple[str, ...]
    widths: tuple[int, ...]
    settings: tuple[tuple[str, Any], ...] = ()
    runs: int = 1

    def seeds(self, seed: int) -> range:
        """Return the seeds of the runs of a study seed. Greedy answers have one run for all."""
        if ("temperature", 0.0) in self.settings:
            return range(1)
        return range(self.runs * seed, self.runs * (seed + 1))


KINDS = (
    Kind("greedy", ("best-of-n",), (1,), (("temperature", 0.0),)),
    Kind("search", ("beam-search", "dvts"), (4, 16, 64)),
    Kind("moves", ("reject-early", "beam-search:granularity=2", "dvts:granularity=2"), (4, 16, 64)),
    Kind("particles", ("particle-filter",), (4, 16), runs=4),
    Kind("samples", ("best-of-n",), (64,), runs=4),
)


def sized(widths: tuple[int, ...] | None, sample_runs: int | None) -> tuple[Kind, ...]:
    """Return the kinds with other widths of the searches, and another number of runs of 64 samples."""
    return tuple(
        replace(kind, runs=sample_runs or kind.runs)
        if kind.name == "samples"
        else replace(kind, widths=widths if widths and kind.name != "greedy" else kind.widths)
        for kind in KINDS
    )


def chosen(kinds: Sequence[Kind], names: Sequence[str]) -> tuple[Kind, ...]:
    """Return the kinds of these names. Raises BadInput for an unknown name."""
    known = [kind.name for kind in kinds]
    if unknown := [name for name in names if name not in known]:
        raise BadInput(f"--kinds takes some of {', '.join(known)}, not {unknown[0]!r}.")
    return tuple(kind for kind in kinds if kind.name in names)


@dataclass(frozen=True, slots=True)
class Run:
    """One run folder of the grid; ``seed`` is the run's, ``limit`` the number of problems."""

    split: str
    policy: str
    kind: Kind
    seed: int
    limit: int | None = None

    @property
    def name(self) -> str:
        """Return the folder name, such as ``val-1m-search-0``."""
        return f"{self.split}-{self.policy.removeprefix('lab-')}-{self.kind.name}-{self.seed}"

    def data(self) -> DataSet:
        """Load the problems."""
        found = load(SPLITS[self.split])
        return found.choose(self.limit) if self.limit else found


def grid(
    policies: Sequence[str] = POLICIES,
    seeds: int = SEEDS,
    validation_only: bool = False,
    kinds: Sequence[Kind] = KINDS,
    limit: int | None = None,
) -> list[Run]:
    """List every run: validation and the first seed of the study come before further seeds."""
    found = [
        Run(split, policy, kind, own, limit)
        for seed in range(seeds)
        for split in SPLITS
        for policy in policies
        for kind in kinds
        for own in kind.seeds(seed)
        if (split == "val" and seed == 0) or (split == "test" and not validation_only)
    ]
    large = [] if validation_only else [replace(GREEDY_OF_LARGE, limit=limit)]
    return list(dict.fromkeys([*found, *large]))


GREEDY_OF_LARGE = Run("test", POLICIES[-1], KINDS[0], 0)
"""Baseline of the smaller policies, whichever of them are studied."""


def folders(root: Path, split: str, policy: str, seed: int, kinds: Sequence[Kind] = KINDS) -> list[Path]:
    """Return the existing run folders of a split, policy and study seed; ``kinds`` say how many runs a seed has."""
    names = [Run(split, policy, kind, own).name for kind in kinds for own in kind.seeds(seed)]
    return [root / name for name in names if (root / name / OUTCOMES).is_file()]


def execute(root: Path, runs: list[Run], engine: str, dry_run: bool) -> None:
    """Run what is missing of these runs, one after another; with ``dry_run`` print the estimates."""
    from benchmarks.bench import command
    from benchmarks.bench.jobs import plan_run
    from tts.solver import Solver

    for run in runs:
        solver = settings_of_bench(run.policy, run.seed, engine) | dict(run.kind.settings)
        data = run.data()
        lines = [line for line in plan_run(Solver, run.kind.strategies, run.kind.widths, solver) if line.run]
        if dry_run:
            print(f"{run.name}:")
            command.foretell(data, lines, root / run.name, run.policy, False)
            continue
        widths = ",".join(map(str, run.kind.widths))
        settings = command.settings_of(data, list(run.kind.strategies), widths, solver, lines)
        command.execute(data, lines, root / run.name, settings, False, CONCURRENCY)


def settings_of_bench(policy: str, seed: int, engine: str) -> dict[str, Any]:
    """Return the settings that `tts bench` makes of its defaults, so that its run folders can be used."""
    return {
        "policy": policy, "max_tokens": None, "max_flops": None, "max_seconds": None, "vote": None,
        "extract": "boxed", "seed": seed, "engine": engine, "device": None, "prm_device": None, "dtype": None,
        "gpu_memory": 0.9, "prm": "auto", "aggregate": None, "engine_args": {},
    }  # fmt: skip
