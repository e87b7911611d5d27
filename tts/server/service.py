"""Answers requests: reads one, runs its searches, sends what they found."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar

from starlette.requests import Request
from starlette.responses import Response

from tts.aio import aside, together
from tts.errors import TTSError
from tts.files.json_text import dump
from tts.pool_solver import PoolSolver
from tts.server.answers import by_model, search_row, searches_row, text_of, usage_of
from tts.server.bodies import read_body
from tts.server.catalogue import Catalogue
from tts.server.facts import Facts, facts_of
from tts.server.flow import Flow
from tts.server.forms import Chat, Completion, Form
from tts.server.house import House, HungUp
from tts.server.log import to_stderr
from tts.server.parsing import parse
from tts.server.pooled import expectation
from tts.server.refusals import Refusal, hidden, json_response, refusal_of
from tts.server.responses import ResponseEvents, ResponseForm
from tts.server.responses_request import ResponsesRequest
from tts.server.schemas import ChatRequest, CompletionRequest, Extras, SearchRequest
from tts.server.settings import Settings
from tts.server.stream import Chunks, Stream, Told
from tts.server.traces import Traces
from tts.server.wishes import Wish, wish_of
from tts.types import Solution

_BEGIN = 5.0  # seconds in which a search that cannot begin says so by its status; a stream is opened after them
_HUNG_UP = 499  # nginx's status of a client that went away; nobody reads it

R = TypeVar("R", bound=SearchRequest)
F = TypeVar("F", Form, ResponseForm)


@dataclass(frozen=True, slots=True)
class Interface(Generic[R, F]):
    """One of OpenAI's interfaces: its requests, the form of an answer, and what a stream sends."""

    request: type[R]
    form: Callable[[R], F]
    told: Callable[[F, R, Wish, Callable[[Solution], str | None]], Told]


CHAT = Interface(ChatRequest, lambda asked: Chat(asked.model, asked.alternatives), Chunks)
COMPLETIONS = Interface(CompletionRequest, lambda asked: Completion(asked.model, asked.alternatives), Chunks)
RESPONSES = Interface(ResponsesRequest, ResponseForm, ResponseEvents)


class Service:
    """Answers requests with the searches of a catalogue.

    Args:
        catalogue: what is served.
        settings: of the operator.
        write: writes a line of the log.
    """

    def __init__(self, catalogue: Catalogue, settings: Settings, write: Callable[[str], None] = to_stderr) -> None:
        self.catalogue, self.settings, self.write = catalogue, settings, write
        self.house = House(settings.max_queue)
        self.traces = Traces(settings.keep_traces, settings.trace_bytes)
        self._reviving = asyncio.Lock()

    async def chat(self, request: Request) -> Response:
        """Answer ``/v1/chat/completions``."""
        return await self._served(request, CHAT)

    async def complete(self, request: Request) -> Response:
        """Answer ``/v1/completions``: the prompt is the problem, the text is the solution."""
        return await self._served(request, COMPLETIONS)

    async def respond(self, request: Request) -> Response:
        """Answer ``/v1/responses``."""
        return await self._served(request, RESPONSES)

    async def plan(self, request: Request) -> Response:
        """Answer ``/v1/plan``: what `tts plan` says of the problem of a chat request."""
        return await self._answered(request, ChatRequest, self._planned)

    async def _served(self, request: Request, interface: Interface[R, F]) -> Response:
        return await self._answered(request, interface.request, partial(self._searched, interface))

    async def _answered(
        self, request: Request, kind: type[R], answer: Callable[[Request, R, Facts], Awaitable[Response]]
    ) -> Response:
        facts = facts_of(request.scope)
        try:
            body = await read_body(request, self.settings.max_body, self.settings.patience)
            return await answer(request, parse(kind, body, self.settings.max_messages), facts)
        except HungUp:
            facts.code = "hung_up"
            return Response(status_code=_HUNG_UP)
        except Exception as error:
            refusal = self._refusal(error, facts)
            facts.refused(refusal)
            return refusal.response()

    async def _searched(self, interface: Interface[R, F], request: Request, asked: R, facts: Facts) -> Response:
        form = interface.form(asked)
        with ExitStack() as place:
            place.enter_context(self.house.admitted())
            await self._revived()
            wish = wish_of(asked, self.catalogue, self.settings.max_budget)
            facts.wished(wish, form.id, bool(asked.stream))
            if asked.stream:
                told = interface.told(form, asked, wish, self.traces.keep)
                return await self._streamed(request, told, wish, facts, place.pop_all())
            solutions = await self.house.run(_solved(wish), request.receive)
            facts.solved(solutions)
            rows = [search_row(found, self.traces.keep(found), asked.extras.candidates) for found in solutions]
            texts = [text_of(found, asked.stops, asked.most_calls) for found in solutions]
            answer = form.answer(texts, usage_of(solutions), searches_row(rows))
            return json_response(answer, headers={"x-request-id": form.id})

    async def _streamed(self, request: Request, told: Told, wish: Wish, facts: Facts, place: ExitStack) -> Response:
        flow = Flow(wish.jobs, place)
        try:
            failure = await self.house.run(flow.begun(_BEGIN), request.receive)
            if failure is not None:
                raise failure
        except BaseException:
            await flow.close()
            raise
        settings = self.settings
        return Stream(
            flow, told, self.house, facts, lambda error: self._refusal(error, facts),
            keep_alive=settings.keep_alive, patience=settings.patience,
        )  # fmt: skip

    async def _planned(self, request: Request, asked: ChatRequest, facts: Facts) -> Response:
        """Look at a problem as the strategy auto does, and return what it would do."""
        with self.house.admitted():
            await self._revived()
            entry = self.catalogue.chooser(self.catalogue.find(asked.model))
            pooled = isinstance(entry.solver, PoolSolver)
            look = {} if pooled else {"look": True}
            extras = Extras(**{**asked.extras.model_dump(), "strategy": None, "parameters": look})
            looking = asked.model_copy(update={"model": entry.id, "tts": extras, "n": None})
            wish = wish_of(looking, self.catalogue, self.settings.max_budget)
            facts.wished(wish, "", False)
            if pooled:
                return json_response(await self.house.run(expectation(wish.jobs[0]), request.receive))
            [solution] = await self.house.run(_solved(wish), request.receive)
            facts.solved([solution])
            *_, decision = solution.trace.of("plan")
            return json_response({**decision, "object": "plan", "usage": by_model(solution)})

    async def _revived(self) -> None:
        """Load models again that have ended; requests wait for them together."""
        if not self.catalogue.alive:
            async with self._reviving:
                await aside(self.catalogue.revive)

    def _refusal(self, error: Exception, facts: Facts) -> Refusal:
        """Return the answer to a failure. Why a request failed without a fault of its own is logged."""
        if isinstance(error, Refusal):
            return error
        name = facts.id or facts.path
        if isinstance(error, TTSError):
            refusal, why = refusal_of(error, request=name), str(error)
        else:
            refusal = hidden(500, "internal_error", "the server failed at this request", name)
            why = "".join(traceback.format_exception(error))
        if refusal.status >= 500:
            self.write(dump({"id": name, "error": why}, compact=True))
        return refusal


async def _solved(wish: Wish) -> list[Solution]:
    if len(wish.jobs) == 1:
        return [await wish.jobs[0].solver.solve(wish.jobs[0].problem)]
    return await together(job.solver.solve(job.problem) for job in wish.jobs)
