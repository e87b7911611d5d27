"""Reads requests. What cannot be honoured is refused by its name."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from typing import Any, TypeVar

from pydantic import ValidationError

from tts.errors import BadInput
from tts.files import json_text
from tts.server.refusals import Refusal
from tts.server.responses_request import ITEMS
from tts.server.schemas import ChatRequest, SearchRequest

R = TypeVar("R", bound=SearchRequest)

_ZERO: tuple[Any, ...] = (0, 0.0)
_SUMMARIES = ("auto", "concise", "detailed")  # of the reasoning; a stream has one in any case
_UNBOUND = "solutions are not bound to a grammar; ask for the form in the message"
_NEUTRAL: dict[str, tuple[tuple[Any, ...], str]] = {
    "frequency_penalty": (_ZERO, "samples are drawn from the model's own distribution"),
    "presence_penalty": (_ZERO, "samples are drawn from the model's own distribution"),
    "logit_bias": (({},), "samples are drawn from the model's own distribution"),
    "response_format": (({"type": "text"},), "solutions are not bound to a grammar; ask for the form in the message"),
    "text": (
        ({"format": {"type": "text"}}, {}),
        "solutions are not bound to a grammar; ask for the form in the message",
    ),
    "tools": (([],), "raw completions call no functions"),
    "tool_choice": (("none", "auto"), "raw completions call no functions"),
    "functions": (([],), "they are called tools now"),
    "function_call": (("none", "auto"), "it is called tool_choice now"),
    "modalities": ((["text"],), "answers are text"),
    "audio": ((), "answers are text"),
    "prediction": ((), "no strategy here starts from a prediction"),
    "web_search_options": ((), "no strategy here searches the web"),
    "reasoning_effort": ((), "the effort is the budget: give tts.budget"),
    "reasoning": (({}, *({"summary": how} for how in _SUMMARIES)), "the effort is the budget: give tts.budget"),
    "previous_response_id": ((), "answers are not stored: send the whole conversation as input"),
    "conversation": ((), "answers are not stored: send the whole conversation as input"),
    "background": ((False,), "answers are not stored: ask for a stream, or wait"),
    "prompt": ((), "templates of prompts are not stored here"),
    "truncation": (("disabled",), "a conversation is not shortened"),
    "max_tool_calls": ((), "no tools are called here"),
    "verbosity": ((), "ask for the length in the message"),
    "store": ((False,), "nothing is stored but the traces of the last searches"),
    "service_tier": (("auto", "default"), "there is one tier"),
    "suffix": (("",), "text is not inserted before another"),
    "echo": ((False,), "the answer does not repeat the prompt"),
    "best_of": ((1,), "the search itself takes the best of many: give tts.budget"),
}
"""Fields that no search can honour: the values that ask for nothing, and the reason why others are refused."""

_FOR_THE_RECORD = ("user", "metadata", "safety_identifier", "prompt_cache_key")
"""Fields that ask for no change of the answer."""


def parse(kind: type[R], body: bytes, most_messages: int) -> R:
    """Read a request. Raises Refusal, with the name of what is wrong."""
    try:
        fields = json_text.parse(body, "the body")
    except BadInput as error:
        raise Refusal(400, str(error), code="invalid_json") from error
    if not isinstance(fields, dict):
        raise Refusal(400, "the body is not a JSON object.", code="invalid_json")
    for name in ("messages", "input"):
        if isinstance(fields.get(name), list):
            fields[name] = _messages(name, fields[name], most_messages)
    for k, tool in enumerate(fields["tools"] if isinstance(fields.get("tools"), list) else ()):
        of = tool.get("type") if isinstance(tool, dict) else None
        if isinstance(of, str) and of != "function":
            sentence = f"tools of type {of[:80]} are not taken here: only functions of the client."
            raise Refusal(400, sentence, f"tools[{k}].type", "unsupported_value")
    if kind is ChatRequest and fields.get("top_logprobs") and not fields.get("logprobs"):
        raise Refusal(400, "top_logprobs goes with `logprobs: true`.", "top_logprobs", "invalid_value")
    try:
        return kind.model_validate(_supported(fields, kind.model_fields))
    except ValidationError as error:
        raise _invalid(error, fields) from error


def _messages(name: str, messages: list[Any], most: int) -> list[Any]:
    """Return the messages without what they do not say. Raises Refusal for too many, and for what is no message."""
    if len(messages) > most:
        raise Refusal(
            400, f"a conversation has at most {most} messages here, not {len(messages)}.", name, "too_many_messages"
        )
    for k, message in enumerate(messages if name == "input" else ()):
        kind = message.get("type") if isinstance(message, dict) else None
        if isinstance(kind, str) and kind not in ITEMS:
            sentence = f"items of type {kind[:80]} are not taken here: send messages, calls and their results."
            raise Refusal(400, sentence, f"input[{k}].type", "unsupported_value")
    return [_plain(message) for message in messages]


def _plain(message: Any) -> Any:
    """Leave out what a message does not say: clients send back our answers with empty fields."""
    if not isinstance(message, dict):
        return message
    return {name: value for name, value in message.items() if value not in (None, [], {}) or name == "content"}


def _supported(fields: Mapping[str, Any], own: Container[str]) -> dict[str, Any]:
    """Return the fields that count, ``own`` among them. Raises Refusal for one that would have to be ignored."""
    kept = {}
    without_tools = fields.get("tool_choice") == "none"
    for name, value in fields.items():
        if value is None or name in _FOR_THE_RECORD or (name == "tools" and without_tools and isinstance(value, list)):
            continue
        if name in own or name not in _NEUTRAL:
            kept[name] = value
        elif not any(type(value) is type(neutral) and value == neutral for neutral in _NEUTRAL[name][0]):
            sentence = f"{name} cannot be honoured ({_NEUTRAL[name][1]}): leave it out."
            raise Refusal(400, sentence, name, "unsupported_parameter")
    return kept


def _invalid(error: ValidationError, fields: Mapping[str, Any]) -> Refusal:
    """Name the first thing that is wrong, where it is in the request."""
    found = error.errors(include_url=False, include_context=False)
    first = min(found, key=lambda each: each["type"] == "string_type")  # of alternatives to a text, the closer one
    kind, where = first["type"], _where(first["loc"], fields, missing=first["type"] == "missing")
    if kind == "missing":
        return Refusal(400, f"{where} is missing.", where, "missing_required_parameter")
    if kind == "extra_forbidden":
        return Refusal(400, f"{where} is not a field of this server's: leave it out.", where, "unknown_parameter")
    reason = str(first["msg"]).removeprefix("Input ")
    return Refusal(400, f"{where or 'the request'} {reason[:1].lower()}{reason[1:]}.", where, "invalid_value")


def _where(loc: Sequence[int | str], fields: Any, *, missing: bool) -> str:
    """Write a place as ``messages[0].content``, without the names of alternatives that pydantic puts into it."""
    text, here = "", fields
    for k, part in enumerate(loc):
        if isinstance(here, list) and isinstance(part, int) and part < len(here):
            text, here = f"{text}[{part}]", here[part]
        elif isinstance(here, dict) and part in here:
            text, here = f"{text}.{part}" if text else str(part), here[part]
        elif missing and k == len(loc) - 1:
            text = f"{text}.{part}" if text else str(part)
    return text[:200]
