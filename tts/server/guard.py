"""Who may ask: the key, and the names under which the server may be called."""

from __future__ import annotations

import hashlib
import hmac
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from tts.server.facts import facts_of
from tts.server.refusals import Refusal

_OPEN = ("/", "/health")
"""Routes without secrets: the page, which then asks for the key itself, and a sign of life."""


class Guard:
    """Middleware: refuses requests without the key, or under a name that is not the server's.

    Args:
        app: what answers.
        key: what clients must send; empty for none.
        hosts: names of the server; empty for any.
    """

    def __init__(self, app: ASGIApp, key: str, hosts: frozenset[str]) -> None:
        self._app, self._hosts = app, hosts
        self._digest = _digest(key) if key else b""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return  # there are no web sockets here
        refusal = self._refusal(Headers(scope=scope), scope["path"])
        if refusal is None:
            await self._app(scope, receive, send)
            return
        facts_of(scope).refused(refusal)
        await refusal.response()(scope, receive, send)

    def _refusal(self, headers: Headers, path: str) -> Refusal | None:
        if self._hosts and any(_name(host) not in self._hosts for host in headers.getlist("host")):
            message = "this server is not called so: use its own name, or start it with --allow-host NAME."
            return Refusal(421, message, code="unknown_host")
        if not self._digest or path in _OPEN or path.startswith("/t/"):
            return None
        given = headers.getlist("authorization")
        kind, _, key = given[0].partition(" ") if len(given) == 1 else ("", "", "")
        if kind.lower() == "bearer" and hmac.compare_digest(_digest(key.strip()), self._digest):
            return None
        message = "the API key is missing or wrong: send it as `Authorization: Bearer KEY`."
        return Refusal(401, message, code="invalid_api_key", headers={"www-authenticate": "Bearer"})


def _digest(key: str) -> bytes:
    """Hash a key, so that keys of any length are compared in the same time."""
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()


def _name(host: str) -> str:
    """Return the name in a Host header, without the port."""
    try:
        return (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:
        return ""
