"""Middleware that counts every request and logs it, without any text unless asked for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tts.files.json_text import dump
from tts.server.answers import total
from tts.server.facts import FACTS, Facts
from tts.server.metrics import Metrics

ROUTES = frozenset(
    [
        "/",
        "/health",
        "/metrics",
        "/v1/models",
        "/v1/chat/completions",
        "/v1/completions",
        "/v1/responses",
        "/v1/plan",
        "/v1/traces",
        "/t",
    ]
)

_QUIET = ("/health", "/metrics", "/")
"""Routes that are logged when they fail."""


class Observed:
    """Middleware: counts every request, and writes a line of JSON for each.

    Args:
        app: what answers.
        metrics: where it is counted.
        texts: whether problems and answers are logged.
        write: writes a line.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics, texts: bool, write: Callable[[str], None]) -> None:
        self._app, self._metrics, self._texts, self._write = app, metrics, texts, write

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path = "/" + "/".join(scope["path"].split("/")[1:4])
        root = next((route for route in (path, path.rpartition("/")[0]) if route in ROUTES), "other")
        facts = scope[FACTS] = Facts(root)

        async def noted(message: Message) -> None:
            if message["type"] == "http.response.start":
                facts.status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noted)
        finally:
            self._metrics.count(facts)
            if facts.path not in _QUIET or facts.status >= 400:
                self._write(dump(self._line(facts), compact=True))

    def _line(self, facts: Facts) -> dict[str, Any]:
        line: dict[str, Any] = {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"), "path": facts.path, "status": facts.status,
            "seconds": round(facts.seconds, 4),
        }  # fmt: skip
        for name in ("id", "model", "budget", "stream", "code"):
            if value := getattr(facts, name):
                line[name] = value
        if facts.solutions:
            usage = total(facts.solutions)
            line |= {
                "prompt_tokens": usage.prompt_tokens, "completion_tokens": usage.policy_tokens,
                "prm_tokens": usage.prm_tokens, "flops": usage.flops,
                "stopped": [solution.stopped for solution in facts.solutions],
            }  # fmt: skip
            if self._texts:
                line["problem"] = facts.solutions[0].problem.text
                line["answers"] = [solution.answer for solution in facts.solutions]
        return line
