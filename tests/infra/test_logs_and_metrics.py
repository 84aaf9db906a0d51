"""Logs and metrics: every line has its request's ids and no secret; series are bounded."""

import io
import json
import logging
import re
import sys

import httpx
import pytest
import structlog
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st

from steelyard.infra.database import Database
from steelyard.infra.keys import DEVELOPMENT_KEY
from steelyard.infra.logs import RequestIdsMiddleware, configure_logs, mask_secrets, request_ids
from steelyard.infra.metrics import REGISTRY, MetricsMiddleware, metrics_body
from steelyard.infra.settings import Settings

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def lines(monkeypatch):
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    written = io.StringIO()
    monkeypatch.setattr(sys, "stderr", written)
    configure_logs(Settings(log_format="json"))
    yield lambda: [json.loads(line) for line in written.getvalue().splitlines()]
    structlog.reset_defaults()
    root.handlers = handlers
    root.setLevel(level)


@pytest.fixture
async def client(lines):
    app = FastAPI()
    app.add_middleware(MetricsMiddleware)
    app.add_middleware(RequestIdsMiddleware)

    @app.get("/things/{thing}")
    async def thing(thing: str) -> str:
        structlog.get_logger("test").info("asked", thing=thing)
        logging.getLogger("library").warning("also %s", thing)
        if thing == "broken":
            raise ZeroDivisionError
        return thing

    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


async def test_every_line_of_a_request_has_its_ids_and_the_response_too(client, lines):
    response = await client.get("/things/a", headers={"X-Correlation-Id": "mine-1", "traceparent": TRACE})
    logged = [line for line in lines() if line["logger"] in ("test", "library")]
    assert [line["event"] for line in logged] == ["asked", "also a"]
    for line in logged:
        assert (line["correlation_id"], line["trace_id"]) == ("mine-1", "0af7651916cd43dd8448eb211c80319c")
        assert {"level", "timestamp"} <= set(line)
    assert response.headers["x-correlation-id"] == "mine-1"
    assert response.headers["x-trace-id"] == "0af7651916cd43dd8448eb211c80319c"


@given(st.text(max_size=200), st.text(max_size=80))
def test_a_malformed_id_counts_as_absent(correlation_id, trace_parent):
    ids = request_ids(correlation_id, trace_parent)
    assert re.fullmatch(r"[A-Za-z0-9._:\-]{1,128}", ids.correlation_id)
    assert re.fullmatch(r"[0-9a-f]{32}", ids.trace_id)


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        TRACE.upper(),
        TRACE + "-1",
        "ff" + TRACE[2:],
        TRACE.replace("b7ad6b7169203331", "0" * 16),
        "00-" + "0" * 32 + TRACE[35:],
    ],
)
def test_an_invalid_trace_parent_begins_a_trace_of_ours(wrong):
    assert request_ids(None, wrong).trace_id not in wrong.lower()


@pytest.mark.parametrize(
    "secret",
    [
        "sy_" + "a1B2-_" * 7,
        "whsec_c2VjcmV0",
        DEVELOPMENT_KEY,
        "Bearer abc.def",
        "eyJhbGciOi.eyJzdWIi.c2ln",
        "u:hunter2",
    ],
)
def test_no_secret_is_logged_wherever_it_stands(secret, lines):
    log = structlog.get_logger("test")
    log.info(f"saw postgresql://{secret}@db/x", nested={"list": [f"postgresql://{secret}@h"]})
    log.info("named", api_key="plain", jwt_secret="plain", nested={"password": "plain"})
    try:
        raise ValueError(f"at postgresql://{secret}@host")
    except ValueError:
        log.exception("failed")
    logged = json.dumps(lines())
    assert "failed" in logged
    assert secret not in logged
    assert "plain" not in logged


def test_masking_leaves_everything_else_as_it_is():
    event = {"event": "swept", "key_id": "key_1", "n": 1.5, "ok": None, "url": "https://a.example/b:c@d"}
    assert mask_secrets(None, "info", dict(event)) == event


async def test_requests_are_counted_by_template_and_unmatched_ones_together(client):
    def count(route: str, status: str) -> float:
        labels = {"method": "GET", "route": route, "status": status}
        return REGISTRY.get_sample_value("steelyard_http_requests_total", labels) or 0

    before = [count("/things/{thing}", "200"), count("unmatched", "404"), count("/things/{thing}", "500")]
    for path in ("/things/a", "/things/b", "/nowhere", "/else", "/things/broken"):
        await client.get(path)
    after = [count("/things/{thing}", "200"), count("unmatched", "404"), count("/things/{thing}", "500")]
    assert [b - a for a, b in zip(before, after, strict=True)] == [2, 2, 1]
    assert REGISTRY.get_sample_value("steelyard_http_requests_in_flight") == 0


async def test_the_metrics_show_the_depth_of_the_queue(database: Database):
    body = (await metrics_body(database)).decode()
    assert "steelyard_jobs_queued 0.0" in body
    assert 'steelyard_http_request_seconds_bucket{le="0.001"' in body or "steelyard_http_request_seconds" in body
