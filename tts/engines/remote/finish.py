"""Finish reasons: why an answer ended, from the server's report and the text it sent."""

from __future__ import annotations

from tts.engines.remote.reply import short
from tts.types import Finish

_ENDED = ("stop", "eos", "eos_token")  # servers' names of an end that is not a limit
_CUT = ("length", "max_tokens", "max_length", "max_output_tokens", "model_length", "content_filter")
_LAST = tuple(".!?)]}>$\"'`*|\u2019\u201d\u3002\uff01\uff1f")  # last characters of a complete text


def finish_of(reason: object, text: str, count: int, most: int) -> tuple[Finish, str]:
    """Return how an answer ended, and a sentence for the user if the server does not report it, else nothing.

    Args:
        reason: the server's ``finish_reason``, None if missing.
        text: the answer.
        count: its tokens.
        most: the tokens that were asked for.
    """
    name = reason.lower() if isinstance(reason, str) else reason
    if name in _CUT:
        return Finish.LENGTH, ""
    if name in _ENDED:
        return (Finish.LENGTH if count >= most and _torn(text) else Finish.STOP), ""
    if count >= most:
        return Finish.LENGTH, ""
    says = "does not say why an answer ended" if reason is None else f"says {short(str(reason))!r} of an answer's end"
    return Finish.STOP, f"The server {says}, so answers below the token limit count as finished ones."


def _torn(text: str) -> bool:
    """Return whether a text breaks off within a sentence or a formula."""
    return not text.rstrip().endswith(_LAST)
