"""Cluster: what a Ray cluster on this machine adds, and what the driver costs as the work grows. Needs Ray.

With the simulated engine a worker waits most of the time, as for a GPU, so that 64 workers fit on two cores.
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.speed.harness import Bench, Measurement, Scale
from benchmarks.speed.results_file import Record
from benchmarks.speed.simulated import plugin
from benchmarks.speed.table import Row, at_least, at_most
from benchmarks.speed.workloads import lab

_ROOT = Path(__file__).resolve().parents[3]
_MANY = 64
_SOLVER = {"policy": "lab-1m", "prm": None, "strategy": "majority", "engine": "simulated"}
_LAB = {"policy": "lab-1m", "prm": "lab-prm", "strategy": "best-of-n", "budget": 16, "engine": "transformers"}
_LENGTH = 280  # characters of a step: 4 steps are about as long as a solution of MATH-500


def _specifications(scale: Scale) -> dict[str, dict[str, Any]]:
    many, each, seconds = (_MANY, 10, 4.0) if scale.many > 8 else (4, 2, 0.2)
    queued = 10 * scale.queue

    def simulated(workers: int, problems: int, rows: int, seconds: float, n: int, characters: int) -> dict[str, Any]:
        engine = {"seconds": seconds, "characters": characters}
        solver = {**_SOLVER, "budget": n, "engine_args": engine}
        return {
            "workers": workers,
            "cpus": 0.01,
            "problems": problems,
            "rows": rows,
            "concurrency": 1,
            "solver": solver,
        }

    found = {
        "cluster/simulated/1": simulated(1, each, each, seconds, 4, 80),
        f"cluster/simulated/{many}": simulated(many, each * many, each * many, seconds, 4, 80),
        "cluster/driver": simulated(2, 1500, 1500, 0.0, 4, 80) | {"concurrency": 16},
        "cluster/queue": simulated(4, queued, 400, 0.2, 4, 80),
        "cluster/row/64": simulated(2, 40, 40, 0.2, 64, _LENGTH),
        "cluster/row/256": simulated(2, 40, 40, 0.2, 256, _LENGTH),
    }
    for workers in (1, 2):
        found[f"cluster/cores/{workers}"] = {
            "workers": workers, "cpus": 1, "problems": scale.problems * 4, "rows": scale.problems * 4,
            "concurrency": 16, "solver": _LAB,
        }  # fmt: skip
    return found


def measurements(scale: Scale) -> Iterator[Measurement]:
    for name, spec in _specifications(scale).items():
        yield Measurement(name, partial(_measure, spec=spec))


async def _measure(bench: Bench, spec: Mapping[str, Any]) -> dict[str, Any]:
    if importlib.util.find_spec("ray") is None:
        return {"skipped": "Ray is not installed: pip install 'tts-search[ray]'"}
    bench.close()
    with tempfile.TemporaryDirectory() as folder:
        paths = os.pathsep.join((str(_ROOT), str(plugin(Path(folder) / "plugin"))))
        texts = [problem.text for problem in lab().problems(spec["problems"])] if spec["solver"] == _LAB else []
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "benchmarks.speed.cluster_run", json.dumps({**spec, "texts": texts}),
            env={**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"}, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, _ = await process.communicate()
    found: dict[str, Any] = json.loads(out.splitlines()[-1])
    return found


def rows(record: Record) -> Iterator[Row]:
    found = {"/".join(rest): figures for rest, figures in record.of("cluster") if "skipped" not in figures}
    few, many = found.get("simulated/1"), found.get(f"simulated/{_MANY}")
    if few and many:
        ratio = many["work"] / many["seconds"] / (few["work"] / few["seconds"])
        bar, holds = at_least(ratio, 55.0)
        yield Row("cluster", f"rate of {_MANY} simulated workers over 1", f"{ratio:.1f}", bar, holds, _load(few, many))
    if "cores/1" in found and "cores/2" in found:
        one, two = found["cores/1"], found["cores/2"]
        ratio = two["rows"] / two["seconds"] / (one["rows"] / one["seconds"])
        bar, holds = at_least(ratio, 1.8)
        yield Row("cluster", "rate of 2 one-core workers over 1, lab-1m", f"{ratio:.2f}", bar, holds, _load(one, two))
    if driver := found.get("driver"):
        bar, holds = at_most(driver["cpu_ms"], 1.0, " ms")
        note = f"at {driver['rows'] / driver['seconds']:.0f} rows a second of {driver['bytes'] / 1e3:.1f} kB"
        yield Row("cluster", "processor time of the driver a row", f"{driver['cpu_ms']:.2f} ms", bar, holds, note)
    if many:
        bar, holds = at_most(many["cpu_ms"], 1.0, " ms")
        note = f"one problem each, {many['rows'] / many['seconds']:.0f} rows a second, load average {many['load']:.1f}"
        yield Row("cluster", f"the same with {_MANY} workers", f"{many['cpu_ms']:.2f} ms", bar, holds, note)
    if queue := found.get("queue"):
        bar, holds = at_most(queue["peak_mb"], 500.0, " MB")
        yield Row("cluster", "peak memory of the driver, full queue", f"{queue['peak_mb']:.0f} MB", bar, holds)
    for n in (64, 256):
        if row := found.get(f"row/{n}"):
            note = f"{row['bytes'] / 1e3:.0f} kB a row, {row['peak_mb']:.0f} MB at the peak"
            yield Row("cluster", f"the driver a row of N = {n}", f"{row['cpu_ms']:.1f} ms", note=note)


def _load(*figures: Mapping[str, Any]) -> str:
    return "load average " + ", ".join(f"{each['load']:.1f}" for each in figures)
