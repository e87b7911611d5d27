"""A server of a solver on this machine, and clients that ask it: for measurements of the server itself."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import aiohttp

from tts import Problem, Solver

if TYPE_CHECKING:
    from tts.server.service import Service


@dataclass(frozen=True, slots=True)
class Served:
    """A running server: its address, and the service behind it."""

    address: str
    service: Service


@contextlib.asynccontextmanager
async def serving(solver: Solver, write: Callable[[str], None] = lambda _: None) -> AsyncIterator[Served]:
    """Serve a solver on a free port, from a thread of its own; ``write`` gets the lines of its log."""
    import uvicorn

    from tts.server.app import app_of
    from tts.server.catalogue import load
    from tts.server.run import listen
    from tts.server.service import Service
    from tts.server.settings import Settings

    catalogue, _ = load([solver], {})
    service = Service(catalogue, Settings(), write)
    with listen("127.0.0.1", 0) as listening:
        config = uvicorn.Config(app_of(service), log_level="critical", access_log=False, lifespan="off")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
        thread.start()
        try:
            yield Served(f"http://127.0.0.1:{listening.getsockname()[1]}", service)
        finally:
            server.should_exit = True
            await asyncio.to_thread(thread.join)


def clients() -> aiohttp.ClientSession:
    """Return a session without a limit of connections or of time."""
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), timeout=aiohttp.ClientTimeout(total=None))


async def ask(session: aiohttp.ClientSession, address: str, body: dict[str, Any]) -> tuple[int, Any]:
    """Return the status and the JSON of a chat request."""
    async with session.post(f"{address}/v1/chat/completions", json=body) as reply:
        return reply.status, json.loads(await reply.read())


async def ask_all(
    session: aiohttp.ClientSession, address: str, model: str, problems: Sequence[Problem], at_once: int, seed: int = 0
) -> float:
    """Let so many clients ask for all problems, one after the other each; return the seconds.

    Raises RuntimeError if a request fails.
    """
    waiting = iter(problems)

    async def client() -> None:
        for problem in waiting:
            body = {"model": model, "messages": [{"role": "user", "content": problem.text}], "seed": seed}
            status, found = await ask(session, address, body)
            if status != 200:
                raise RuntimeError(str(found))

    begun = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(at_once)))
    return time.perf_counter() - begun
