"""The HTTP side of the fake server: failures and odd answers acted out, events of a stream, connections that hang."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.engines.fake_server import FakeServer

Json = dict[str, Any]


@dataclass(frozen=True)
class Says:
    """An answer by its bytes, whatever they are: sent piece by piece, then the connection is closed.

    Attributes:
        pieces: the body.
        pause: seconds after each piece.
        headers: of the answer.
    """

    pieces: list[bytes]
    status: int = 200
    pause: float = 0.0
    headers: dict[str, str] = field(default_factory=dict)

    @classmethod
    def json(cls, value: Any, status: int = 200) -> Says:
        return cls([json.dumps(value).encode()], status)

    @classmethod
    def events(cls, *values: Any, done: bool = True, pause: float = 0.0) -> Says:
        pieces = [b"data: " + (v if isinstance(v, bytes) else json.dumps(v).encode()) + b"\n\n" for v in values]
        return cls([*pieces, *[b"data: [DONE]\n\n"] * done], pause=pause)


class FakeHandler(BaseHTTPRequestHandler):
    """Answers the requests of a :class:`tests.engines.fake_server.FakeServer`."""

    server_state: FakeServer
    protocol_version = "HTTP/1.1"
    timeout = 5
    disable_nagle_algorithm = True  # many small writes would each wait for an acknowledgement

    def do_GET(self) -> None:
        self._serve({})

    def do_POST(self) -> None:
        self._serve(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

    def log_message(self, *_: object) -> None:
        pass

    def _serve(self, body: Json) -> None:
        fake = self.server_state
        with fake._lock:
            fake.requests.append((self.path, body, {name.lower(): value for name, value in self.headers.items()}))
            fake.flying += 1
            fake.peak = max(fake.peak, fake.flying)
            failure = fake.failures.pop(0) if fake.failures else None
        try:
            self._act(body, failure)
        except (BrokenPipeError, ConnectionResetError):
            fake.hung_up.set()
        finally:
            with fake._lock:
                fake.flying -= 1

    def _act(self, body: Json, failure: Any) -> None:
        fake = self.server_state
        if fake._stopped.is_set() or failure == "drop":
            self.close_connection = True
        elif isinstance(failure, Says):
            self._say(failure)
        elif failure == "hang":
            self._hang()
        elif failure == "html":
            self._send(200, b"<html>welcome</html>")
        elif failure is not None:
            status, headers = failure if isinstance(failure, tuple) else (failure, {})
            self._send(status, json.dumps({"error": {"message": "as it\nwas told"}}).encode(), headers)
        elif fake.key and self.headers.get("Authorization") != f"Bearer {fake.key}":
            self._send(401, json.dumps({"error": f"wrong key {self.headers.get('Authorization')}"}).encode())
        else:
            time.sleep(fake.slow)
            status, answer = fake.answer(self.path, body)
            if body.get("stream") and status == 200:
                self._stream(answer)
            else:
                answer.pop("tokens", None) if "choices" in answer else None
                self._send(status, json.dumps(answer).encode())

    def _say(self, answer: Says) -> None:
        self.close_connection = True
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.end_headers()
        for piece in answer.pieces:
            self.wfile.write(piece)
            self.wfile.flush()
            if answer.pause and self.server_state._stopped.wait(answer.pause):
                return

    def _send(self, status: int, content: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def _stream(self, answer: Json) -> None:
        """One event a token, the reason at the end."""
        self.close_connection = True
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        choice, text, seen = answer["choices"][0], self.server_state._policy._text, ""
        for count in range(1, len(answer["tokens"]) + 1):
            now = text.decode(answer["tokens"][:count])
            self._event({"choices": [{"index": 0, "text": now[len(seen) :], "finish_reason": None}]})
            seen = now
        self._event({"choices": [{"index": 0, "text": "", "finish_reason": choice["finish_reason"]}]})
        self.wfile.write(b"data: [DONE]\n\n")

    def _event(self, event: Json) -> None:
        self.wfile.write(f"data: {json.dumps(event)}\n\n".encode())
        self.wfile.flush()

    def _hang(self) -> None:
        """Answer nothing until the other side hangs up."""
        self.close_connection = True
        self.connection.settimeout(0.02)
        until = time.monotonic() + 5
        while time.monotonic() < until and not self.server_state._stopped.is_set():
            try:
                if not self.connection.recv(1):
                    self.server_state.hung_up.set()
                    return
            except TimeoutError:
                continue
            except ConnectionResetError:
                self.server_state.hung_up.set()
                return
