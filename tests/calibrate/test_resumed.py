"""A profile depends on what was measured, not on the order of the rows or the last digits of the scores."""

from __future__ import annotations

import json
import random
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from benchmarks.calibrate.build import Calibration, calibrate
from benchmarks.recordings.gather import read
from tests.bench.toys import dataset, rows, toy_bench
from tts.selection.profile_file import save


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("grid") / "run"
    with toy_bench(out, data=dataset(24), strategies=("best-of-n", "beam-search"), budgets=(4, 8)) as bench:
        bench.run()
    return out


def fitted(folder: Path, found: list[dict[str, Any]]) -> Calibration:
    folder.mkdir()
    (folder / "outcomes.jsonl").write_text("".join(json.dumps(row) + "\n" for row in found))
    return calibrate(read([folder]), orders=4)


@pytest.fixture(scope="module")
def calm(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Calibration:
    """What is fitted to the run as it is."""
    return fitted(tmp_path_factory.mktemp("calm") / "run", rows(run))


def figures(found: Calibration) -> list[float]:
    """Every number of a profile and of its quality, in order."""
    numbers: list[float] = []

    def walk(value: Any) -> None:
        if isinstance(value, dict):
            for key in sorted(value, key=str):
                walk(value[key])
        elif isinstance(value, (list, tuple)):
            for each in value:
                walk(each)
        elif isinstance(value, (int, float)):
            numbers.append(float(value))

    walk([asdict(stage) for stage in found.profile.stages])
    walk([asdict(each) for each in found.quality])
    return numbers


@pytest.mark.slow
def test_rows_in_another_order_give_the_same_file(run: Path, calm: Calibration, tmp_path: Path) -> None:
    found = rows(run)
    mixed = random.Random(1).sample(found, len(found))
    assert mixed != found
    save(calm.profile, tmp_path / "a.json")
    save(fitted(tmp_path / "b", mixed).profile, tmp_path / "b.json")
    assert (tmp_path / "b.json").read_bytes() == (tmp_path / "a.json").read_bytes()


@pytest.mark.slow
def test_scores_that_agree_to_seven_digits_give_the_same_profile(run: Path, calm: Calibration, tmp_path: Path) -> None:
    """An engine's scores of a resumed run differ from those of a calm one by 1e-7: other problems shared a batch."""
    draw, found = random.Random(2), rows(run)
    for row in found:
        for candidate in row["candidates"]:
            candidate["scores"] = [score + draw.uniform(-1e-7, 1e-7) for score in candidate["scores"]]
    assert figures(fitted(tmp_path / "b", found)) == pytest.approx(figures(calm), abs=1e-5, rel=1e-5)
