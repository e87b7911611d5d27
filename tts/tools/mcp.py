"""Tools of MCP servers, started as a program (stdio) or reached over HTTP.

A server is not trusted. Each answer has a time limit, and what it says of its tools is checked. Its texts are data.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import sys
from collections.abc import Coroutine, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from tts.aio import background
from tts.errors import BadInput, EngineError, MissingExtra, TTSError
from tts.tools.tool import Result, Tool, checked

T = TypeVar("T")
_MOST = 128  # tools of one server
_LONGEST = 2000  # characters of a description
_ENDING = 3.0  # seconds that a server has to end
_REASON = 300  # characters of what a server did wrong


class McpServer:
    """A connection to one MCP server; it lives on the background loop of :mod:`tts.aio`.

    Args:
        target: an address (Streamable HTTP), or a command with its arguments.
        seconds: longest time to start, and of one call.
    """

    def __init__(
        self, target: str | list[str], seconds: float = 30.0, environment: Mapping[str, str] | None = None
    ) -> None:
        self.target, self.seconds = target, seconds
        self.label = target if isinstance(target, str) else " ".join(target)
        self._environment = dict(environment or {})
        self._client: Any = None
        self._ending: asyncio.Event | None = None
        self._task: asyncio.Task[None] | None = None

    def tools(self, prefix: str = "", price: float | None = None, latency: float | None = None) -> list[Tool]:
        """Connect and return the server's tools. Raises EngineError if it hangs or its tools make no sense."""
        try:
            listed = background().wait(self._list(), self.seconds + _ENDING)
        except TimeoutError as error:
            raise EngineError(f"the MCP server {self.label} did not answer within {self.seconds:g} s.") from error
        atexit.register(self.close)
        return [McpTool(self, each, prefix, price, latency) for each in listed]

    async def call(self, name: str, arguments: Mapping[str, Any]) -> Any:
        """Call a tool on the background loop."""
        return await background().run(self._limited(self._client.call_tool(name, dict(arguments))))

    def close(self) -> None:
        """End the connection, and a program that was started for it."""
        task, self._task = self._task, None
        if task is not None and self._ending is not None:
            with suppress(Exception):
                background().wait(self._end(task), _ENDING)

    async def _list(self) -> list[Any]:
        ready: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._ending = asyncio.Event()
        self._task = asyncio.create_task(self._serve(ready, self._ending))
        try:
            self._client = await asyncio.wait_for(asyncio.shield(ready), self.seconds)
            listed = await self._limited(self._client.list_tools())
        except BaseException as error:
            self._task.cancel()
            await asyncio.wait([self._task], timeout=_ENDING)
            self._task = None
            if isinstance(error, (TimeoutError, TTSError)) or not isinstance(error, Exception):
                raise
            raise _reason(self.label, error) from error
        return list(listed.tools)[:_MOST]

    async def _serve(self, ready: asyncio.Future[Any], ending: asyncio.Event) -> None:
        """Hold the connection open: it must be closed by the task that opened it."""
        try:
            async with self._connection() as client:
                ready.set_result(client)
                await ending.wait()
        except BaseException as error:
            if not ready.done():
                ready.set_exception(_reason(self.label, error))
                ready.exception()  # it may have no reader left
            elif not ending.is_set() and isinstance(error, asyncio.CancelledError):
                raise

    def _connection(self) -> Any:
        try:
            from mcp import Client, StdioServerParameters
        except ImportError as error:
            raise MissingExtra("MCP servers need the mcp package: pip install 'tts-search[tools]'.") from error
        if isinstance(self.target, str):
            return Client(self.target, read_timeout_seconds=self.seconds)
        command, *arguments = self.target
        environment = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        server = StdioServerParameters(command=command, args=arguments, env=environment | self._environment)
        return Client(server, read_timeout_seconds=self.seconds)

    async def _limited(self, work: Coroutine[Any, Any, T]) -> T:
        return await asyncio.wait_for(work, self.seconds)

    async def _end(self, task: asyncio.Task[None]) -> None:
        assert self._ending is not None
        self._ending.set()
        await asyncio.wait([task], timeout=_ENDING)
        task.cancel()


class McpTool(Tool):
    """One tool of an MCP server. Raises EngineError for a schema that is none."""

    kind = "mcp"
    background = True

    def __init__(self, server: McpServer, listed: Any, prefix: str, price: float | None, latency: float | None) -> None:
        self._server, self._theirs = server, str(listed.name)
        self.name = f"{prefix}{self._theirs}"
        self.description = str(listed.description or "")[:_LONGEST]
        schema = listed.input_schema
        if not isinstance(schema, dict) or schema.get("type") != "object":
            raise EngineError(f"the MCP server {server.label} gives no JSON schema of an object for {self.name!r:.80}.")
        self.schema, self.price, self.latency, self.seconds = schema, price, latency, server.seconds
        self.local = not isinstance(server.target, str)
        try:
            checked(self)
        except BadInput as error:
            raise EngineError(f"the MCP server {server.label} lists a tool that cannot be offered: {error}") from error

    async def call(self, arguments: Mapping[str, Any]) -> Result:
        """Call the tool on its server; the texts of the answer are the result."""
        answer = await self._server.call(self._theirs, arguments)
        texts = [part.text for part in answer.content if part.type == "text"]
        return Result("\n".join(texts), failed=bool(answer.is_error))

    def close(self) -> None:
        """End the connection, for all tools of the server."""
        self._server.close()


def mcp_tools(address: str, **settings: Any) -> list[Tool]:
    """Return the tools of a server by its address: ``mcp://FILE.py``, or ``http://HOST/mcp``. Raises BadInput."""
    seconds = settings.pop("seconds", 30.0)
    if not address.startswith("mcp://"):
        return McpServer(address, seconds).tools(**settings)
    file = Path(address.removeprefix("mcp://"))
    if not file.is_file():
        raise BadInput(f"there is no file {file} to start as an MCP server: write mcp://FILE.py.")
    return McpServer([sys.executable, str(file)], seconds).tools(**settings)


def _reason(label: str, error: BaseException) -> Exception:
    if isinstance(error, MissingExtra):
        return error
    while isinstance(error, BaseExceptionGroup) and error.exceptions:
        error = error.exceptions[0]
    words = " ".join(str(error).split()) or type(error).__name__
    return EngineError(f"the MCP server {label} cannot be used: {words[:_REASON].rstrip('.')}.")
