"""The two forms of an answer that OpenAI defines: chat completions and completions, whole and in chunks."""

from __future__ import annotations

import secrets
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

from tts.server.answers import CalledTool, Row, Text
from tts.server.logprobs import Token, of_chat, of_completion


class Form(ABC):
    """An answer in one of the forms.

    Args:
        model: the name under which the client asked.
        alternatives: likeliest tokens shown with each token of the answer; None shows no log-probabilities.
    """

    prefix: ClassVar[str]
    whole: ClassVar[str]
    part: ClassVar[str]

    def __init__(self, model: str, alternatives: int | None = None) -> None:
        self._alternatives = alternatives
        self.id = f"{self.prefix}-{secrets.token_hex(12)}"
        self.model, self.created = model, int(time.time())

    def answer(self, texts: Sequence[Text], usage: Row, searches: Row) -> Row:
        """Return the whole answer."""
        choices = [self._choice(index, self._whole(text), text.finish, _all(text)) for index, text in enumerate(texts)]
        return self._envelope(self.whole, choices) | {"usage": usage, "tts": searches}

    def chunk(self, index: int, delta: Row, finish: str | None = None, tokens: Sequence[Token] | None = None) -> Row:
        """Return a part of a streamed answer; ``tokens`` are those of its text."""
        return self._envelope(self.part, [self._choice(index, delta, finish, tokens)])

    def bare(self, **fields: Any) -> Row:
        """Return a part of a streamed answer that belongs to no choice: the usage, or events."""
        return self._envelope(self.part, []) | fields

    @abstractmethod
    def opening(self) -> Row | None:
        """Return the delta that begins a choice, if there is one."""

    @abstractmethod
    def thought(self, text: str) -> Row | None:
        """Return a delta of the reasoning, if the form has a place for it."""

    @abstractmethod
    def content(self, text: str) -> Row:
        """Return a delta of the text."""

    @abstractmethod
    def calls(self, calls: Sequence[CalledTool]) -> Row | None:
        """Return a delta of calls of the client's tools, if the form has a place for them."""

    @abstractmethod
    def nothing(self) -> Row:
        """Return the delta of a choice's last chunk."""

    @abstractmethod
    def _whole(self, text: Text) -> Row: ...

    @abstractmethod
    def _logprobs(self, tokens: Sequence[Token], count: int) -> Row: ...

    def _choice(self, index: int, content: Row, finish: str | None, tokens: Sequence[Token] | None) -> Row:
        shown = None if tokens is None or self._alternatives is None else self._logprobs(tokens, self._alternatives)
        return {"index": index, **content, "logprobs": shown, "finish_reason": finish}

    def _envelope(self, kind: str, choices: list[Row]) -> Row:
        return {"id": self.id, "object": kind, "created": self.created, "model": self.model, "choices": choices}


def _all(text: Text) -> Sequence[Token] | None:
    return None if text.tokens is None else [token for part in text.tokens for token in part]


def _call(call: CalledTool) -> Row:
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}


class Chat(Form):
    """``/v1/chat/completions``. Reasoning has two names, since clients differ in the one that they read."""

    prefix, whole, part = "chatcmpl", "chat.completion", "chat.completion.chunk"

    def opening(self) -> Row:
        return {"delta": {"role": "assistant", "content": ""}}

    def thought(self, text: str) -> Row:
        return {"delta": {"reasoning": text, "reasoning_content": text}}

    def content(self, text: str) -> Row:
        return {"delta": {"content": text}}

    def nothing(self) -> Row:
        return {"delta": {}}

    def calls(self, calls: Sequence[CalledTool]) -> Row:
        return {"delta": {"tool_calls": [{"index": k, **row} for k, row in enumerate(map(_call, calls))]}}

    def _whole(self, text: Text) -> Row:
        called = {"tool_calls": list(map(_call, text.calls))} if text.calls else {}
        content = text.whole or (None if called else "")
        return {"message": {"role": "assistant", "content": content, "refusal": None, **called}}

    def _logprobs(self, tokens: Sequence[Token], count: int) -> Row:
        return of_chat(tokens, count)


class Completion(Form):
    """``/v1/completions``."""

    prefix, whole, part = "cmpl", "text_completion", "text_completion"

    def opening(self) -> None:
        return None

    def thought(self, text: str) -> None:
        return None

    def content(self, text: str) -> Row:
        return {"text": text}

    def calls(self, calls: Sequence[CalledTool]) -> None:
        return None

    def nothing(self) -> Row:
        return {"text": ""}

    def _whole(self, text: Text) -> Row:
        return {"text": text.whole}

    def _logprobs(self, tokens: Sequence[Token], count: int) -> Row:
        return of_completion(tokens, count)
