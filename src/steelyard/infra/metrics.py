"""Prometheus metrics: requests by route template, jobs by kind, and the queue's depth.

Labels are templates and kinds, never ids or tenants, so the number of series is bounded.
"""

from __future__ import annotations

import time
from collections.abc import MutableMapping
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from steelyard.infra import jobs_store
from steelyard.infra.database import Database
from steelyard.infra.logs import App, Receive, Scope, Send

CONTENT_TYPE = CONTENT_TYPE_LATEST
REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_JOB_SECONDS = (0.01, 0.05, 0.1, 0.5, 1, 5, 15, 60, 300, 1800, 7200)
_QUEUED_MAX = 1_000_000

REQUESTS = Counter(
    "steelyard_http_requests_total", "Requests answered.", ["method", "route", "status"], registry=REGISTRY
)
LATENCY = Histogram(
    "steelyard_http_request_seconds",
    "Time to the end of the response.",
    ["method", "route"],
    buckets=_SECONDS,
    registry=REGISTRY,
)
IN_FLIGHT = Gauge("steelyard_http_requests_in_flight", "Requests being answered.", registry=REGISTRY)
JOBS_ENDED = Counter("steelyard_jobs_ended_total", "Jobs that ended here.", ["kind", "status"], registry=REGISTRY)
JOB_SECONDS = Histogram(
    "steelyard_job_seconds", "Time a handler took.", ["kind"], buckets=_JOB_SECONDS, registry=REGISTRY
)
JOBS_RUNNING = Gauge("steelyard_jobs_running", "Jobs that run in this process.", registry=REGISTRY)
JOBS_QUEUED = Gauge("steelyard_jobs_queued", "Jobs of all processes that wait.", registry=REGISTRY)

_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


async def metrics_body(database: Database) -> bytes:
    """What ``/metrics`` answers, with the depth of the queue as it is now."""
    async with database.reading() as session:
        JOBS_QUEUED.set(await jobs_store.count_queued(session, at_most=_QUEUED_MAX))
    return generate_latest(REGISTRY)


class MetricsMiddleware:
    """Counts and times each request."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, as ASGI says."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 500  # of a request whose application raised before it answered

        async def send_and_note(message: MutableMapping[str, Any]) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        started_s = time.perf_counter()
        IN_FLIGHT.inc()
        try:
            await self._app(scope, receive, send_and_note)
        finally:
            IN_FLIGHT.dec()
            method, route = _labels(scope)
            REQUESTS.labels(method, route, str(status)).inc()
            LATENCY.labels(method, route).observe(time.perf_counter() - started_s)


def _labels(scope: Scope) -> tuple[str, str]:
    # The router leaves the matched route in the scope; a path that matched none would make a series of its own.
    method = scope["method"] if scope["method"] in _METHODS else "OTHER"
    return method, getattr(scope.get("route"), "path", "unmatched")
