"""What a server reports about itself and its models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from tts.engines.remote.client import Server
from tts.engines.remote.reply import WORDS, Json, count_of

TRIAL_SECONDS = 60.0
"""Time limit in seconds of a request for one token, or about the server itself."""

_SOON = 30.0  # seconds in which a working server lists its models


@dataclass(frozen=True, slots=True)
class Dialect:
    """What a server was found to speak.

    Attributes:
        completions: raw completions; without them only whole solutions can be had, through chat.
        ids: it takes prompts as token ids and says which ids it sampled.
        tells_stop: it says which stop string ended an answer, or that none did.
        routes: whose routes to the tokenizer it has.
        chat_limit: what it calls the limit of tokens in chat.
        solutions: so many solutions are sampled for an answer, each up to the limit of tokens; the count is of all.
    """

    completions: bool = True
    ids: bool = False
    tells_stop: bool = False
    routes: Literal["vllm", "llama.cpp", ""] = ""
    chat_limit: str = "max_tokens"
    solutions: int = 1


async def unknown_model(server: Server, name: str) -> str:
    """Return the error message for a model that the server does not have."""
    base = server.address.base
    served = await listing(server)
    if not served:
        return f"{base} does not serve {name}: look up what it calls the model."
    return f"{base} does not serve {name}: it serves {listed(served)}."


async def listing(server: Server) -> dict[str, Json]:
    """Return what a server serves, by name; empty if it does not list it. Invalid names are ignored."""
    reply = await server.ask(f"{server.address.base}/models", retries=1, seconds=_SOON)
    entries = reply.data.get("data")
    if not isinstance(entries, list):
        return {}
    return {entry["id"]: entry for entry in entries if isinstance(entry, dict) and _named(entry.get("id"))}


def _named(name: object) -> bool:
    return isinstance(name, str) and 0 < len(name) <= WORDS and name.isprintable()


def searches(entry: Json) -> bool:
    """Return whether a model of a server's list is a search of `tts serve`: it gives whole solutions alone."""
    return isinstance(entry.get("tts"), dict)


def solutions(entry: Json) -> int:
    """Return the solutions that a search of `tts serve` samples for an answer; 1 if unknown."""
    return max(count_of(entry["tts"].get("budget")) or 1, 1)


def longest(entry: Json) -> int:
    """Return the token limit of a model according to the server; 0 if unknown."""
    return count_of(entry.get("max_model_len")) or 0


def listed(names: Sequence[str] | dict[str, Json], most: int = 8) -> str:
    names = list(names)
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
