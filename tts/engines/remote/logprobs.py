"""Log-probabilities in a server's answers: the forms of completions, of chat, and of llama.cpp."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from tts.engines.remote.reply import Json, Reply, whole
from tts.types import TokenLogprobs

ALTERNATIVES = 20
"""The most alternatives that servers give."""

LEAST = -1e4
"""The log-probability of a token that a server calls impossible."""

_FEW = 5  # what servers with a lower limit allow


def asked(count: int, *, chat: bool = False) -> Json:
    """Return the part of a request that asks for ``count`` alternatives."""
    if not count:
        return {}
    return {"logprobs": True, "top_logprobs": count} if chat else {"logprobs": count}


def fewer(reply: Reply, body: Json) -> int | None:
    """Lower in ``body`` what a refused request asks of log-probabilities, and return the new count; else None."""
    name = "top_logprobs" if "top_logprobs" in body else "logprobs"
    if reply.status not in (400, 422) or name not in body or "logprob" not in reply.message.lower():
        return None
    if body[name] > _FEW:
        body[name] = _FEW
        return _FEW
    body.pop("top_logprobs", None)
    del body["logprobs"]
    return 0


def of_choice(choice: Json) -> tuple[TokenLogprobs, ...]:
    """Return the log-probabilities of an answer's tokens; empty where it has none, or not of every token."""
    given = choice.get("logprobs")
    if not isinstance(given, dict):
        return ()
    content = given.get("content")
    found = [_of_entry(entry) for entry in content] if isinstance(content, list) else _of_lists(given)
    return tuple(each for each in found if each is not None) if None not in found else ()


def _of_lists(given: Json) -> list[TokenLogprobs | None]:
    """Read parallel lists, the form of raw completions."""
    sampled, tops = given.get("token_logprobs"), given.get("top_logprobs")
    if not isinstance(sampled, list):
        return []
    tops, texts = _of_length(tops, len(sampled)), _of_length(given.get("tokens"), len(sampled))
    return [
        _token(own, top.items() if isinstance(top, dict) else (), text)
        for own, top, text in zip(sampled, tops, texts, strict=True)
    ]


def _of_length(given: Any, count: int) -> list[Any]:
    """Return a list that has one entry a token, else one of nothing."""
    return given if isinstance(given, list) and len(given) == count else [None] * count


def _of_entry(entry: Any) -> TokenLogprobs | None:
    """Read one object a token, the form of chat."""
    if not isinstance(entry, dict):
        return None
    top = entry.get("top_logprobs")
    pairs = [(each.get("token"), each.get("logprob")) for each in top if isinstance(each, dict)] if (
        isinstance(top, list)) else []  # fmt: skip
    return _token(entry.get("logprob"), pairs, entry.get("token"))


def _token(sampled: Any, pairs: Iterable[tuple[Any, Any]], text: Any) -> TokenLogprobs | None:
    own = _number(sampled)
    if own is None:
        return None
    known = [(whole(text), value) for text, given in pairs if isinstance(text, str)
             and (value := _number(given)) is not None]  # fmt: skip
    said = whole(text) if isinstance(text, str) else ""
    return TokenLogprobs(own, tuple(sorted(known, key=lambda pair: -pair[1])), text=said)


def _number(value: Any) -> float | None:
    """Return a log-probability; None for what is none. Minus infinity becomes :data:`LEAST`."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or math.isnan(value) or value > 1e-3:
        return None
    return max(min(float(value), 0.0), LEAST)
