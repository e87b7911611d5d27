"""Requests of ``/v1/responses``, and the items of their conversations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from tts.server.schemas import (
    Alternatives,
    Called,
    Count,
    Function,
    FunctionName,
    Message,
    Name,
    NamedSchema,
    ObjectFormat,
    Schema,
    SearchRequest,
    TextFormat,
    ToolCall,
    demand,
)


class InputPart(Schema):
    """A text of an item; what the assistant's own texts have beside it is taken back and not read."""

    type: Literal["input_text", "output_text", "text"]
    text: str
    annotations: list[Any] | None = None
    logprobs: list[Any] | None = None


class InputMessage(Schema):
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


class InputReasoning(Schema):
    """Reasoning of an earlier answer: taken back as clients send it, and no model reads it."""

    type: Literal["reasoning"]
    id: str | None = None
    summary: list[Any] | None = None
    content: list[Any] | None = None
    encrypted_content: str | None = None
    status: str | None = None


class InputCall(Schema):
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


class InputResult(Schema):
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


class FlatTool(Function):
    """A tool, without an object around its function."""

    type: Literal["function"]


class FlatChosenTool(Schema):
    """A demand to call one function, without an object around its name."""

    type: Literal["function"]
    name: FunctionName


class FlatSchemaFormat(NamedSchema):
    """A format of the answer, without an object around its schema."""

    type: Literal["json_schema"]


class TextSettings(Schema):
    format: Annotated[TextFormat | ObjectFormat | FlatSchemaFormat, Field(discriminator="type")] | None = None


class ResponsesRequest(SearchRequest):
    input: str | Annotated[list[Item], Field(min_length=1)]
    instructions: str | None = None
    max_output_tokens: Count | None = None
    top_logprobs: Alternatives | None = None
    include: list[Literal["message.output_text.logprobs", "reasoning.encrypted_content"]] = Field(default_factory=list)
    tools: list[FlatTool] = Field(default_factory=list, max_length=128)
    tool_choice: Literal["none", "auto", "required"] | FlatChosenTool | None = None
    text: TextSettings | None = None

    @property
    def demanded(self) -> str:
        return demand(self.tool_choice)

    @property
    def answer_schema(self) -> str:
        return self.text.format.answer_schema if self.text and self.text.format else ""

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
