"""Requests as OpenAI defines them, with one object of ours, ``tts``. What cannot be honoured is refused by its name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tts.errors import BadInput
from tts.files import json_text
from tts.server.refusals import Refusal

_WHOLE = 2**63 - 1

Count = Annotated[int, Field(ge=1, le=2**31 - 1)]
Name = Annotated[str, Field(min_length=1, max_length=200)]
Amount = Annotated[float, Field(gt=0, le=1e30, allow_inf_nan=False)]
Scalar = bool | Annotated[int, Field(ge=-_WHOLE, le=_WHOLE)] | Annotated[float, Field(allow_inf_nan=False)] | Name
Alternatives = Annotated[int, Field(ge=0, le=20)]
Stop = Annotated[str, Field(min_length=1)]


class _Schema(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class TextPart(_Schema):
    type: Literal["text"]
    text: str


class Message(_Schema):
    """One message. The assistant's ``reasoning`` is taken back as clients send it, and no model reads it."""

    role: Literal["system", "developer", "user", "assistant"]
    content: str | list[TextPart]
    reasoning: str | None = None
    reasoning_content: str | None = None

    @property
    def text(self) -> str:
        return self.content if isinstance(self.content, str) else "".join(part.text for part in self.content)


class StreamOptions(_Schema):
    include_usage: bool | None = None
    include_obfuscation: Literal[False] | None = None


class Extras(_Schema):
    """The search's own settings, under ``tts``: ``extra_body={"tts": {"budget": 64}}`` in OpenAI's SDK.

    ``events`` adds the events of the trace to a stream; ``candidates`` adds every solution to the answer.
    """

    budget: Count | None = None
    strategy: Name | None = None
    vote: Name | None = None
    aggregate: Name | None = None
    extract: Name | None = None
    max_tokens: Count | None = None
    max_flops: Amount | None = None
    max_seconds: Amount | None = None
    max_cost: Amount | None = None
    parameters: Annotated[dict[Name, Scalar], Field(max_length=50)] = {}
    events: bool = False
    candidates: bool = False


class _Request(_Schema):
    model: Name
    n: Annotated[int, Field(ge=1, le=128)] | None = None
    temperature: Annotated[float, Field(ge=0, le=2, allow_inf_nan=False)] | None = None
    top_p: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)] | None = None
    max_tokens: Count | None = None
    seed: Annotated[int, Field(ge=-_WHOLE, le=_WHOLE)] | None = None
    stop: Stop | Annotated[list[Stop], Field(max_length=4)] | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    tts: Extras | None = None

    @property
    def choices(self) -> int:
        return self.n or 1

    @property
    def extras(self) -> Extras:
        return self.tts or _NOTHING

    @property
    def stops(self) -> Sequence[str]:
        return [self.stop] if isinstance(self.stop, str) else self.stop or ()

    @property
    def most_sampled(self) -> int | None:
        """Return the limit of all tokens that are sampled for an answer; None without one."""
        return self.extras.max_tokens

    @property
    def alternatives(self) -> int | None:
        """Return the number of likeliest tokens to be shown with each token of the answer; None for no such list."""
        return None

    @property
    def with_usage(self) -> bool:
        return bool(self.stream_options and self.stream_options.include_usage)


class ChatRequest(_Request):
    messages: Annotated[list[Message], Field(min_length=1)]
    max_completion_tokens: Count | None = None
    logprobs: bool | None = None
    top_logprobs: Alternatives | None = None

    @property
    def most_sampled(self) -> int | None:
        return min(filter(None, (self.extras.max_tokens, self.max_completion_tokens)), default=None)

    @property
    def alternatives(self) -> int | None:
        return (self.top_logprobs or 0) if self.logprobs else None


class CompletionRequest(_Request):
    prompt: str | Annotated[list[str], Field(min_length=1, max_length=128)]
    logprobs: Alternatives | None = None

    @property
    def alternatives(self) -> int | None:
        return self.logprobs

    @property
    def prompts(self) -> Sequence[str]:
        return [self.prompt] if isinstance(self.prompt, str) else self.prompt


