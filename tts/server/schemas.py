"""Requests of chat and of completions as OpenAI defines them, with one object of ours, ``tts``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from tts.files.json_text import dump

_WHOLE = 2**63 - 1

Count = Annotated[int, Field(ge=1, le=2**31 - 1)]
Name = Annotated[str, Field(min_length=1, max_length=200)]
Amount = Annotated[float, Field(gt=0, le=1e30, allow_inf_nan=False)]
Scalar = bool | Annotated[int, Field(ge=-_WHOLE, le=_WHOLE)] | Annotated[float, Field(allow_inf_nan=False)] | Name
Alternatives = Annotated[int, Field(ge=0, le=20)]
Stop = Annotated[str, Field(min_length=1)]
FunctionName = Annotated[str, Field(pattern=r"^[a-zA-Z0-9_.-]{1,64}$")]


class Schema(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class TextPart(Schema):
    type: Literal["text"]
    text: str


class Called(Schema):
    name: FunctionName
    arguments: str


class ToolCall(Schema):
    id: Name
    type: Literal["function"] = "function"
    function: Called


class Message(Schema):
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


class Function(Schema):
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


class Tool(Schema):
    type: Literal["function"]
    function: Function


class StreamOptions(Schema):
    include_usage: bool | None = None
    include_obfuscation: Literal[False] | None = None


class ChosenFunction(Schema):
    name: FunctionName


class ChosenTool(Schema):
    """A demand to call one function."""

    type: Literal["function"]
    function: ChosenFunction

    @property
    def name(self) -> str:
        return self.function.name


class Format(Schema):
    """How an answer is written; base of the formats."""

    @property
    def answer_schema(self) -> str:
        """Return the JSON schema, as text, that the answer has to fit; empty for any answer."""
        return ""


class TextFormat(Format):
    type: Literal["text"]


class ObjectFormat(Format):
    type: Literal["json_object"]

    @property
    def answer_schema(self) -> str:
        return dump({"type": "object"})


class NamedSchema(Format):
    """A schema that the answer has to fit; only what fits is an answer, so each is strict."""

    name: FunctionName
    given: dict[str, Any] = Field(alias="schema")
    description: str | None = None
    strict: bool | None = None

    @property
    def answer_schema(self) -> str:
        return dump(self.given)


class SchemaFormat(Format):
    type: Literal["json_schema"]
    json_schema: NamedSchema

    @property
    def answer_schema(self) -> str:
        return self.json_schema.answer_schema


class Extras(Schema):
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


def demand(choice: Any) -> str:
    """Return what a ``tool_choice`` demands, see :attr:`SearchRequest.demanded`."""
    return "*" if choice == "required" else "" if choice in (None, "auto", "none") else str(choice.name)


class SearchRequest(Schema):
    """What every request says: the model, the sampling, and the search's own settings."""

    model: Name
    temperature: Annotated[float, Field(ge=0, le=2, allow_inf_nan=False)] | None = None
    top_p: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)] | None = None
    seed: Annotated[int, Field(ge=-_WHOLE, le=_WHOLE)] | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    parallel_tool_calls: bool | None = None
    tts: Extras | None = None

    @property
    def extras(self) -> Extras:
        return self.tts or _NOTHING

    @property
    def functions(self) -> Sequence[Function]:
        """Return the client's functions, which the answer may call."""
        return ()

    @property
    def demanded(self) -> str:
        """Return the function that the answer has to call, ``*`` for any of them; empty where it need not."""
        return ""

    @property
    def most_calls(self) -> int | None:
        """Return the number of calls that an answer may hold; None for any number."""
        return 1 if self.parallel_tool_calls is False else None

    @property
    def answer_schema(self) -> str:
        """Return the JSON schema, as text, that the answer has to fit; empty for any answer."""
        return ""

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
    tool_choice: Literal["none", "auto", "required"] | ChosenTool | None = None
    response_format: Annotated[TextFormat | ObjectFormat | SchemaFormat, Field(discriminator="type")] | None = None

    @property
    def answer_schema(self) -> str:
        return self.response_format.answer_schema if self.response_format else ""

    @property
    def functions(self) -> Sequence[Function]:
        return [tool.function for tool in self.tools]

    @property
    def demanded(self) -> str:
        return demand(self.tool_choice)

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


_NOTHING = Extras()
