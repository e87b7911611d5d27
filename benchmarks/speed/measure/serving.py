"""The server's own cost: throughput against solving directly, processor time a request, memory after many requests.

Throughput is that of the lab models, 64 clients at once over HTTP that ask one problem after the other, against the
batch that `tts solve --file` runs over the same problems, 64 in flight; both sides alternate. Client and server share
this process, so the client's work counts against the server. The other two use a policy that answers at once.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.speed.harness import Bench, Measurement, Scale
from benchmarks.speed.http_load import ask_all, clients, serving
from benchmarks.speed.results_file import Record
from benchmarks.speed.table import Row, at_least, at_most
from benchmarks.speed.workloads import lab
from benchmarks.stats.intervals import mean
from tts import Problem, Solver
from tts.batch import Batch
from tts.cost import ModelShape
from tts.protocols import Completion, Policy, Request
from tts.types import Finish, Step

CLIENTS, ROUNDS, EACH = 64, 5, 3
STRATEGY, N = "best-of-n", 4
_ANSWER = Step("The answer is \\boxed{1}.", (1, 2, 3))


class InstantPolicy(Policy):
    """A policy that answers every request at once with the same solution."""

    name, context = "instant", 4096
    shape = ModelShape(parameters=1000, active=900, layers=2, width=8)

    def prompt(self, problem: Problem) -> Step:
        return Step(problem.text, tuple(range(len(problem.text) // 4)))

    async def generate(self, request: Request) -> Completion:
        return Completion((_ANSWER,), Finish.STOP)


def measurements(scale: Scale) -> Iterator[Measurement]:
    for engine in ("transformers", "vllm"):
        yield Measurement(f"serve/throughput/{engine}", _throughput(engine))
    yield Measurement("serve/overhead", _overhead)
    yield Measurement("serve/memory", _memory)


def _throughput(engine: str) -> Any:
    async def run(bench: Bench) -> dict[str, Any]:
        bench.close()
        count = min(bench.scale.problems, CLIENTS)
        problems = lab().problems(EACH * count)
        solver = Solver("lab-1m", "lab-prm", STRATEGY, N, engine=engine)
        solver.load()
        direct, served = list[float](), list[float]()
        with tempfile.TemporaryDirectory() as folder:
            source = _written(Path(folder, "problems.jsonl"), problems)
            async with serving(solver) as server, clients() as session:

                async def directly(seed: int) -> None:
                    out = Path(folder, f"{seed}.jsonl")
                    direct.append(await asyncio.to_thread(_directly, solver.variant(seed=seed), source, out, count))

                async def through(seed: int) -> None:
                    served.append(await ask_all(session, server.address, STRATEGY, problems, count, seed))

                await through(-1)  # warm-up: every prompt is in the caches of both sides afterwards
                served.clear()
                for turn in range(ROUNDS):  # every run has a seed of its own: none finds texts of the other in a cache
                    first, second = (directly, through) if turn % 2 else (through, directly)
                    await first(2 * turn)
                    await second(2 * turn + 1)
        ratios = [one / other for one, other in zip(direct, served, strict=True)]
        return {
            "clients": count, "problems": len(problems), "engine": engine, "direct_seconds": direct,
            "served_seconds": served, "ratios": ratios, "load": os.getloadavg()[0],
        }  # fmt: skip

    return run


def _written(path: Path, problems: Sequence[Problem]) -> Path:
    path.write_text("".join(json.dumps({"problem": each.text}) + "\n" for each in problems), encoding="utf-8")
    return path


def _directly(solver: Solver, source: Path, out: Path, concurrency: int) -> float:
    """Solve the file as `tts solve --file` does; return the seconds. Raises RuntimeError if a problem fails."""
    with Batch(solver, source, out, concurrency=concurrency) as batch:
        begun = time.perf_counter()
        for solution in batch.run():
            if solution.error is not None:
                raise RuntimeError(solution.error)
        return time.perf_counter() - begun


async def _overhead(bench: Bench) -> dict[str, Any]:
    """Compare processor time a request with that of the same search; the HTTP client's is part of it."""
    count = bench.scale.queue // 10
    solver = Solver(InstantPolicy(), None, "majority", 4)
    problems = [Problem(f"What is {k} + 1?") for k in range(count)]
    async with serving(solver) as server, clients() as session:
        await ask_all(session, server.address, "majority", problems[:50], 50)
        begun = time.process_time()
        for problem in problems:
            await solver.solve(problem)
        search = time.process_time() - begun
        begun = time.process_time()
        for problem in problems:
            await ask_all(session, server.address, "majority", [problem], 1)
        served = time.process_time() - begun
    return {
        "requests": count,
        "milliseconds": 1000 * (served - search) / count,
        "search_milliseconds": 1000 * search / count,
    }


async def _memory(bench: Bench) -> dict[str, Any]:
    """Compare the resident memory after all requests with that after the first tenth, when all stores are full."""
    count = bench.scale.queue
    solver = Solver(InstantPolicy(), None, "majority", 4)
    problems = [Problem(f"What is {k} + 1?") for k in range(count)]
    sizes = []
    async with serving(solver) as server, clients() as session:
        for at in range(0, count, 50):
            await ask_all(session, server.address, "majority", problems[at : at + 50], 50)
            if at + 50 in (count // 10, count):
                gc.collect()
                sizes.append(_resident())
    return {"requests": count, "before_megabytes": sizes[0], "after_megabytes": sizes[-1]}


def _resident() -> float:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * 4096 / 2**20


def rows(record: Record) -> Iterator[Row]:
    for [what, *more], found in record.of("serve"):
        if what == "throughput":
            ratio = mean(found["ratios"])
            bar, holds = at_least(ratio.value, 0.9)
            note = (
                f"{sum(found['direct_seconds']):.1f} s by tts solve --file, {sum(found['served_seconds']):.1f} s "
                f"through HTTP, {len(found['ratios'])} rounds of {found['problems']} problems; load {found['load']:.1f}"
            )
            name = f"throughput of {found['clients']} clients on {more[0]}, {STRATEGY} N={N}"
            yield Row("serve", name, f"{ratio.value:.2f} [{ratio.low:.2f}, {ratio.high:.2f}]", bar, holds, note)
        elif what == "overhead":
            bar, holds = at_most(found["milliseconds"], 5, " ms")
            search = f"the search itself takes {found['search_milliseconds']:.2f} ms"
            note = f"over {found['requests']} requests, the client's work included; {search}"
            yield Row("serve", "processor time a request", f"{found['milliseconds']:.2f} ms", bar, holds, note)
        elif what == "memory":
            grown = found["after_megabytes"] - found["before_megabytes"]
            bar, holds = at_most(grown, 20, " MB")
            note = f"from {found['before_megabytes']:.0f} MB after the first tenth"
            yield Row("serve", f"memory grown by {found['requests']} requests", f"{grown:.1f} MB", bar, holds, note)
