"""What Prometheus is told. A registry for each app; with several workers, one answer for all of them."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
#: Where the workers of one server count together (files that they map); prometheus_client reads it when it is imported.
SHARED = "PROMETHEUS_MULTIPROC_DIR"
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Metrics:
    """Counters of one app, or of all workers of a server."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        self._requests = Counter(
            "hippomem_requests", "Requests answered.", ["route", "method", "status"], registry=registry
        )
        self._seconds = Histogram(
            "hippomem_request_seconds",
            "Time until a request was answered.",
            ["route", "method"],
            buckets=_SECONDS,
            registry=registry,
        )
        self._running = Gauge(
            "hippomem_requests_running", "Requests not yet answered.", registry=registry, multiprocess_mode="livesum"
        )
        self.added = Counter("hippomem_memories_added", "Memories added.", registry=registry)
        self.duplicates = Counter(
            "hippomem_duplicates", "Texts handed in that were remembered already.", registry=registry
        )
        self.forgotten = Counter("hippomem_memories_forgotten", "Memories forgotten on request.", registry=registry)
        self.expired = Counter(
            "hippomem_memories_expired", "Memories forgotten because their time was up.", registry=registry
        )
        self.searches = Counter(
            "hippomem_searches", "Queries answered, those of recall and answer too.", registry=registry
        )

    def exposition(self, sizes: Mapping[str, tuple[int, int]], size_in_bytes: int, *, named: Iterable[str]) -> bytes:
        """The text of ``/metrics``. sizes: namespace → (memories, passages).    named: namespaces that may be named."""
        registry = self._registry
        if SHARED in os.environ:
            registry = CollectorRegistry()
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        of_store = CollectorRegistry()
        of_store.register(_Sizes(sizes, size_in_bytes, frozenset(named)))
        return generate_latest(registry) + generate_latest(of_store)

    def count(self, route: str, method: str, status: int, seconds: float) -> None:
        """One request was answered."""
        self._requests.labels(route, method, str(status)).inc()
        self._seconds.labels(route, method).observe(seconds)

    @contextmanager
    def running(self) -> Iterator[None]:
        """While a request is being answered."""
        self._running.inc()
        try:
            yield
        finally:
            self._running.dec()


_METHODS = frozenset({"GET", "POST", "PATCH", "DELETE", "PUT", "HEAD", "OPTIONS"})


class Counting:
    """ASGI middleware: requests are counted by route, what other middleware answers too."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app, self.metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection of ASGI."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        status, start = 500, time.perf_counter()

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        with self.metrics.running():
            try:
                await self.app(scope, receive, sending)
            finally:
                # Paths that are no route, and methods that are none, would be a label for every typing error.
                route = getattr(scope.get("route"), "path", None) or "other"
                method = scope["method"] if scope["method"] in _METHODS else "other"
                self.metrics.count(route, method, status, time.perf_counter() - start)


class _Sizes(Collector):
    """The store's sizes at this moment."""

    def __init__(self, sizes: Mapping[str, tuple[int, int]], size_in_bytes: int, named: frozenset[str]) -> None:
        self._sizes, self._bytes, self._named = sizes, size_in_bytes, named

    def collect(self) -> Iterator[Metric]:
        """Totals without a label; besides, one line for each namespace that may be named."""
        for position, (name, words) in enumerate({"memories": "Memories", "passages": "Passages"}.items()):
            total = sum(counts[position] for counts in self._sizes.values())
            yield GaugeMetricFamily(f"hippomem_store_{name}", f"{words} stored, in all namespaces.", total)
            if self._named:
                family = GaugeMetricFamily(
                    f"hippomem_namespace_{name}", f"{words} stored, by namespace.", labels=["namespace"]
                )
                for namespace in sorted(self._named & self._sizes.keys()):
                    family.add_metric([namespace], self._sizes[namespace][position])
                yield family
        yield GaugeMetricFamily("hippomem_store_bytes", "Size of the store's file.", self._bytes)
