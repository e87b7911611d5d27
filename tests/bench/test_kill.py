"""A run that is killed repeatedly ends with the same outcomes as an undisturbed one."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from tests.bench.toys import comparable, rows, toy_bench
from tests.markdown import ROOT

KILLS = 20


def test_a_run_killed_twenty_times_ends_with_the_outcomes_of_an_undisturbed_one(tmp_path: Path) -> None:
    with toy_bench(tmp_path / "calm") as run:
        run.run()
    calm = comparable(tmp_path / "calm")
    assert len(calm) == 3 * 12  # samples at 4, beam search at 2 and at 4

    killed, sizes = tmp_path / "killed", [0]
    outcomes = killed / "outcomes.jsonl"
    for kill in range(KILLS):
        marker = tmp_path / f"stalled-{kill}"
        problems = kill % 3  # that a call can finish: none, one or two; the kill comes when all or all but one are
        command = [sys.executable, "-m", "tests.bench.toys", str(killed), str(problems), str(marker)]
        with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
            deadline = time.monotonic() + 120
            while not marker.exists() or whole(outcomes) < sizes[-1] + (problems + 1) // 2:
                assert process.poll() is None, process.stderr.read() if process.stderr else ""
                assert time.monotonic() < deadline
                time.sleep(0.005)
            process.kill()
        assert process.returncode == -9
        sizes.append(whole(outcomes))
        if kill % 4 == 3:  # a kill in the middle of a write leaves a part of a row
            with outcomes.open("ab") as file:
                file.write(b'{"job": "beam-search/4", "id": "p1", "probl')
    assert sizes == sorted(sizes)
    assert 13 <= sizes[-1] < len(calm)  # one row from each of the 13 calls that could finish a problem, at least

    with toy_bench(killed) as run:
        assert run.resumed == sizes[-1]
        run.run()
    assert comparable(killed) == calm
    assert len(rows(killed)) == len(calm)
    assert sorted(path.name for path in killed.iterdir()) == ["lock", "manifest.json", "outcomes.jsonl"]


def whole(outcomes: Path) -> int:
    """The whole rows of a file."""
    return outcomes.read_bytes().count(b"\n") if outcomes.exists() else 0
