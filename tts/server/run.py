"""Runs the application: the socket, the signals, the end."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import sys
from collections.abc import Generator
from contextlib import ExitStack

import uvicorn
from starlette.types import ASGIApp

from tts.errors import BadInput
from tts.files.text import reason
from tts.server.house import House

_AFTER = 5.0  # seconds for the last answers to be sent, after the deadline
_HALF_OPEN = 60  # seconds after which a peer that acknowledges nothing is gone
_BACKLOG = 1024
_LAST_PORT = 65_535


def listen(host: str, port: int) -> socket.socket:
    """Open the socket. Raises BadInput where that is not possible; port 0 takes any free one."""
    if not 0 <= port <= _LAST_PORT:  # the system would take it modulo 65536
        raise BadInput(f"a port is a number from 0 to {_LAST_PORT}, not {port}.")
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = found[0]
        with ExitStack() as on_failure:
            listening = on_failure.enter_context(socket.socket(family, kind, protocol))
            _options(listening)
            listening.bind(address)
            listening.listen(_BACKLOG)
            on_failure.pop_all()
    except OSError as error:
        raise BadInput(
            f"{host}:{port} cannot be listened on: {reason(error)}; choose another --host or --port."
        ) from error
    return listening


def _options(listening: socket.socket) -> None:
    """Let the system find out about peers that are gone without a word; connections inherit it."""
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if sys.platform == "linux":
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _HALF_OPEN // 2)
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _HALF_OPEN * 1000)


def serve(app: ASGIApp, house: House, listening: socket.socket, deadline: float) -> None:
    """Serve until SIGINT or SIGTERM; requests inside then have ``deadline`` seconds, a second signal ends them now."""
    config = uvicorn.Config(
        app, log_level="critical", access_log=False, lifespan="off", server_header=False, ws="none",
        timeout_graceful_shutdown=int(deadline + _AFTER), limit_concurrency=4 * house.most + 64, backlog=_BACKLOG,
    )  # fmt: skip
    Server(config, house, deadline).run([listening])


class Server(uvicorn.Server):
    """Uvicorn's server with an end of ours: no more requests, a deadline for those inside, exit code 0."""

    def __init__(self, config: uvicorn.Config, house: House, deadline: float) -> None:
        super().__init__(config)
        self._house, self._deadline = house, deadline
        self._closing: asyncio.Task[None] | None = None

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        loop = asyncio.get_running_loop()
        signals = (signal.SIGINT, signal.SIGTERM)
        for number in signals:
            loop.add_signal_handler(number, self.end)
        try:
            yield
        finally:
            for number in signals:
                loop.remove_signal_handler(number)

    def end(self) -> None:
        """Begin the end; asked a second time, hurry."""
        if self._closing is None:
            self._closing = asyncio.create_task(self._close())
        else:
            self._deadline = 0.0
            self._closing.cancel()
            self._closing = asyncio.create_task(self._close())

    async def _close(self) -> None:
        self._house.closing = True
        self.should_exit = True  # new connections are refused from now on
        await self._house.close(self._deadline)
