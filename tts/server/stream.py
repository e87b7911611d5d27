"""A streamed answer: server-sent events, with signs of life while a search runs and errors that clients see."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from typing import Protocol

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from tts.files.json_text import dump
from tts.server.answers import Row, search_row, text_of, usage_of
from tts.server.facts import Facts
from tts.server.flow import Flow, News
from tts.server.forms import Form
from tts.server.house import House, HungUp
from tts.server.logprobs import Token
from tts.server.progress import Progress
from tts.server.refusals import Refusal
from tts.server.schemas import ChoicesRequest
from tts.server.wishes import Wish
from tts.types import Solution

_HEADERS = {"cache-control": "no-cache", "x-accel-buffering": "no"}
_DONE = b"data: [DONE]\n\n"
_ALIVE = b": the search goes on\n\n"


def event(value: Row) -> bytes:
    """Write a server-sent event; JSON on one line."""
    return f"data: {dump(value, compact=True)}\n\n".encode()


class Told(Protocol):
    """What a stream sends of its searches, as server-sent events."""

    @property
    def id(self) -> str:
        """Return the id of the answer."""

    @property
    def solutions(self) -> Sequence[Solution]:
        """Return those that were found so far."""

    def opening(self) -> bytes:
        """Return what comes before all news; nothing if the form has no such thing."""

    def told(self, news: News) -> bytes:
        """Return the events for one piece of news that is not a failure; there may be none."""

    def closing(self) -> bytes:
        """Return what comes when every search has ended."""

    def failed(self, refusal: Refusal) -> bytes:
        """Return what comes last when a search failed."""


class Chunks(Told):
    """The chunks of chat completions and of completions.

    Args:
        form: which of the two.
        request: what was asked.
        wish: its searches.
        kept: keeps a finished search; returns the id of its trace.
    """

    def __init__(
        self,
        form: Form,
        request: ChoicesRequest,
        wish: Wish,
        kept: Callable[[Solution], str | None],
    ) -> None:
        self.form, self.request, self._kept = form, request, kept
        self._progress = [Progress(job.solver.plan, time.monotonic, job.problem.tools) for job in wish.jobs]
        self._solutions: dict[int, Solution] = {}

    @property
    def id(self) -> str:
        return self.form.id

    @property
    def solutions(self) -> Sequence[Solution]:
        return [self._solutions[index] for index in sorted(self._solutions)]

    def opening(self) -> bytes:
        delta = self.form.opening()
        return b"" if delta is None else _all(self._chunk(index, delta) for index in range(len(self._progress)))

    def told(self, news: News) -> bytes:
        return _all(self._news(news))

    def closing(self) -> bytes:
        usage = [self.form.bare(usage=usage_of(self.solutions))] if self.request.with_usage else []
        return _all(usage) + _DONE

    def failed(self, refusal: Refusal) -> bytes:
        return event(refusal.body) + _DONE

    def _news(self, news: News) -> list[Row]:
        index, what = news.choice, news.what
        if isinstance(what, Solution):
            return self._answer(index, what)
        assert isinstance(what, dict)
        sentence, small = self._progress[index].take(what)
        chunks = []
        if sentence and (delta := self.form.thought(sentence)) is not None:
            chunks.append(self._chunk(index, delta))
        if small is not None and self.request.extras.events:
            chunks.append(self._with_usage(self.form.bare(tts={"index": index, "events": [small]})))
        return chunks

    def _answer(self, index: int, solution: Solution) -> list[Row]:
        self._solutions[index] = solution
        text = text_of(solution, self.request.stops, self.request.most_calls)
        tokens: Sequence[Sequence[Token] | None] = text.tokens or [None] * len(text.parts)
        chunks = [
            self._chunk(index, self.form.content(part), tokens=own)
            for part, own in zip(text.parts, tokens, strict=True)
        ]
        if text.calls and (delta := self.form.calls(text.calls)) is not None:
            chunks.append(self._chunk(index, delta))
        last = self._chunk(index, self.form.nothing(), text.finish)
        last["tts"] = search_row(solution, self._kept(solution), self.request.extras.candidates)
        return [*chunks, last]

    def _chunk(self, index: int, delta: Row, finish: str | None = None, tokens: Sequence[Token] | None = None) -> Row:
        return self._with_usage(self.form.chunk(index, delta, finish, tokens))

    def _with_usage(self, chunk: Row) -> Row:
        return chunk | {"usage": None} if self.request.with_usage else chunk


def _all(chunks: Iterable[Row]) -> bytes:
    return b"".join(map(event, chunks))


class Stream(Response):
    """The response: it sends what happens, and ends the searches when the client is gone.

    Args:
        flow: the searches.
        told: what is sent of them.
        house: where the request is counted.
        facts: what is logged of it.
        failed: the answer to a failed search.
        keep_alive: seconds between two signs of life.
        patience: seconds that a client may take to read a part.
    """

    media_type = "text/event-stream"

    def __init__(
        self,
        flow: Flow,
        told: Told,
        house: House,
        facts: Facts,
        failed: Callable[[Exception], Refusal],
        *,
        keep_alive: float,
        patience: float,
    ) -> None:
        super().__init__(headers={**_HEADERS, "x-request-id": told.id})
        del self.headers["content-length"]
        self._flow, self._told, self._house, self._facts, self._failed = flow, told, house, facts, failed
        self._keep_alive, self._patience = keep_alive, patience

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._send(send, {"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            try:
                await self._house.run(self._write(send), receive)
            except Refusal as refusal:
                self._facts.refused(refusal)
                await self._body(send, self._told.failed(refusal))
            await self._body(send, b"", more=False)
        except (HungUp, TimeoutError, OSError):
            self._facts.code = "hung_up"
        finally:
            await self._flow.close()
            self._facts.solved(self._told.solutions)

    async def _write(self, send: Send) -> None:
        async for data in self._events():
            await self._body(send, data)

    async def _events(self) -> AsyncGenerator[bytes, None]:
        yield self._told.opening() or _ALIVE
        async for news in self._flow.news(self._keep_alive):
            if news is None:
                yield _ALIVE
            elif isinstance(news.what, Exception):
                raise self._failed(news.what) from news.what
            elif data := self._told.told(news):
                if isinstance(news.what, Solution):
                    self._facts.first_token()
                yield data
        yield self._told.closing()

    async def _body(self, send: Send, data: bytes, *, more: bool = True) -> None:
        await self._send(send, {"type": "http.response.body", "body": data, "more_body": more})

    async def _send(self, send: Send, message: dict[str, object]) -> None:
        """Send a part. Raises TimeoutError where the client does not read."""
        async with asyncio.timeout(self._patience):
            await send(message)
