"""Refusals: errors as OpenAI's clients expect them, ``{"error": {message, type, param, code}}``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.responses import Response

from tts.errors import (
    BadInput,
    BudgetError,
    CannotCall,
    EngineDied,
    EngineError,
    ModelError,
    NotEnoughMemory,
    PromptTooLong,
    TTSError,
)
from tts.files.json_text import dump

NO_RETRY = {"x-should-retry": "false"}
"""OpenAI's SDK repeats 408, 409, 429 and 5xx twice: a failed search of ten minutes would take thirty."""

_KINDS = {401: "authentication_error", 403: "permission_error", 404: "not_found_error", 429: "rate_limit_error"}


@dataclass(eq=False)
class Refusal(Exception):
    """A request that is answered by an error.

    Attributes:
        status: of HTTP.
        message: one sentence for the caller.
        param: what it is about, such as ``messages[0].content``; None for the request as a whole.
        code: a word for programs.
        headers: further headers.
    """

    status: int
    message: str
    param: str | None = None
    code: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def body(self) -> dict[str, Any]:
        """Return the JSON object of the answer, also of an error within a stream."""
        kind = _KINDS.get(self.status, "invalid_request_error" if self.status < 500 else "server_error")
        return {"error": {"message": self.message, "type": kind, "param": self.param, "code": self.code}}

    def response(self) -> Response:
        return json_response(self.body, self.status, self.headers)


def json_response(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Answer with JSON that every reader takes, halves of characters escaped."""
    return Response(dump(value, compact=True), status, dict(headers or {}), "application/json")


def refusal_of(error: TTSError, param: str | None = None, request: str = "this request") -> Refusal:
    """Return the answer to an error: 4xx for what the caller can mend, 5xx that is not repeated for the rest.

    ``request`` is the id under which the reason of a 5xx is in the server's log.
    """
    message = str(error)
    if isinstance(error, PromptTooLong):
        return Refusal(400, message, "messages", "context_length_exceeded")
    if isinstance(error, CannotCall):
        return Refusal(400, message, "tools", "unsupported_parameter")
    if isinstance(error, (BadInput, BudgetError)):
        return Refusal(400, message, param, "invalid_value")
    if isinstance(error, (EngineDied, NotEnoughMemory)):
        return hidden(503, "engine_unavailable", "a model's engine has ended", request)
    if isinstance(error, (EngineError, ModelError)):
        return hidden(502, "engine_failed", "a model's engine failed at this request", request)
    return hidden(500, "search_failed", "the search failed", request)


def hidden(status: int, code: str, what: str, request: str) -> Refusal:
    """Return the answer to an error that the caller cannot mend; the reason, with its paths, is in the log alone."""
    return Refusal(status, f"{what}; the server's log has the reason under {request}.", code=code, headers=NO_RETRY)


def shutting_down() -> Refusal:
    message = "the server is shutting down: send the request to another one, or later."
    return Refusal(503, message, code="shutting_down", headers={**NO_RETRY, "connection": "close"})
