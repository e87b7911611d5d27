"""An answer in the form of ``/v1/responses``, whole and as the events of a stream."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping, Sequence

from tts.files.json_text import dump
from tts.server.answers import CalledTool, Row, Text, search_row, text_of, usage_of
from tts.server.flow import News
from tts.server.logprobs import Token, of_response
from tts.server.progress import Progress
from tts.server.refusals import Refusal
from tts.server.responses_request import ResponsesRequest
from tts.server.stream import Told
from tts.server.wishes import Wish
from tts.types import Solution


class ResponseForm:
    """One response: the message with the answer, behind the reasoning where a stream showed one.

    Args:
        request: what was asked.
    """

    def __init__(self, request: ResponsesRequest) -> None:
        self._request = request
        name = secrets.token_hex(12)
        self.id, self.message_id, self.reasoning_id = f"resp_{name}", f"msg_{name}", f"rs_{name}"
        self._created = int(time.time())

    def answer(self, texts: Sequence[Text], usage: Row, searches: Row) -> Row:
        """Return the whole answer; a request of this form has one text."""
        [text] = texts
        return self.ended(self.output(text), text.finish, usage, searches)

    def output(self, text: Text) -> list[Row]:
        """Return the items of an answer: its message, if it says anything, and its calls."""
        return [self.message(text)] * (bool(text.parts) or not text.calls) + list(map(self.call, text.calls))

    def call(self, call: CalledTool, begun: bool = False) -> Row:
        """Return a call of a tool, or its beginning."""
        arguments, status = ("", "in_progress") if begun else (call.arguments, "completed")
        return {
            "id": call.id.replace("call_", "fc_"), "type": "function_call", "call_id": call.id, "name": call.name,
            "arguments": arguments, "status": status,
        }  # fmt: skip

    def ended(self, output: Sequence[Row], finish: str, usage: Row, search: Row) -> Row:
        """Return the response when its search has ended."""
        cut = finish == "length"
        return self.begun("incomplete" if cut else "completed") | {
            "output": list(output),
            "incomplete_details": {"reason": "max_output_tokens"} if cut else None,
            "usage": _usage(usage),
            "tts": search,
        }

    def begun(self, status: str = "in_progress") -> Row:
        """Return the response without an answer."""
        asked = self._request
        return {
            "id": self.id, "object": "response", "created_at": self._created, "status": status, "background": False,
            "error": None, "incomplete_details": None, "instructions": asked.instructions,
            "max_output_tokens": asked.max_output_tokens, "metadata": {}, "model": asked.model, "output": [],
            "parallel_tool_calls": asked.most_calls is None, "previous_response_id": None,
            "reasoning": {"effort": None, "summary": None},
            "store": False, "temperature": asked.temperature, "text": self._text(),
            "tool_choice": "auto",
            "tools": [{"type": "function", **tool.definition["function"]} for tool in asked.tools],
            "top_logprobs": asked.top_logprobs or 0, "top_p": asked.top_p,
            "truncation": "disabled", "usage": None,
        }  # fmt: skip

    def _text(self) -> Row:
        text = self._request.text
        return {"format": text.format.model_dump(by_alias=True) if text and text.format else {"type": "text"}}

    def message(self, text: Text | None = None) -> Row:
        """Return the message with the answer, or its beginning without one."""
        status = "in_progress" if text is None else "incomplete" if text.finish == "length" else "completed"
        content = [] if text is None else [self.part(text.whole, [t for own in text.tokens or () for t in own])]
        return {
            "id": self.message_id, "type": "message", "role": "assistant", "status": status, "content": content,
        }  # fmt: skip

    def part(self, text: str, tokens: Sequence[Token] = ()) -> Row:
        """Return a text of the message."""
        return {"type": "output_text", "text": text, "annotations": [], "logprobs": self.logprobs(tokens)}

    def logprobs(self, tokens: Sequence[Token]) -> list[Row]:
        """Return the log-probabilities of tokens; none where they were not asked for."""
        asked = self._request.alternatives
        return [] if asked is None else of_response(tokens, asked)

    def reasoning(self, text: str, status: str) -> Row:
        """Return the item with what the search did."""
        summary = [{"type": "summary_text", "text": text}] if text else []
        return {"id": self.reasoning_id, "type": "reasoning", "status": status, "summary": summary}


class ResponseEvents(Told):
    """The events of a streamed response; progress is the summary of a reasoning item.

    Args:
        form: the response.
        request: what was asked.
        wish: its search.
        kept: keeps a finished search; returns the id of its trace.
    """

    def __init__(
        self, form: ResponseForm, request: ResponsesRequest, wish: Wish, kept: Callable[[Solution], str | None]
    ) -> None:
        self._form, self._request, self._kept = form, request, kept
        [job] = wish.jobs
        self._progress = Progress(job.solver.plan, time.monotonic, job.problem.tools)
        self._thoughts = ""
        self._found: Solution | None = None
        self._count = 0

    @property
    def id(self) -> str:
        return self._form.id

    @property
    def solutions(self) -> Sequence[Solution]:
        return [] if self._found is None else [self._found]

    def opening(self) -> bytes:
        begun = self._form.begun()
        return self._event("response.created", response=begun) + self._event("response.in_progress", response=begun)

    def told(self, news: News) -> bytes:
        if isinstance(news.what, Solution):
            self._found = news.what
            return self._answer(news.what)
        assert isinstance(news.what, dict)
        sentence, small = self._progress.take(news.what)
        data = self._thought(sentence) if sentence else b""
        if small is not None and self._request.extras.events:
            data += self._event("response.tts_events", events=[small])
        return data

    def closing(self) -> bytes:
        return b""

    def failed(self, refusal: Refusal) -> bytes:
        error = refusal.body["error"]
        named = {"code": refusal.code, "message": refusal.message, "param": refusal.param}
        return self._event("error", **named, error=error)

    def _thought(self, sentence: str) -> bytes:
        at, data = {"item_id": self._form.reasoning_id, "output_index": 0, "summary_index": 0}, b""
        if not self._thoughts:
            item = self._form.reasoning("", "in_progress")
            data += self._event("response.output_item.added", output_index=0, item=item)
            data += self._event("response.reasoning_summary_part.added", **at, part=_summary(""))
        self._thoughts += sentence
        return data + self._event("response.reasoning_summary_text.delta", **at, delta=sentence)

    def _thoughts_end(self) -> bytes:
        at = {"item_id": self._form.reasoning_id, "output_index": 0, "summary_index": 0}
        item = self._form.reasoning(self._thoughts, "completed")
        return (
            self._event("response.reasoning_summary_text.done", **at, text=self._thoughts)
            + self._event("response.reasoning_summary_part.done", **at, part=_summary(self._thoughts))
            + self._event("response.output_item.done", output_index=0, item=item)
        )

    def _answer(self, solution: Solution) -> bytes:
        form, text = self._form, text_of(solution, self._request.stops, self._request.most_calls)
        before = [form.reasoning(self._thoughts, "completed")] if self._thoughts else []
        data, output = self._thoughts_end() if before else b"", [*before, *form.output(text)]
        if len(output) - len(before) > len(text.calls):
            data += self._message(text, len(before))
        for index, call in enumerate(text.calls, len(output) - len(text.calls)):
            data += self._call(call, index)
        search = search_row(solution, self._kept(solution), self._request.extras.candidates)
        ended = form.ended(output, text.finish, usage_of([solution]), search)
        return data + self._event(f"response.{ended['status']}", response=ended)

    def _message(self, text: Text, index: int) -> bytes:
        form = self._form
        at = {"item_id": form.message_id, "output_index": index, "content_index": 0}
        data = self._event("response.output_item.added", output_index=index, item=form.message())
        data += self._event("response.content_part.added", **at, part=form.part(""))
        tokens: Sequence[Sequence[Token]] = text.tokens or [()] * len(text.parts)
        for part, own in zip(text.parts, tokens, strict=True):
            data += self._event("response.output_text.delta", **at, delta=part, logprobs=form.logprobs(own))
        message = form.message(text)
        [whole] = message["content"]
        data += self._event("response.output_text.done", **at, text=whole["text"], logprobs=whole["logprobs"])
        data += self._event("response.content_part.done", **at, part=whole)
        return data + self._event("response.output_item.done", output_index=index, item=message)

    def _call(self, call: CalledTool, index: int) -> bytes:
        item = self._form.call(call)
        at = {"item_id": item["id"], "output_index": index}
        data = self._event("response.output_item.added", output_index=index, item=self._form.call(call, begun=True))
        data += self._event("response.function_call_arguments.delta", **at, delta=call.arguments)
        data += self._event("response.function_call_arguments.done", **at, name=call.name, arguments=call.arguments)
        return data + self._event("response.output_item.done", output_index=index, item=item)

    def _event(self, kind: str, **fields: object) -> bytes:
        """Write a server-sent event with its name and its number."""
        value = {"type": kind, "sequence_number": self._count, **fields}
        self._count += 1
        return f"event: {kind}\ndata: {dump(value, compact=True)}\n\n".encode()


def _summary(text: str) -> Row:
    return {"type": "summary_text", "text": text}


def _usage(usage: Mapping[str, Row | int]) -> Row:
    return {
        "input_tokens": usage["prompt_tokens"], "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": usage["completion_tokens"], "output_tokens_details": usage["completion_tokens_details"],
        "total_tokens": usage["total_tokens"],
    }  # fmt: skip
