"""The runs of the study of the selector."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.study import plan, search_runs
from benchmarks.study.search_runs import Cell
from tts.errors import BadInput
from tts.records.outcomes import OUTCOMES


def test_a_smaller_grid_has_fewer_problems_samples_and_widths_but_the_same_searches() -> None:
    small = plan.grid(["lab-200k"], 1, True, plan.sized((4, 16), 1), limit=30)
    assert [run.name for run in small] == [
        "val-200k-greedy-0",
        "val-200k-search-0",
        "val-200k-moves-0",
        *(f"val-200k-particles-{seed}" for seed in range(4)),
        "val-200k-samples-0",
    ]
    assert [run.kind.widths for run in small] == [(1,), *[(4, 16)] * 6, (64,)]
    assert {len(run.data().items) for run in small} == {30}
    assert len(plan.grid(["lab-200k"], 1, True)) == 3 + 4 + 4  # four runs of the particle filter, four of samples


def test_a_seed_with_one_run_of_samples_has_only_that_run(tmp_path: Path) -> None:
    """Four runs of samples make a seed by default; with ``--sample-runs 1`` the second run is the second seed."""
    for seed in range(5):
        folder = tmp_path / f"test-200k-samples-{seed}"
        folder.mkdir()
        (folder / "outcomes.jsonl").touch()
    found = [[folder.name[-1] for folder in plan.folders(tmp_path, "test", "lab-200k", seed)] for seed in range(2)]
    assert found == [["0", "1", "2", "3"], ["4"]]
    single = plan.sized(None, 1)
    assert [path.name for path in plan.folders(tmp_path, "test", "lab-200k", 1, single)] == ["test-200k-samples-1"]


def test_the_study_runs_the_variants_that_a_profile_may_hold() -> None:
    assert {name for kind in plan.chosen(plan.KINDS, ["moves", "particles"]) for name in kind.strategies} == {
        "particle-filter",
        "reject-early",
        "beam-search:granularity=2",
        "dvts:granularity=2",
    }


def test_parts_of_the_grid_are_run_by_name() -> None:
    assert [kind.name for kind in plan.chosen(plan.KINDS, ["samples", "greedy"])] == ["greedy", "samples"]
    with pytest.raises(BadInput, match="takes some of greedy, search, moves, particles, samples, not 'sample'"):
        plan.chosen(plan.KINDS, ["sample"])


def test_the_folders_of_the_study_of_searches_are_found_by_data_policy_and_seed(tmp_path: Path) -> None:
    cells = [
        Cell("lab-500", (4, 5), "lab-1m", "dvts:granularity=2", 16, 0),
        Cell("lab-500", (1, 2, 3), "lab-1m", "best-of-n", 64, 0),
        Cell("lab-500", (4, 5), "lab-1m", "dvts", 16, 1),
        Cell("lab-500", (4, 5), "lab-200k", "dvts", 16, 0),
        Cell("lab-validation", (4, 5), "lab-1m", "dvts", 16, 0),
        Cell("lab-500", (4, 5), "lab-1m", "dvts", 16, 0, 20),
        Cell("lab-500", (4, 5), "lab-1m", "rebase", 16, 0),
    ]
    for cell in cells:
        (tmp_path / cell.name).mkdir()
        (tmp_path / cell.name / OUTCOMES).write_text("" if cell.search == "rebase" else "{}")
    found = search_runs.folders(tmp_path, "lab-500", "lab-1m", 0)
    assert {folder.name for folder in found} == {cell.name for cell in cells[:2]}
    every = search_runs.folders(tmp_path, "lab-500", "lab-1m", None)
    assert {folder.name for folder in every} == {cell.name for cell in cells[:3]}