_NOTHING = Extras()
R = TypeVar("R", ChatRequest, CompletionRequest)

_ZERO: tuple[Any, ...] = (0, 0.0)
_NEUTRAL: dict[str, tuple[tuple[Any, ...], str]] = {
    "frequency_penalty": (_ZERO, "samples are drawn from the model's own distribution"),
    "presence_penalty": (_ZERO, "samples are drawn from the model's own distribution"),
    "logit_bias": (({},), "samples are drawn from the model's own distribution"),
    "response_format": (({"type": "text"},), "solutions are not bound to a grammar; ask for the form in the message"),
    "tools": (([],), "no strategy here calls a client's functions"),
    "tool_choice": (("none", "auto"), "no strategy here calls a client's functions"),
    "functions": (([],), "no strategy here calls a client's functions"),
    "function_call": (("none", "auto"), "no strategy here calls a client's functions"),
    "modalities": ((["text"],), "answers are text"),
    "audio": ((), "answers are text"),
    "prediction": ((), "no strategy here starts from a prediction"),
    "web_search_options": ((), "no strategy here searches the web"),
    "reasoning_effort": ((), "the effort is the budget: give tts.budget"),
    "verbosity": ((), "ask for the length in the message"),
    "store": ((False,), "nothing is stored but the traces of the last searches"),
    "service_tier": (("auto", "default"), "there is one tier"),
    "suffix": (("",), "text is not inserted before another"),
    "echo": ((False,), "the answer does not repeat the prompt"),
    "best_of": ((1,), "the search itself takes the best of many: give tts.budget"),
}
"""Fields that no search can honour: the values that ask for nothing, and the reason why others are refused."""

_FOR_THE_RECORD = ("user", "metadata", "safety_identifier", "prompt_cache_key", "parallel_tool_calls")
"""Fields that ask for no change of the answer."""


def parse(kind: type[R], body: bytes, most_messages: int) -> R:
    """Read a request. Raises Refusal, with the name of what is wrong."""
    try:
        fields = json_text.parse(body, "the body")
    except BadInput as error:
        raise Refusal(400, str(error), code="invalid_json") from error
    if not isinstance(fields, dict):
        raise Refusal(400, "the body is not a JSON object.", code="invalid_json")
    messages = fields.get("messages")
    if isinstance(messages, list):
        if len(messages) > most_messages:
            sentence = f"a conversation has at most {most_messages} messages here, not {len(messages)}."
            raise Refusal(400, sentence, "messages", "too_many_messages")
        fields["messages"] = [_plain(message) for message in messages]
    if fields.get("top_logprobs") and not fields.get("logprobs"):
        raise Refusal(400, "top_logprobs goes with `logprobs: true`.", "top_logprobs", "invalid_value")
    try:
        return kind.model_validate(_supported(fields))
    except ValidationError as error:
        raise _invalid(error, fields) from error


def _plain(message: Any) -> Any:
    """Leave out what a message does not say: clients send back our answers with empty fields."""
    if not isinstance(message, dict):
        return message
    return {name: value for name, value in message.items() if value not in (None, [], {}) or name == "content"}


def _supported(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that count. Raises Refusal for one that would have to be ignored."""
    kept = {}
    without_tools = fields.get("tool_choice") == "none"
    for name, value in fields.items():
        if value is None or name in _FOR_THE_RECORD or (name == "tools" and without_tools and isinstance(value, list)):
            continue
        if name not in _NEUTRAL:
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
    for part in loc:
        if isinstance(here, list) and isinstance(part, int) and part < len(here):
            text, here = f"{text}[{part}]", here[part]
        elif isinstance(here, dict) and part in here:
            text, here = f"{text}.{part}" if text else str(part), here[part]
        elif missing and part == loc[-1]:
            text = f"{text}.{part}" if text else str(part)
    return text[:200]
