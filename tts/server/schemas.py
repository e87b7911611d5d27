"""Requests as OpenAI defines them, with one object of ours, ``tts``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

_WHOLE = 2**63 - 1

Count = Annotated[int, Field(ge=1, le=2**31 - 1)]
Name = Annotated[str, Field(min_length=1, max_length=200)]
Amount = Annotated[float, Field(gt=0, le=1e30, allow_inf_nan=False)]
Scalar = bool | Annotated[int, Field(ge=-_WHOLE, le=_WHOLE)] | Annotated[float, Field(allow_inf_nan=False)] | Name
Alternatives = Annotated[int, Field(ge=0, le=20)]
Stop = Annotated[str, Field(min_length=1)]
FunctionName = Annotated[str, Field(pattern=r"^[a-zA-Z0-9_.-]{1,64}$")]


class _Schema(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class TextPart(_Schema):
    type: Literal["text"]
    text: str


class Called(_Schema):
    name: FunctionName
    arguments: str


class ToolCall(_Schema):
    id: Name
    type: Literal["function"] = "function"
    function: Called


class Message(_Schema):
    """One message. The assistant's ``reasoning`` is taken back as clients send it, and no model reads it."""

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[TextPart] | None = None
    reasoning: str | None = None
    reasoning_content: str | None = None
    name: Name | None = None
    tool_calls: list[ToolCall] = []
    tool_call_id: Name | None = None

    @property
    def text(self) -> str:
        content = self.content or ""
        return content if isinstance(content, str) else "".join(part.text for part in content)


class Function(_Schema):
    """A function of the client. Calls whose arguments do not fit ``parameters`` do not vote, so each is strict."""

    name: FunctionName
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None

    @property
    def definition(self) -> dict[str, Any]:
        """Return it in the form of chat templates."""
        schema = self.parameters or {"type": "object", "properties": {}}
        shown = {"name": self.name, "description": self.description or "", "parameters": schema}
        return {"type": "function", "function": shown}


class Tool(_Schema):
    type: Literal["function"]
    function: Function


class FlatTool(Function):
    """A tool in the form of ``/v1/responses``."""

    type: Literal["function"]


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


class SearchRequest(_Schema):
    """What every request says: the model, the sampling, and the search's own settings."""

    model: Name
    temperature: Annotated[float, Field(ge=0, le=2, allow_inf_nan=False)] | None = None
    top_p: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)] | None = None
    seed: Annotated[int, Field(ge=-_WHOLE, le=_WHOLE)] | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    tts: Extras | None = None

    @property
    def extras(self) -> Extras:
        return self.tts or _NOTHING

    @property
    def functions(self) -> Sequence[Function]:
        """Return the client's functions, which the answer may call."""
        return ()

    @property
    def choices(self) -> int:
        """Return the number of independent searches for each problem."""
        return 1

    @property
    def stops(self) -> Sequence[str]:
        """Return the texts before which the answer ends."""
        return ()

    @property
    def most_in_solution(self) -> int | None:
        """Return the limit of the tokens of each solution; None without one."""
        return None

    @property
    def most_sampled(self) -> int | None:
        """Return the limit of all tokens that are sampled for an answer; None without one."""
        return self.extras.max_tokens

    @property
    def alternatives(self) -> int | None:
        """Return the number of likeliest tokens to be shown with each token of the answer; None for no such list."""
        return None

    @property
    def logprobs_field(self) -> str:
        """Return the name of the field that asks for log-probabilities."""
        return "logprobs"


class ChoicesRequest(SearchRequest):
    """A request for an answer in choices."""

    n: Annotated[int, Field(ge=1, le=128)] | None = None
    max_tokens: Count | None = None
    stop: Stop | Annotated[list[Stop], Field(max_length=4)] | None = None

    @property
    def choices(self) -> int:
        return self.n or 1

    @property
    def stops(self) -> Sequence[str]:
        return [self.stop] if isinstance(self.stop, str) else self.stop or ()

    @property
    def most_in_solution(self) -> int | None:
        return self.max_tokens

    @property
    def with_usage(self) -> bool:
        return bool(self.stream_options and self.stream_options.include_usage)


class ChatRequest(ChoicesRequest):
    messages: Annotated[list[Message], Field(min_length=1)]
    max_completion_tokens: Count | None = None
    logprobs: bool | None = None
    top_logprobs: Alternatives | None = None
    tools: Annotated[list[Tool], Field(max_length=128)] = []

    @property
    def functions(self) -> Sequence[Function]:
        return [tool.function for tool in self.tools]

    @property
    def most_sampled(self) -> int | None:
        return min(filter(None, (self.extras.max_tokens, self.max_completion_tokens)), default=None)

    @property
    def alternatives(self) -> int | None:
        return (self.top_logprobs or 0) if self.logprobs else None


