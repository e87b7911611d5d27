"""A server of toy models: called in this process as an ASGI application, or over a socket of this machine."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.types import ASGIApp, Message

from tests.toy import ToyPolicy, ToyReward
from tts import Solver
from tts.server.app import app_of
from tts.server.catalogue import load
from tts.server.run import Server, listen
from tts.server.service import Service
from tts.server.settings import Settings

JSON = {"content-type": "application/json"}
ASK = {"model": "best-of-n", "messages": [{"role": "user", "content": "how far"}]}


@dataclass
class Toy:
    """A service of toy models, its application, and the lines of its log."""

    policy: ToyPolicy
    service: Service
    lines: list[str]
    app: ASGIApp

    @property
    def log(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.lines]


def toy(
    policy: ToyPolicy | None = None, *, budget: int = 4, base: Mapping[str, Any] | None = None, **settings: Any
) -> Toy:
    """Build a service of toy models; ``base`` are settings of the solver, the others those of the server."""
    policy = policy or ToyPolicy(slip=0.0)
    lines: list[str] = []
    solver = Solver(policy, ToyReward(), budget=budget, **(base or {}))
    catalogue, _ = load([solver], {})
    service = Service(catalogue, Settings(**settings), lines.append)
    return Toy(policy, service, lines, app_of(service))


@dataclass
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> dict[str, Any]:
        """The error object; the test fails if the answer has another form."""
        body = self.json
        assert set(body) == {"error"}
        assert set(body["error"]) == {"message", "type", "param", "code"}
        found: dict[str, Any] = body["error"]
        return found

    @property
    def events(self) -> list[Any]:
        """The JSON objects of a stream; the test fails if it does not end as it should."""
        parts = self.body.decode().split("\n\n")
        data = [part.removeprefix("data: ") for part in parts if part and not part.startswith(":")]
        assert data[-1] == "[DONE]"
        return [json.loads(part) for part in data[:-1]]

    @property
    def named_events(self) -> list[dict[str, Any]]:
        """The events of a streamed response; the test fails if one has another's name, or a number is left out."""
        parts = [part for part in self.body.decode().split("\n\n") if part and not part.startswith(":")]
        named = [part.split("\n") for part in parts]
        found = [json.loads(data.removeprefix("data: ")) for _, data in named]
        assert [name for name, _ in named] == [f"event: {event['type']}" for event in found]
        assert [event["sequence_number"] for event in found] == list(range(len(found)))
        return found


@dataclass
class Client:
    """What an ASGI server does for one request, by hand: ``hang_up`` is the client going away."""

    app: ASGIApp
    sent: list[Message] = field(default_factory=list)
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    stuck: bool = False  # it takes nothing of an answer's body

    async def ask(
        self,
        method: str,
        path: str,
        body: bytes | list[bytes] = b"",
        headers: Mapping[str, str] | list[tuple[str, str]] = JSON,
        *,
        complete: bool = True,
    ) -> Reply:
        pieces = [body] if isinstance(body, bytes) else list(body)
        pairs = list(headers.items()) if isinstance(headers, Mapping) else headers

        async def receive() -> Message:
            if pieces:
                piece = pieces.pop(0)
                return {"type": "http.request", "body": piece, "more_body": bool(pieces) or not complete}
            await self.gone.wait()
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            if self.stuck and message["type"] == "http.response.body":
                await self.gone.wait()
            self.sent.append(message)

        scope = {
            "type": "http", "asgi": {"version": "3.0", "spec_version": "2.3"}, "http_version": "1.1", "method": method,
            "scheme": "http", "path": path, "raw_path": path.encode(), "query_string": b"", "root_path": "",
            "headers": [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in pairs],
            "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80), "state": {},
        }  # fmt: skip
        await self.app(scope, receive, send)
        return self.reply

    def hang_up(self) -> None:
        self.gone.set()

    @property
    def reply(self) -> Reply:
        start = self.sent[0]
        headers = {name.decode(): value.decode() for name, value in start["headers"]}
        return Reply(start["status"], headers, b"".join(message.get("body", b"") for message in self.sent[1:]))


async def post(app: ASGIApp, body: Any, path: str = "/v1/chat/completions", headers: Any = JSON) -> Reply:
    data = body if isinstance(body, (bytes, list)) else json.dumps(body).encode()
    return await Client(app).ask("POST", path, data, headers)


async def get(app: ASGIApp, path: str, headers: Any = JSON) -> Reply:
    return await Client(app).ask("GET", path, b"", headers)


@contextlib.contextmanager
def live(made: Toy, deadline: float = 5.0) -> Iterator[str]:
    """Serve on a free port from a thread; yields the address."""
    import uvicorn

    listening = listen("127.0.0.1", 0)
    port = listening.getsockname()[1]
    config = uvicorn.Config(made.app, log_level="critical", access_log=False, lifespan="off", ws="none")
    server = _Threaded(config, made.service.house, deadline)
    thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.loop.call_soon_threadsafe(server.end)
        thread.join(20)
        assert not thread.is_alive()


class _Threaded(Server):
    """The server on a thread, which cannot listen to signals."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        self.loop = asyncio.get_running_loop()
        yield


@contextlib.asynccontextmanager
async def asking(app: ASGIApp, body: Any) -> AsyncIterator[tuple[Client, asyncio.Task[Reply]]]:
    """A chat request under way."""
    client = Client(app)
    task = asyncio.create_task(client.ask("POST", "/v1/chat/completions", json.dumps(body).encode()))
    try:
        yield client, task
    finally:
        client.hang_up()
        await asyncio.gather(task, return_exceptions=True)


async def until(condition: Any, seconds: float = 5.0) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - what is waited for knows nothing of the test
            await asyncio.sleep(0.005)
