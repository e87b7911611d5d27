"""Metrics in Prometheus' form. Labels are names of this server's own, so that no client makes new ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from tts.protocols import Model
from tts.server.facts import Facts
from tts.server.spending import spending

_SECONDS = (0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000)


class CacheHits(Collector):
    """Tokens that engines found in their caches of prefixes, as the models count them."""

    def __init__(self, models: Callable[[], Iterable[Model]]) -> None:
        self._models = models

    def collect(self) -> Iterator[CounterMetricFamily]:
        family = CounterMetricFamily(
            "tts_cache_hit_tokens", "Tokens that were in the cache of prefixes.", labels=["model"]
        )
        for model in self._models():
            family.add_metric([model.name], model.cache_hits)
        yield family


class Metrics:
    """The counters of one server.

    Args:
        models: returns those that run here.
        inside: returns the number of requests that are being answered.
        most: its limit.
    """

    def __init__(self, models: Callable[[], Iterable[Model]], inside: Callable[[], int], most: int) -> None:
        self.registry = registry = CollectorRegistry(auto_describe=True)
        of = ["model", "strategy"]
        now = Gauge("tts_requests_in_progress", "Requests that are being answered.", registry=registry)
        now.set_function(inside)
        limit = Gauge("tts_requests_in_progress_limit", "Requests answered at once at most.", registry=registry)
        limit.set(most)
        self._requests = Counter(
            "tts_requests", "Requests, by route, status and error.", ["path", "status", "code", *of], registry=registry
        )
        self._tokens = Counter("tts_tokens", "Tokens, read or sampled.", ["kind", *of], registry=registry)
        self._flops = Counter("tts_flops", "Floating-point operations.", of, registry=registry)
        self._first = Histogram(
            "tts_time_to_first_token_seconds", "To the first token of a streamed answer.", of, buckets=_SECONDS,
            registry=registry,
        )  # fmt: skip
        self._latency = Histogram(
            "tts_request_seconds", "To the end of the answer.", of, buckets=_SECONDS, registry=registry
        )
        registry.register(CacheHits(models))

    def count(self, facts: Facts) -> None:
        """Count a request that has ended."""
        of = facts.policy, facts.strategy
        self._requests.labels(facts.path, str(facts.status), facts.code, *of).inc()
        if not facts.strategy:
            return
        self._latency.labels(*of).observe(facts.seconds)
        if facts.first is not None:
            self._first.labels(*of).observe(facts.first)
        for solution in facts.solutions:
            for model, spent in spending(solution).items():
                for kind, tokens in (("read", spent.read), ("sampled", spent.sampled)):
                    if tokens:
                        self._tokens.labels(kind, model, facts.strategy).inc(tokens)
                if spent.flops:
                    self._flops.labels(model, facts.strategy).inc(spent.flops)

    def page(self) -> bytes:
        """Return all of them as text."""
        page: bytes = generate_latest(self.registry)
        return page
