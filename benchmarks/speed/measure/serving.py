"""The server's own cost: throughput against solving directly, processor time a request, memory after many requests.

Throughput is that of the lab models on the transformers engine, all clients at once over HTTP, one request each,
against the same searches without a server; both sides alternate. Client and server share this process, so the client's
work counts against the server. The other two use a policy that answers at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import threading
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any

import aiohttp

from benchmarks.speed.harness import Bench, Measurement, Scale
from benchmarks.speed.results_file import Record
from benchmarks.speed.table import Row, at_least, at_most
from benchmarks.speed.workloads import lab
from tts import Problem, Solver
from tts.cost import ModelShape
from tts.protocols import Completion, Policy, Request
from tts.types import Finish, Step

CLIENTS, ROUNDS = 64, 2
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
    yield Measurement("serve/throughput", _throughput)
    yield Measurement("serve/overhead", _overhead)
    yield Measurement("serve/memory", _memory)


async def _throughput(bench: Bench) -> dict[str, Any]:
    count = min(bench.scale.problems, CLIENTS)
    problems = lab().problems(count)
    solver = Solver("lab-1m", "lab-prm", STRATEGY, N, engine="transformers")
    solver.load()
    async with _served(solver) as address, _session() as session:
        await asyncio.gather(*(solver.solve(problem) for problem in problems[:4]))
        direct, served = [], []
        for seed in range(ROUNDS):
            direct.append(await _directly(solver.variant(seed=seed), problems))
            served.append(await _through(session, address, STRATEGY, problems, seed))
    return {"clients": count, "direct_seconds": direct, "served_seconds": served, "ratio": sum(direct) / sum(served)}


async def _overhead(bench: Bench) -> dict[str, Any]:
    """Compare processor time a request with that of the same search; the HTTP client's is part of it."""
    count = bench.scale.queue // 10
    solver = Solver(InstantPolicy(), None, "majority", 4)
    problems = [Problem(f"What is {k} + 1?") for k in range(count)]
    async with _served(solver) as address, _session() as session:
        await _through(session, address, "majority", problems[:50], 0)
        begun = time.process_time()
        for problem in problems:
            await solver.solve(problem)
        search = time.process_time() - begun
        begun = time.process_time()
        for problem in problems:
            await _through(session, address, "majority", [problem], 0)
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
    async with _served(solver) as address, _session() as session:
        for at in range(0, count, 50):
            await _through(session, address, "majority", problems[at : at + 50], 0)
            if at + 50 in (count // 10, count):
                gc.collect()
                sizes.append(_resident())
    return {"requests": count, "before_megabytes": sizes[0], "after_megabytes": sizes[-1]}


def _resident() -> float:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * 4096 / 2**20


async def _directly(solver: Solver, problems: Sequence[Problem]) -> float:
    begun = time.perf_counter()
    await asyncio.gather(*(solver.solve(problem) for problem in problems))
    return time.perf_counter() - begun


async def _through(
    session: aiohttp.ClientSession, address: str, model: str, problems: Sequence[Problem], seed: int
) -> float:
    """Ask for all problems at once; return the seconds. Raises RuntimeError if a request fails."""

    async def ask(problem: Problem) -> None:
        body = {"model": model, "messages": [{"role": "user", "content": problem.text}], "seed": seed}
        async with session.post(f"{address}/v1/chat/completions", json=body) as reply:
            if reply.status != 200:
                raise RuntimeError(await reply.text())
            json.loads(await reply.read())

    begun = time.perf_counter()
    await asyncio.gather(*map(ask, problems))
    return time.perf_counter() - begun


def _session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))


@contextlib.asynccontextmanager
async def _served(solver: Solver) -> AsyncIterator[str]:
    """Serve a solver on a free port, from a thread of its own."""
    import uvicorn

    from tts.server.app import app_of
    from tts.server.catalogue import load
    from tts.server.run import listen
    from tts.server.service import Service
    from tts.server.settings import Settings

    catalogue, _ = load([solver], {})
    service = Service(catalogue, Settings(), lambda _: None)
    with listen("127.0.0.1", 0) as listening:
        config = uvicorn.Config(app_of(service), log_level="critical", access_log=False, lifespan="off")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            await asyncio.to_thread(thread.join)


def rows(record: Record) -> Iterator[Row]:
    for [what], found in record.of("serve"):
        if what == "throughput":
            bar, holds = at_least(found["ratio"], 0.9)
            note = f"{sum(found['direct_seconds']):.1f} s directly, {sum(found['served_seconds']):.1f} s through HTTP"
            name = f"throughput of {found['clients']} clients at once, {STRATEGY} N={N}"
            yield Row("serve", name, f"{found['ratio']:.2f}", bar, holds, note)
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
