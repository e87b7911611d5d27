"""Log-probabilities of an answer's tokens in the forms of OpenAI: chat completions, completions and responses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from tts.types import TokenLogprobs

Row = dict[str, Any]

_GAP = 4  # characters that tokens of their own do not show: a space that a tokenizer joins, a character of several


class Token(NamedTuple):
    """A token of an answer: its text, where it begins in the answer, and its log-probabilities."""

    text: str
    at: int
    known: TokenLogprobs


def by_part(known: Sequence[TokenLogprobs], parts: Sequence[str]) -> list[tuple[Token, ...]]:
    """Return the tokens of each part of an answer, those that begin in it. A token behind the answer is left out.

    Together the texts of the tokens are the answer: characters that no token shows by itself belong to the next one.
    """
    whole = "".join(parts)
    ends = [sum(map(len, parts[: k + 1])) for k in range(len(parts))]
    found: list[list[Token]] = [[] for _ in parts]
    at = part = 0
    for each in known:
        if at >= len(whole):
            break
        while at >= ends[part]:
            part += 1
        place = whole.find(each.text, at, at + len(each.text) + _GAP) if each.text else -1
        end = at if place < 0 else place + len(each.text)
        found[part].append(Token(whole[at:end], at, each))
        at = end
    return [tuple(tokens) for tokens in found]


def of_chat(tokens: Sequence[Token], count: int) -> Row:
    """Return ``logprobs`` of a choice of chat completions, with ``count`` alternatives at each token."""
    return {"content": of_response(tokens, count), "refusal": None}


def of_response(tokens: Sequence[Token], count: int) -> list[Row]:
    """Return ``logprobs`` of a text of a response, with ``count`` alternatives at each token."""
    return [_entry(token.text, token.known.sampled) | {"top_logprobs": _top(token, count)} for token in tokens]


def of_completion(tokens: Sequence[Token], count: int) -> Row:
    """Return ``logprobs`` of a choice of completions, with ``count`` alternatives at each token."""
    return {
        "tokens": [token.text for token in tokens],
        "token_logprobs": [token.known.sampled for token in tokens],
        "top_logprobs": [dict(token.known.top[:count]) for token in tokens] if count else None,
        "text_offset": [token.at for token in tokens],
    }


def _top(token: Token, count: int) -> list[Row]:
    return [_entry(text, value) for text, value in token.known.top[:count]]


def _entry(text: str, value: float) -> Row:
    return {"token": text, "logprob": value, "bytes": list(text.encode("utf-8", "replace"))}
