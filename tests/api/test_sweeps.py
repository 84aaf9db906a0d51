"""Sweeps over HTTP, as the clients of requirement 004 use them."""

import json

import httpx
import pytest

from tests.api.conftest import eventually
from tests.http_servers import Reply, serve

DOCUMENT = {
    "ticker": "BTC-USD",
    "fast_range": [10, 20],
    "slow_range": [20, 30],
    "step": 5,
    "min_trades": 50,
    "strategy_type": "SMA",
    "config_path": "minimum",
}


def finished(client, job_id):
    def look():
        job = client.get(f"/api/v1/jobs/{job_id}").raise_for_status().json()
        return job if job["status"] in ("completed", "failed", "cancelled") else None

    return eventually(look)


@pytest.fixture(scope="module")
def swept(base_url):
    with httpx.Client(base_url=base_url, headers={"X-API-Key": "dev-key-" + "0" * 24}, timeout=30) as client:
        answer = client.post("/api/v1/strategy/sweep", json=DOCUMENT)
        return finished(client, answer.json()["job_id"])


def events(response):
    """The data of a stream with their ids; comments, which keep the line alive, are left out."""
    blocks = "\n".join(response.iter_lines()).split("\n\n")
    fields = [dict(line.split(": ", 1) for line in block.splitlines() if line[:1] != ":") for block in blocks]
    return [(event["id"], json.loads(event["data"])) for event in fields if event]


def test_the_documents_example_has_eight_valid_combinations_as_form_and_as_json(client):
    form = {name: json.dumps(value) if isinstance(value, list) else str(value) for name, value in DOCUMENT.items()}
    for sent in ({"data": form}, {"json": DOCUMENT}):
        answer = client.post("/api/v1/strategy/sweep", **sent)
        assert answer.status_code == 202, answer.text
        body = answer.json()
        assert body["status"] == "queued"
        assert body["parameters"]["combinations"] == 8
        assert body["parameters"]["fast_range"] == [10, 20]
        assert body["job_id"].startswith("sweep_")
        assert {
            "message",
            "estimated_duration_seconds",
            "webhook_url",
            "status_url",
            "stream_url",
            "created_at",
        } <= set(body)


def test_ranges_may_come_as_two_fields(client):
    body = {name: value for name, value in DOCUMENT.items() if not name.endswith("_range")}
    body |= {"fast_range_min": 10, "fast_range_max": 20, "slow_range_min": 20, "slow_range_max": 30}
    assert client.post("/api/v1/strategy/sweep", json=body).json()["parameters"]["combinations"] == 8


def test_a_finished_job_leads_to_its_best_results(client, swept):
    assert swept["status"] == "completed"
    assert swept["progress"] == 100
    assert swept["sweep_run_id"] == swept["result_data"]["sweep_run_id"]
    best = client.get(f"/api/v1/sweeps/{swept['sweep_run_id']}/best", params={"ticker": "BTC-USD"}).json()
    assert best["ticker"] == "BTC-USD"
    assert best["total_results"] == 8
    assert best["returned"] == len(best["results"]) >= 1
    scores = [row["score"] for row in best["results"]]
    assert scores == sorted(scores, reverse=True)
    first = best["results"][0]
    assert first["fast_period"] < first["slow_period"]
    assert first["total_trades"] >= 50
    assert first["avg_trade_duration"].endswith(" days")
    assert {"sharpe_ratio", "sortino_ratio", "total_return_pct", "annualized_return", "max_drawdown_pct",
            "win_rate_pct", "profit_factor", "trades_per_month", "strategy_type"} <= set(first)  # fmt: skip


def test_a_sweep_tells_how_much_is_luck_and_where_its_prices_come_from(client, swept):
    run = client.get(f"/api/v1/sweeps/{swept['sweep_run_id']}").json()
    assert run["total_results"] == run["returned"] == 8
    (ticker,) = run["tickers"]
    assert 0 <= ticker["deflated_sharpe"] <= 1
    assert 0 <= ticker["pbo"] <= 1
    assert {"buy_and_hold", "out_of_sample", "walk_forward", "verdict"} <= set(ticker)
    assert ticker["metadata"]["data"]["synthetic"] is True
    assert ticker["metadata"]["data"]["manifest_hash"].startswith("sha256:")


