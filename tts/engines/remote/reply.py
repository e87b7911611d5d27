"""Parsing of a server's answers without trusting them.

A body may be cut, huge, nested without end, of another type than asked for, or hold half a character. Each of these
ends in a value of the type that the caller needs or in one sentence.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tts.errors import BadInput
from tts.files import json_text

Json = dict[str, Any]

WORDS = 300
"""Most characters of a server's own words in a sentence."""

_IDS = 1 << 31  # no vocabulary is as large
_HALVES = re.compile("[\ud800-\udfff]")
_ESCAPED_HALF = re.compile(rb"\\u[dD][89a-fA-F]")

# What servers call a failure where they give no status, and the status that it would have had.
_NAMED = (
    (re.compile(r"auth|api.?key|permission"), 401),
    (re.compile(r"not.?found"), 404),
    (re.compile(r"rate.?limit|quota|overload"), 429),
    (re.compile(r"invalid|bad.?request|context.?length|validation"), 400),
)


@dataclass(frozen=True, slots=True)
class Reply:
    """What a server answered: its status, the JSON object it sent, and for a refusal its own words."""

    status: int
    data: Json
    message: str = ""

    @property
    def ok(self) -> bool:
        return self.status == 200

    @property
    def absent(self) -> bool:
        """Return whether the server lacks the route."""
        return self.status in (404, 405, 501)


@dataclass(frozen=True, slots=True)
class Failure:
    """An error that came in the body of an answer or in an event of a stream, as the status it should have had."""

    status: int
    message: str


def read(body: bytes, *, mend: bool = True) -> Json | None:
    """Parse a body; None where it is no JSON object. ``mend`` replaces each half of a surrogate pair by ``\\ufffd``."""
    try:
        parsed = json_text.parse(body.decode("utf-8-sig", "replace"), finite=False)
    except BadInput:
        return None
    if not isinstance(parsed, dict):
        return None
    data: Json = _mended(parsed) if mend and _ESCAPED_HALF.search(body) else parsed
    return data


def whole(text: str) -> str:
    """Join the halves of surrogate pairs that came one after the other; a half that stays alone becomes ``\\ufffd``."""
    if _HALVES.search(text) is None:
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def first_choice(data: Json) -> Json | None:
    """Return the first choice of an answer, None where it has none."""
    choices = data.get("choices")
    found = choices[0] if isinstance(choices, list) and choices else None
    return found if isinstance(found, dict) else None


def text_of(content: Any) -> str | None:
    """Return the text of a message's content: a text, or a list of parts. None where it is neither."""
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return None
    parts = [part.get("text", "") if isinstance(part, dict) else part for part in content]
    return "".join(part for part in parts if isinstance(part, str))


def ids_of(tokens: Any) -> list[int] | None:
    """Return a list of token ids as JSON has it, None for what is none."""
    if isinstance(tokens, list) and all(type(token) is int and 0 <= token < _IDS for token in tokens):
        return tokens
    return None


def count_of(value: Any) -> int | None:
    """Return a count as JSON has it, None for what is none: a truth value, a negative or a broken number, a text."""
    return value if type(value) is int and value >= 0 else None


def failure_in(data: Json) -> Failure | None:
    """Return the error that an answer holds in place of what was asked for, or next to it."""
    error = data.get("error")
    if not error and data.get("object") == "error":
        error = data
    if not error and (choice := first_choice(data)) is not None:
        reason = choice.get("finish_reason")
        error = choice.get("error") or (reason in ("error", "abort") and {"message": f"it ended with {reason}"})
    if not error:
        return None
    fields = error if isinstance(error, dict) else {}
    status = _status(fields, data)
    message = words(error)
    return Failure(status or 500, message) if status or message else None


def refusal(content: bytes) -> str:
    """Return the server's own words of an answer with another status than 200."""
    data = read(content)
    if data is not None:
        return words(data)
    text = content.decode(errors="replace")
    return "" if "<" in text[:100] else short(text)


def words(value: Any) -> str:
    """Return a server's own words, out of the forms in which servers put them."""
    for _ in range(4):
        if not isinstance(value, dict):
            break
        named = (value[key] for key in ("error", "detail", "message", "code", "type") if value.get(key))
        value = next(named, value if any(value.values()) else None)
    if isinstance(value, str):
        return short(value)
    return short(json_text.dump(value)) if value else ""


def short(text: str) -> str:
    """Return foreign words on one short line that no terminal obeys."""
    line = re.sub(r"\s+", " ", whole(text[: 4 * WORDS])).strip()
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in line)[:WORDS].rstrip(". ")


def _status(*places: Mapping[str, Any]) -> int | None:
    for place in places:
        for key in ("code", "status", "status_code", "http_code"):
            value = place.get(key)
            if isinstance(value, str) and re.fullmatch(r"[45]\d\d", value):
                return int(value)
            if type(value) is int and 400 <= value < 600:
                return value
    names = " ".join(str(place.get(key) or "") for place in places for key in ("type", "code"))
    return next((status for pattern, status in _NAMED if pattern.search(names[:WORDS].lower())), None)


def _mended(value: Any) -> Any:
    """Repair broken characters in a value. The reader bounds its depth."""
    if isinstance(value, str):
        return whole(value)
    if isinstance(value, dict):
        return {whole(key): _mended(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_mended(each) for each in value]
    return value
