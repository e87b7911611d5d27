"""The application: which route leads where."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from fastapi import FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp

from tts.server.facts import facts_of
from tts.server.guard import Guard
from tts.server.metrics import Metrics
from tts.server.observed import Observed
from tts.server.page import HEADERS, page
from tts.server.refusals import Refusal, json_response
from tts.server.service import Service


def app_of(service: Service) -> ASGIApp:
    """Return the application of a service."""
    settings = service.settings
    metrics = Metrics(lambda: service.catalogue.models, lambda: service.house.inside, settings.max_queue)
    app = FastAPI(title="tts-search", docs_url=None, redoc_url=None, openapi_url=None)
    looks = Looks(service, metrics)
    for path, handler in looks.routes.items():
        app.add_api_route(path, handler, methods=["GET"])
    app.add_api_route("/v1/chat/completions", service.chat, methods=["POST"])
    app.add_api_route("/v1/completions", service.complete, methods=["POST"])
    app.add_api_route("/v1/responses", service.respond, methods=["POST"])
    app.add_api_route("/v1/plan", service.plan, methods=["POST"])
    app.add_exception_handler(HTTPException, _no_route)
    return Observed(Guard(app, settings.key, settings.hosts), metrics, settings.log_texts, service.write)


class Looks:
    """What can be looked at without a search."""

    def __init__(self, service: Service, metrics: Metrics) -> None:
        self._service, self._measured = service, metrics
        self._usual = next(iter(service.catalogue.entries.values())).solver.budget.n
        self.routes: dict[str, Callable[..., Awaitable[Response]]] = {
            "/": self.page, "/t/{name}": self.page, "/health": self.health, "/metrics": self.metrics,
            "/v1/models": self.models, "/v1/models/{name:path}": self.model, "/v1/traces/{name}": self.trace,
        }  # fmt: skip

    async def page(self) -> Response:
        """Return the page; what it shows it then asks for itself."""
        return Response(page(self._usual, self._service.settings.max_budget), headers=HEADERS, media_type="text/html")

    async def health(self) -> Response:
        """Say whether requests can be answered: 200, or 503 for a balancer to go elsewhere."""
        if self._service.house.closing:
            return json_response({"status": "shutting down"}, 503)
        if not self._service.catalogue.alive:
            return json_response({"status": "a model has ended; the next request loads it again"}, 503)
        return json_response({"status": "ok"})

    async def metrics(self) -> Response:
        """Return the counters in Prometheus' form."""
        return Response(self._measured.page(), media_type="text/plain; version=0.0.4")

    async def models(self) -> Response:
        """List the model ids."""
        return json_response({"object": "list", "data": self._service.catalogue.rows()})

    async def model(self, request: Request, name: str) -> Response:
        """Return one model id."""
        try:
            entry = self._service.catalogue.find(name)
        except Refusal as refusal:
            return _refused(refusal, request)
        return json_response(entry.row(name, self._service.catalogue.created))

    async def trace(self, request: Request, name: str) -> Response:
        """Return a search that was kept."""
        found = self._service.traces.get(name)
        if found is None:
            sentence = "this search is not here any more: only the last ones are kept."
            return _refused(Refusal(404, sentence, code="trace_not_found"), request)
        return json_response(found)


async def _no_route(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    what = "takes another method" if error.status_code == 405 else "does not exist"
    sentence = f"the route {request.url.path[:80]} {what}: see /v1/models and /v1/chat/completions."
    return _refused(Refusal(error.status_code, sentence, code="no_route", headers=error.headers or {}), request)


def _refused(refusal: Refusal, request: Request) -> Response:
    facts_of(request.scope).refused(refusal)
    return refusal.response()
