"""The server on vLLM when things go wrong: clients that hang up midway, an engine's process that is killed."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

from benchmarks.speed.harness import Bench, Measurement, Scale
from benchmarks.speed.http_load import Served, ask, clients, serving
from benchmarks.speed.results_file import Record
from benchmarks.speed.table import Row, at_most
from benchmarks.speed.workloads import lab
from tts import Solver
from tts.engines.vllm.policy import VLLMPolicy

LEAVING = 200
_SOON = 60.0  # seconds after which what should have ended counts as hung
_RESET = b"\x01\0\0\0\0\0\0\0"  # SO_LINGER of no seconds: the connection ends by a reset


def measurements(scale: Scale) -> Iterator[Measurement]:
    yield Measurement("faults/hang-up", _hang_up)
    yield Measurement("faults/killed", _killed)


def _solver() -> Solver:
    return Solver("lab-1m", "lab-prm", "beam-search", 16, engine="vllm")


async def _hang_up(bench: Bench) -> dict[str, Any]:
    """Let 200 clients ask, and go away while their searches run."""
    bench.close()
    count, texts = min(LEAVING, 10 * bench.scale.problems), [problem.text for problem in lab().problems(LEAVING)]
    solver = _solver()
    solver.load()
    async with serving(solver) as server, clients() as session:
        sockets = [await asyncio.to_thread(_asking, server.address, text) for text in texts[:count]]
        inside = await _until(lambda: _inside(server) >= 0.9 * count)
        begun = time.perf_counter()
        for number, connection in enumerate(sockets):
            if number % 2:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            connection.close()
        seconds = await _until(lambda: not _inside(server) and not _in_flight(solver))
        status, _ = await ask(session, server.address, _body(texts[0], 4))
        return {
            "clients": count, "let_in_seconds": inside, "seconds": seconds, "left": _in_flight(solver),
            "closing_seconds": time.perf_counter() - begun, "after": status,
        }  # fmt: skip


async def _killed(bench: Bench) -> dict[str, Any]:
    """Kill the policy's processes while a plain and a streamed request run; then ask again."""
    bench.close()
    solver, texts = _solver(), [problem.text for problem in lab().problems(40)]
    solver.load()
    async with serving(solver) as server, clients() as session:
        asked = [asyncio.create_task(ask(session, server.address, _body(text, 256))) for text in texts[:32]]
        stream = asyncio.create_task(_streamed(session, server.address, texts[33]))
        await _until(lambda: _in_flight(solver) > 32)
        begun = time.perf_counter()
        for process in await asyncio.to_thread(_engine_processes):
            os.kill(process, signal.SIGKILL)
        async with asyncio.timeout(_SOON):
            replies, last = await asyncio.gather(*asked), await stream
        ended = time.perf_counter() - begun
        async with session.get(f"{server.address}/health") as reply:
            health = reply.status
        begun = time.perf_counter()
        async with asyncio.timeout(4 * _SOON):
            status, _ = await ask(session, server.address, _body(texts[0], 4))
        again = time.perf_counter() - begun
        codes = [found["error"]["code"] for got, found in replies if got == 503]
        return {
            "requests": len(replies) + 1, "seconds": ended, "unavailable": codes.count("engine_unavailable"),
            "stream": last.get("error", {}).get("code"), "health": health, "after": status, "again_seconds": again,
        }  # fmt: skip


def _body(text: str, budget: int, **more: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": text}]
    return {"model": "beam-search", "messages": messages, "tts": {"budget": budget}, **more}


def _asking(address: str, text: str) -> socket.socket:
    """Send a request and read nothing of its answer."""
    host, port = address.removeprefix("http://").split(":")
    body = json.dumps(_body(text, 64, stream=True)).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
    connection = socket.create_connection((host, int(port)))
    connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    return connection


async def _streamed(session: Any, address: str, text: str) -> dict[str, Any]:
    """Return the last event of a stream before its end."""
    async with session.post(f"{address}/v1/chat/completions", json=_body(text, 256, stream=True)) as reply:
        parts = (await reply.read()).decode().split("\n\n")
    events = [part.removeprefix("data: ") for part in parts if part.startswith("data: ") and "[DONE]" not in part]
    found: dict[str, Any] = json.loads(events[-1])
    return found


def _inside(server: Served) -> int:
    return server.service.house.inside


def _in_flight(solver: Solver) -> int:
    """Return the requests that vLLM's front ends have not answered."""
    policy = solver.models[0] if solver.models else None
    services = policy.services if isinstance(policy, VLLMPolicy) else ()
    return sum(service.engine.output_processor.get_num_unfinished_requests() for service in services)


def _engine_processes() -> list[int]:
    import multiprocessing

    return [each.pid for each in multiprocessing.active_children() if each.pid and "Engine" in each.name]


async def _until(condition: Callable[[], bool]) -> float:
    """Wait until something holds; return the seconds. Raises TimeoutError."""
    begun = time.perf_counter()
    async with asyncio.timeout(_SOON):
        while not condition():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.01)
    return time.perf_counter() - begun


def rows(record: Record) -> Iterator[Row]:
    for [what], found in record.of("faults"):
        if what == "hang-up":
            bar, holds = at_most(found["left"], 0)
            note = f"{found['seconds']:.2f} s after the last one left; the next request: {found['after']}"
            name = f"requests in vLLM after {found['clients']} clients hung up midway"
            yield Row("faults", name, str(found["left"]), bar, holds and found["after"] == 200, note)
        else:
            ended = found["unavailable"] + (found["stream"] == "engine_unavailable")
            note = (
                f"error objects in {found['seconds']:.2f} s; /health {found['health']}; the next request loads the "
                f"model again: {found['after']} in {found['again_seconds']:.1f} s"
            )
            name = "requests that end with an error object where the engine is killed"
            holds = ended == found["requests"] and found["after"] == 200
            yield Row("faults", name, f"{ended} of {found['requests']}", "all", holds, note)
