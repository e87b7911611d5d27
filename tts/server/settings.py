"""What the operator of a server sets."""

from __future__ import annotations

from dataclasses import dataclass

from tts.errors import BadInput


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Limits and habits of a server.

    Attributes:
        key: what clients must send as ``Authorization: Bearer KEY``; empty for none.
        hosts: names by which clients may call the server; empty for all. A page of another site that a browser has
            open could else reach a server of this machine under a name of its own (DNS rebinding).
        max_budget: limit of N of a request, all its choices together.
        max_queue: limit of requests that are being answered; more are sent away with 503.
        max_body: bytes of a request.
        max_messages: messages of a request.
        keep_traces: number of finished searches that are kept for their permalinks.
        trace_bytes: about the memory that these may take.
        keep_alive: seconds between two signs of life in a stream.
        patience: seconds that a client may take to send its request, or to take a part of the answer.
        log_texts: whether problems and answers are logged.
    """

    key: str = ""
    hosts: frozenset[str] = frozenset()
    max_budget: int = 256
    max_queue: int = 256
    max_body: int = 1 << 20
    max_messages: int = 256
    keep_traces: int = 256
    trace_bytes: int = 64 << 20
    keep_alive: float = 10.0
    patience: float = 60.0
    log_texts: bool = False

    def __post_init__(self) -> None:
        for name in ("max_budget", "max_queue", "max_body", "max_messages"):
            if getattr(self, name) < 1:
                raise BadInput(f"{name} must be a whole number, 1 or more, not {getattr(self, name)}.")
        if self.keep_traces < 0:
            raise BadInput(f"keep_traces must be a whole number, 0 or more, not {self.keep_traces}.")
