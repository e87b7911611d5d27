"""Data sets that are drawn from a fixed seed: the same for everybody, and apart from the frozen sets."""

from itertools import islice

import pytest

from benchmarks.datasets.dataset import load as load_set
from benchmarks.word_problems.fresh import FRESH, problems
from benchmarks.word_problems.generate import load


@pytest.mark.parametrize(
    ("name", "split", "level", "steps"),
    [("lab-hard", "test", 4, {7, 8, 9}), ("lab-calibration", "validation", 1, {1, 2})],
)
def test_problems_are_of_their_split_and_not_in_its_frozen_set(
    name: str, split: str, level: int, steps: set[int]
) -> None:
    found = list(islice(problems(name), 12))
    programs = {problem.program for problem in found}
    assert {problem.level for problem in found} == {level}
    assert {problem.steps for problem in found} == steps
    assert {problem.split for problem in found} == {split}
    assert len(programs) == 12
    assert not programs & {problem.program for problem in load(FRESH[name].frozen)}
    assert found == list(islice(problems(name), 12))


def test_lab_hard_is_drawn_as_its_hash_says() -> None:
    found = load_set("lab-hard")
    assert (found.total, found.sha256) == (800, FRESH["lab-hard"].sha256)
    assert {item.level for item in found.items} == {4, 5}