def test_latest_and_pages(client, swept):
    runs = client.get("/api/v1/sweeps").json()["sweeps"]
    assert client.get("/api/v1/sweeps/latest").json()["sweep_run_id"] == runs[0]["sweep_run_id"]
    seen, cursor = [], None
    while True:
        page = client.get("/api/v1/sweeps", params={"limit": 1} | ({"cursor": cursor} if cursor else {})).json()
        seen += [run["sweep_run_id"] for run in page["sweeps"]]
        if (cursor := page["next_cursor"]) is None:
            break
    assert seen == [run["sweep_run_id"] for run in runs]
    rows = client.get(f"/api/v1/sweeps/{swept['sweep_run_id']}", params={"limit": 3, "offset": 6}).json()["results"]
    assert [row["rank"] for row in rows] == [7, 8]


def test_several_tickers_in_one_sweep(client):
    body = DOCUMENT | {"ticker": "AAPL,NVDA", "min_trades": 10}
    job = finished(client, client.post("/api/v1/strategy/sweep", json=body).json()["job_id"])
    rows = client.get(f"/api/v1/sweeps/{job['sweep_run_id']}/best-per-ticker").json()["results"]
    assert {row["ticker"] for row in rows} == {"AAPL", "NVDA"}
    assert all(row["rank"] == 1 for row in rows)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"fast_range": [20, 10]}, "fast_range"),
        ({"fast_range": [0, 10]}, "fast_range"),
        ({"slow_range": [20, 501]}, "slow_range"),
        ({"fast_range": "ten"}, "fast_range"),
        ({"fast_range": [1, 2, 3]}, "fast_range"),
        ({"step": 0}, "step"),
        ({"step": 51}, "step"),
        ({"strategy_type": "ALPHA"}, "strategy_type"),
        ({"webhook_url": "ftp://here"}, "webhook_url"),
        ({"fee": "NaN"}, "fee"),
        ({"min_trades": 0}, "min_trades"),
        ({"ticker": ""}, "ticker"),
        ({"ticker": "NOSUCH"}, "NOSUCH"),
        ({"ticker": "../../etc/passwd"}, "passwd"),
        ({"fast_range": [300, 400], "slow_range": [20, 30]}, "fast"),
        ({"rank_by": "beauty"}, "beauty"),
    ],
)
def test_a_wrong_value_is_refused_by_name(client, change, field):
    answer = client.post("/api/v1/strategy/sweep", json=DOCUMENT | change)
    assert answer.status_code == 422, answer.text
    assert field in json.dumps(answer.json()["detail"])


