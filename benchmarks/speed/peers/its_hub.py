"""Comparison with its_hub (Apache-2.0, from the package index): same models, same vLLM servers, same problems.

its_hub runs as in its own benchmark script, one problem after the other, and once more with all problems in one event
loop, which its interface allows. Ours runs over the same servers, and once more with its own engines.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.speed.harness import Bench, Measurement, Scale, timed
from benchmarks.speed.peers import its_hub_client
from benchmarks.speed.peers.search_and_learn import is_right
from benchmarks.speed.peers.servers import forget, served
from benchmarks.speed.results_file import Record
from benchmarks.speed.table import Row, at_least
from benchmarks.speed.workloads import Load, lab
from benchmarks.stats.intervals import mean
from tts import Solver
from tts.answers.extract import extract
from tts.engines.load import close_all
from tts.types import Problem

STRATEGIES = ("best-of-n", "beam-search")
BARS = {"best-of-n": 2.0, "beam-search": 3.0}
_VOTES = {"best-of-n": "best", "beam-search": "best"}  # its_hub returns its best-scored text


def measurements(scale: Scale) -> Iterator[Measurement]:
    for strategy in STRATEGIES:
        for n in scale.peer_widths:
            yield Measurement(f"peer/{strategy}/{n}", _measure(strategy, n))


def _measure(strategy: str, n: int) -> Any:
    async def run(bench: Bench) -> dict[str, Any]:
        python = bench.peer_python
        if python is None:
            return {
                "skipped": "no --peer-python: make a virtual environment, install its_hub[lm]==1.2.0, name its python"
            }
        version = _version(python)
        if not version:
            return {"skipped": "the Python named with --peer-python cannot import its_hub's language model"}
        bench.close()
        load = lab()
        problems = load.problems(bench.scale.peer_problems)
        with served(load.policy, load.prm, bench.work / "servers") as (policy, prm):
            try:
                sides = await _behind(policy, prm, python, load, problems, strategy, n)
            finally:
                close_all()
        await bench.open("lab")
        sides["ours in process"] = await _ours(load.solver(strategy, n, vote=_VOTES[strategy]), problems, load.golds)
        return {"version": version, "problems": len(problems), **sides}

    return run


async def _behind(
    policy: str, prm: str, python: Path, load: Load, problems: Sequence[Problem], strategy: str, n: int
) -> dict[str, Any]:
    """Measure its_hub sequentially and concurrently, then ours, over the servers at these addresses."""
    job = {
        "policy_url": policy, "prm_url": prm, "policy": load.policy, "prm": load.prm, "n": n,
        "strategy": strategy, "temperature": 1.0, "questions": [p.text for p in problems],
    }  # fmt: skip
    sides = {}
    for side in ("in turn", "gathered"):
        forget(policy, prm)
        sides[side] = _theirs(python, {**job, "together": side == "gathered"}, problems, load.golds)
    forget(policy, prm)
    solver = Solver(
        f"{policy}#{load.policy}", f"{prm}#{load.prm}", strategy, n, vote=_VOTES[strategy],
        temperature=1.0, engine_args={"concurrency": 256},  # the server's own limit
    )  # fmt: skip
    sides["ours"] = await _ours(solver, problems, load.golds)
    return sides


async def _ours(solver: Solver, problems: Sequence[Problem], golds: Any) -> dict[str, Any]:
    await timed(solver, problems[:1])
    run = await timed(solver, problems)
    right = [float(is_right(s.answer, golds[s.problem.id])) for s in run.solutions]
    return {"seconds": run.seconds, "right": right}


def _theirs(python: Path, job: dict[str, Any], problems: Sequence[Problem], golds: Any) -> dict[str, Any]:
    """Run its_hub in its own interpreter."""
    done = subprocess.run(
        [str(python), "-I", str(its_hub_client.__file__)], input=json.dumps(job), capture_output=True, text=True,
        timeout=3600, check=False,
    )  # fmt: skip
    found = json.loads(done.stdout) if done.returncode == 0 else {"error": done.stderr[-2000:]}
    if "error" in found:
        raise RuntimeError(f"its_hub failed with {job['strategy']} N={job['n']}:\n{found['error']}")
    answers = [extract(text) for text in found["answers"]]
    right = [float(is_right(answer, golds[p.id])) for answer, p in zip(answers, problems, strict=True)]
    return {"seconds": found["seconds"], "scored": found["scored"], "right": right}


def _version(python: Path) -> str:
    code = "import its_hub.core.lms.openai_lm, importlib.metadata as m; print(m.version('its_hub'))"
    try:
        done = subprocess.run([str(python), "-I", "-c", code], capture_output=True, text=True, timeout=120, check=False)
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def rows(record: Record) -> Iterator[Row]:
    for [strategy, n], found in record.of("peer"):
        name = f"{strategy} N={n} over its_hub"
        if "skipped" in found:
            yield Row("peer", name, "skipped", note=found["skipped"])
            continue
        ours, inside = found["ours"]["seconds"], found["ours in process"]["seconds"]
        for side in ("in turn", "gathered"):
            ratio = found[side]["seconds"] / ours
            limit = BARS[strategy]
            bar: tuple[str, bool | None] = at_least(ratio, limit, "x") if side == "in turn" else ("", None)
            note = (
                f"{found[side]['seconds']:.1f} s over {ours:.1f} s (ours in one process {inside:.1f} s), "
                f"{found['problems']} problems; right {mean(found['ours']['right']).percent()}, "
                f"its_hub {mean(found[side]['right']).percent()}"
            )
            yield Row("peer", f"{name} {found['version']}, {side}", f"{ratio:.1f}x", *bar, note)