class CompletionRequest(ChoicesRequest):
    prompt: str | Annotated[list[str], Field(min_length=1, max_length=128)]
    logprobs: Alternatives | None = None

    @property
    def alternatives(self) -> int | None:
        return self.logprobs

    @property
    def prompts(self) -> Sequence[str]:
        return [self.prompt] if isinstance(self.prompt, str) else self.prompt


class InputPart(_Schema):
    """A text of an item; what the assistant's own texts have beside it is taken back and not read."""

    type: Literal["input_text", "output_text", "text"]
    text: str
    annotations: list[Any] | None = None
    logprobs: list[Any] | None = None


class InputMessage(_Schema):
    """A message of the input; ``id`` and the like are taken back as clients send them."""

    type: Literal["message"] = "message"
    role: Literal["system", "developer", "user", "assistant"]
    content: str | list[InputPart]
    id: str | None = None
    status: str | None = None
    phase: str | None = None

    @property
    def message(self) -> Message:
        whole = self.content if isinstance(self.content, str) else "".join(part.text for part in self.content)
        return Message(role=self.role, content=whole)


class InputReasoning(_Schema):
    """Reasoning of an earlier answer: taken back as clients send it, and no model reads it."""

    type: Literal["reasoning"]
    id: str | None = None
    summary: list[Any] | None = None
    content: list[Any] | None = None
    encrypted_content: str | None = None
    status: str | None = None


class InputCall(_Schema):
    """A call of an earlier answer."""

    type: Literal["function_call"]
    call_id: Name
    name: FunctionName
    arguments: str
    id: str | None = None
    status: str | None = None

    @property
    def message(self) -> Message:
        call = ToolCall(id=self.call_id, function=Called(name=self.name, arguments=self.arguments))
        return Message(role="assistant", tool_calls=[call])


class InputResult(_Schema):
    """The result of a call."""

    type: Literal["function_call_output"]
    call_id: Name
    output: str | list[InputPart]
    id: str | None = None
    status: str | None = None

    @property
    def message(self) -> Message:
        whole = self.output if isinstance(self.output, str) else "".join(part.text for part in self.output)
        return Message(role="tool", content=whole, tool_call_id=self.call_id)


ITEMS = ("message", "reasoning", "function_call", "function_call_output")
"""Types of the items that are taken."""


def _kind(item: Any) -> str:
    """Return the type of an item; a message need not name its own."""
    kind = item.get("type") if isinstance(item, dict) else None
    return kind if kind in ITEMS else "message"


Item = Annotated[
    Annotated[InputMessage, Tag("message")]
    | Annotated[InputReasoning, Tag("reasoning")]
    | Annotated[InputCall, Tag("function_call")]
    | Annotated[InputResult, Tag("function_call_output")],
    Discriminator(_kind),
]


class ResponsesRequest(SearchRequest):
    input: str | Annotated[list[Item], Field(min_length=1)]
    instructions: str | None = None
    max_output_tokens: Count | None = None
    top_logprobs: Alternatives | None = None
    include: list[Literal["message.output_text.logprobs", "reasoning.encrypted_content"]] = []
    tools: Annotated[list[FlatTool], Field(max_length=128)] = []

    @property
    def functions(self) -> Sequence[Function]:
        return self.tools

    @property
    def most_sampled(self) -> int | None:
        return min(filter(None, (self.extras.max_tokens, self.max_output_tokens)), default=None)

    @property
    def alternatives(self) -> int | None:
        asked = "message.output_text.logprobs" in self.include or self.top_logprobs
        return self.top_logprobs or 0 if asked else None

    @property
    def logprobs_field(self) -> str:
        return "top_logprobs" if self.top_logprobs else "include"

    @property
    def conversation(self) -> list[tuple[str, Message]]:
        """Return the messages, each with its place in the request."""
        items = self.input if not isinstance(self.input, str) else [InputMessage(role="user", content=self.input)]
        first = [("instructions", Message(role="system", content=self.instructions))] if self.instructions else []
        named = (("input" if isinstance(self.input, str) else f"input[{k}]", item) for k, item in enumerate(items))
        return first + [(place, item.message) for place, item in named if not isinstance(item, InputReasoning)]


_NOTHING = Extras()