def test_an_unknown_ticker_says_which_exist_and_how_to_import(client):
    detail = client.post("/api/v1/strategy/sweep", json=DOCUMENT | {"ticker": "APPL"}).json()["detail"]
    assert "AAPL" in detail
    assert "steelyard data import" in detail


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"null", b"\xff", b"1" * 100])
def test_what_is_no_request_is_refused_not_answered_with_500(client, raw):
    answer = client.post("/api/v1/strategy/sweep", content=raw, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422


def test_one_idempotency_key_is_one_job(client):
    headers = {"Idempotency-Key": "once"}
    first = client.post("/api/v1/strategy/sweep", json=DOCUMENT, headers=headers)
    again = client.post("/api/v1/strategy/sweep", json=DOCUMENT, headers=headers)
    assert again.content == first.content
    other = client.post("/api/v1/strategy/sweep", json=DOCUMENT | {"step": 1}, headers=headers)
    assert other.status_code == 409


def test_the_stream_tells_progress_and_the_end_and_resumes_without_gap(client, swept):
    with client.stream("GET", f"/api/v1/jobs/{swept['job_id']}/stream") as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        all_events = events(response)
    done = all_events[-1][1]
    assert done["done"] is True
    assert done["status"] == "completed"
    assert done["result_data"]["sweep_run_id"] == done["sweep_run_id"] == swept["sweep_run_id"]
    assert all({"percent", "message", "timestamp"} <= set(data) for _, data in all_events[:-1])
    for known in range(len(all_events)):
        headers = {"Last-Event-ID": all_events[known][0]}
        with client.stream("GET", f"/api/v1/jobs/{swept['job_id']}/stream", headers=headers) as response:
            assert events(response) == all_events[known + 1 :]


def test_a_browser_logs_in_and_streams_by_cookie(anonymous, swept):
    answer = anonymous.post("/api/v1/auth/login", json={"api_key": "dev-key-" + "0" * 24})
    assert answer.json()["success"] is True
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert anonymous.get("/api/v1/auth/me").json()["subject"] == "development"
    with anonymous.stream("GET", f"/sse-proxy/jobs/{swept['job_id']}/stream") as response:
        assert events(response)[-1][1]["status"] == "completed"
    anonymous.post("/api/v1/auth/logout")
    assert anonymous.get("/api/v1/auth/me").status_code == 401


def test_without_a_credential_nothing_is_told(anonymous, swept):
    for path in (
        "/api/v1/jobs",
        f"/api/v1/jobs/{swept['job_id']}",
        "/api/v1/sweeps",
        f"/api/v1/jobs/{swept['job_id']}/stream",
    ):
        assert anonymous.get(path).status_code == 401
    wrong = {"X-API-Key": "x" * 40}
    assert anonymous.post("/api/v1/strategy/sweep", json=DOCUMENT, headers=wrong).status_code == 401


@pytest.mark.parametrize(
    "path", ["/api/v1/jobs/nosuch", "/api/v1/sweeps/nosuch", "/api/v1/sweeps/x/best", "/api/v1/jobs/%00/stream"]
)
def test_what_is_not_there_is_404(client, path):
    assert client.get(f"/api/v1/{path}").status_code == 404


def test_a_running_sweep_stops_soon_after_it_is_cancelled(client):
    wide = {"fast_range": [1, 400], "slow_range": [2, 500], "step": 1}
    body = DOCUMENT | wide | {"ticker": "AAPL,MSFT,GE,KO"}
    job_id = client.post("/api/v1/strategy/sweep", json=body).json()["job_id"]
    eventually(lambda: client.get(f"/api/v1/jobs/{job_id}").json()["status"] == "running")
    client.delete(f"/api/v1/jobs/{job_id}")
    job = finished(client, job_id)
    assert job["status"] == "cancelled"
    assert client.get("/api/v1/sweeps").status_code == 200
    assert job["sweep_run_id"] is None


def test_the_callback_arrives_with_what_the_receivers_schema_asks_for(client):
    heard = []

    def note(request):
        heard.append(json.loads(request.body))
        return Reply()

    with serve(note) as address:
        body = DOCUMENT | {"webhook_url": f"{address}/webhook/sweep-callback"}
        job = finished(client, client.post("/api/v1/strategy/sweep", json=body).json()["job_id"])
        (event,) = eventually(lambda: heard)
    assert event["event_type"] == "sweep.completed"
    assert event["status"] == "completed"
    assert event["ticker"] == "BTC-USD"
    assert (event["job_id"], event["sweep_run_id"]) == (job["job_id"], job["sweep_run_id"])
    assert event["result_data"]["total_combinations"] == 8
    assert event["timestamp"].endswith("Z")
    assert None not in event.values()
    (delivery,) = eventually(
        lambda: [
            one
            for one in client.get(f"/api/v1/jobs/{job['job_id']}/webhooks").json()["webhooks"]
            if one["status"] == "delivered"
        ]
    )
    assert delivery["attempts"][0]["status_code"] == 200
