"""Addresses of servers, and the patience of their client: retries, time limits, concurrency."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any
from urllib.parse import urlsplit

from tts.errors import BadInput

_PLACE = re.compile(r"([\w.-]+|\[[0-9a-fA-F:.]+\])(:\d*)?")  # host and port that all URL parsers read alike
_OPENAI = "https://api.openai.com/v1"


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server is: ``base`` holds the OpenAI routes (it ends in ``/v1``, as a rule), ``root`` all others."""

    base: str
    root: str

    @classmethod
    def parse(cls, url: str) -> Address:
        """Read ``http://host:port/v1``. Raises BadInput with one sentence."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise BadInput(f"{url!r} is no address ({error}): write http://host:port/v1#model-name.") from error
        if "@" in parts.netloc or parts.query:
            raise BadInput("an address shows up in logs and must hold no key: put the key into TTS_API_KEY instead.")
        name = parts.hostname or ""
        if parts.scheme.lower() not in ("http", "https") or not name or not _PLACE.fullmatch(parts.netloc):
            raise BadInput(f"{url!r} names no server: write http://host:port/v1#model-name.")
        host = f"[{name}]" if ":" in name else name
        place = f"{parts.scheme.lower()}://{host}{f':{port}' if port else ''}"
        path = parts.path.rstrip("/")
        return cls(f"{place}{path or '/v1'}", place + path.removesuffix("/v1"))

    @property
    def origin(self) -> tuple[str, str | None, int]:
        """Return scheme, host and port: where the key is sent."""
        parts = urlsplit(self.base)
        return parts.scheme, parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)

    @property
    def local(self) -> bool:
        return urlsplit(self.base).hostname in ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How a server is treated.

    Attributes:
        timeout: seconds that a whole answer may take; a long solution takes its time.
        connect_timeout: seconds to wait for a connection.
        retries: further tries after a failure that may pass.
        backoff: seconds before the first of them; each wait is twice the last, shortened by chance to 50-100 %.
        concurrency: most requests under way.
        api_key_env: environment variable with the API key; by default TTS_API_KEY, and for OpenAI's own address (or
            that in OPENAI_BASE_URL) else OPENAI_API_KEY.
    """

    timeout: float = 600.0
    connect_timeout: float = 10.0
    retries: int = 4
    backoff: float = 0.5
    concurrency: int = 64
    api_key_env: str = ""

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Patience:
        """Parse options as typed. Raises BadInput for an unknown option or an invalid number."""
        known: dict[str, Callable[[Any], Any]] = {"retries": int, "concurrency": int, "api_key_env": str}
        known = {field.name: known.get(field.name, float) for field in fields(cls)}
        if unknown := sorted(set(options) - set(known)):
            raise BadInput(f"a remote model has no option {unknown[0]!r}: known are {', '.join(known)}.")
        values: dict[str, Any] = {}
        for name, value in options.items():
            try:
                values[name] = known[name](value)
            except (TypeError, ValueError) as error:
                raise BadInput(f"{name} must be a number, not {value!r}.") from error
        patience = cls(**values)
        least = {"timeout": 0.001, "connect_timeout": 0.001, "retries": 0, "backoff": 0, "concurrency": 1}
        for name, bound in least.items():
            if not getattr(patience, name) >= bound:
                raise BadInput(f"{name} must be {bound:g} or more, not {getattr(patience, name)!r}.")
        return patience

    def key(self, address: Address) -> str:
        """Return the API key for a server, or empty.

        Raises BadInput if the named variable is not set, or its value cannot be a key.
        """
        if self.api_key_env and not os.environ.get(self.api_key_env):
            raise BadInput(f"the environment variable {self.api_key_env} is not set: put the API key there.")
        name = next(filter(os.environ.get, [self.api_key_env] if self.api_key_env else _variables(address)), "")
        key = os.environ.get(name, "").strip()
        if not key.isascii() or not key.isprintable():
            raise BadInput(f"the API key in {name} holds characters that no key has: set it again.")
        return key


def _variables(address: Address) -> list[str]:
    """List the environment variables with a key for a server; OpenAI's key is for OpenAI only."""
    try:
        theirs = Address.parse(os.environ.get("OPENAI_BASE_URL") or _OPENAI)
    except BadInput:
        return ["TTS_API_KEY"]
    return ["TTS_API_KEY", *["OPENAI_API_KEY"] * (theirs.origin == address.origin)]
