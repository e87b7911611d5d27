"""A JSON schema as servers take it."""

from __future__ import annotations

import re

from tts.engines.remote.reply import Json, Reply
from tts.files.json_text import parse

_NAMES = ("response_format", "json_schema", "tool_choice")
_REFUSED = re.compile(r"response_format|schema|grammar|structured|guided|regex|tool_choice", re.IGNORECASE)


def held(schema: str, *, native: bool) -> Json:
    """Return the part of a request that holds the answer to a schema; ``native`` for raw completions of llama.cpp."""
    if not schema:
        return {}
    if native:
        return {"json_schema": parse(schema)}
    return {"response_format": {"type": "json_schema", "json_schema": {"name": "answer", "schema": parse(schema)}}}


def without(reply: Reply, body: Json) -> bool:
    """Take the schema, or the demand of a call, out of a request that was refused for it; return whether it was."""
    if reply.status not in (400, 422) or not any(name in body for name in _NAMES) or not _REFUSED.search(reply.message):
        return False
    for name in _NAMES:
        body.pop(name, None)
    return True
