"""One run on a Ray cluster of this machine, in a process of its own so that its memory and time are the driver's.

``python -m benchmarks.speed.cluster_run SPECIFICATION`` prints the figures as JSON.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.speed.simulated import pace
from tts import Problem, Solver
from tts.batch import Answers
from tts.cluster import Placement
from tts.cluster.executor import RayExecutor
from tts.executor import Work

QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_worker_niceness": "0", "RAY_raylet_start_wait_time_s": "120"}


def measured(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Run ``spec`` and return the driver's figures.

    ``workers`` of ``cpus`` each solve ``problems`` by the settings ``solver``, ``concurrency`` at a time; the run ends
    after ``rows`` of them. Every worker has loaded its models before the clock starts.
    """
    solver, texts = Solver(**spec["solver"]), spec.get("texts") or ["Question"]
    given = [Problem(f"{text} ({k})", f"p{k}") for k, text in zip(range(spec["problems"]), itertools.cycle(texts))]
    asked = Placement("local", workers=spec["workers"], cpus=spec["cpus"])
    with tempfile.TemporaryDirectory() as folder, RayExecutor(asked) as executor:
        out = Path(folder) / "answers.jsonl"
        answers = Answers(out, solver.plan, solver.budget)
        found = asyncio.run(_timed(executor, solver, given, answers, spec))
        answers.close()
        return found | {"bytes": out.stat().st_size / found["rows"], "workers": spec["workers"]}


async def _timed(
    executor: RayExecutor, solver: Solver, given: list[Problem], answers: Answers, spec: Mapping[str, Any]
) -> dict[str, Any]:
    warm = [Problem(given[0].text, f"warm{k}") for k in range(2 * spec["workers"])]
    while executor.status != f"{spec['workers']} of {spec['workers']} workers":
        async for _ in executor.stream(Work(solver, warm[: spec["workers"]], 1)):
            pass
    async for _ in executor.stream(Work(solver, warm, 1)):
        pass
    rows, work, clock, processor = 0, 0.0, time.perf_counter(), time.process_time()
    stream = executor.stream(Work(solver, given, spec["concurrency"]))
    async for _, solution in stream:
        answers.add(solution)
        rows += 1
        work += pace(solution.problem.id)
        if rows == spec["rows"]:
            break
    seconds, cpu = time.perf_counter() - clock, time.process_time() - processor
    await stream.aclose()
    return {
        "rows": rows,
        "seconds": seconds,
        "work": work,
        "cpu_ms": 1e3 * cpu / rows,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "load": os.getloadavg()[0],
    }


if __name__ == "__main__":
    os.environ |= QUIET
    print(json.dumps(measured(json.loads(sys.argv[1]))))
