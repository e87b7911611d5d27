"""The runs of the study of the selector."""

from __future__ import annotations

from benchmarks.study import plan


def test_a_smaller_grid_has_fewer_problems_samples_and_widths_but_the_same_searches() -> None:
    small = plan.grid(["lab-200k"], 1, True, plan.sized((4, 16), 1), limit=30)
    assert [run.name for run in small] == [
        "val-200k-greedy-0",
        "val-200k-search-0",
        "val-200k-moves-0",
        "val-200k-samples-0",
    ]
    assert [run.kind.widths for run in small] == [(1,), (4, 16), (4, 16), (64,)]
    assert {len(run.data().items) for run in small} == {30}
    assert len(plan.grid(["lab-200k"], 1, True)) == 3 + 4  # four runs of samples


def test_the_study_runs_the_variants_that_a_profile_may_hold() -> None:
    [moves] = [kind for kind in plan.KINDS if kind.name == "moves"]
    assert set(moves.strategies) == {"reject-early", "beam-search:granularity=2", "dvts:granularity=2"}
