"""Books on servers of their own: all models, other tenants, services that hold back or fail."""

import json
import threading

import httpx

from tests.api.conftest import eventually, key_of, serving
from tests.api.test_books import BATCHES, done, portfolios, submit
from tests.api.test_models import PRICES, create, error, security
from tests.http_servers import Reply, serve


def store_prices(client):
    listed = [{"securityId": security(name), "ticker": name, "price": price} for name, price in PRICES.items()]
    client.post("/api/v1/securities", json={"securities": listed}).raise_for_status()


def test_all_models_are_a_book(tmp_path):
    with serving(data_dir=tmp_path) as url, httpx.Client(base_url=url, timeout=30) as client:
        empty = submit(client, all=True)
        assert done(client, empty)["portfolios"]["total"] == 0
        store_prices(client)
        accounts = [{"portfolioId": f"p{n}", "cash": "5000"} for n in range(3)]
        client.post("/api/v1/accounts", json={"accounts": accounts}).raise_for_status()
        create(client, "p0", "p1")
        create(client, "p2")
        batch = submit(client, all=True)
        assert [one["portfolios"] for one in done(client, batch)["models"]] == [2, 1]
        assert client.get(f"{batch['statusUrl']}/blocks").json()
        listed = client.get(BATCHES, params={"limit": 1}).json()
        assert [one["batchId"] for one in listed["batches"]] == [batch["batchId"]]
        rest = client.get(BATCHES, params={"cursor": listed["nextCursor"]}).json()
        assert [one["batchId"] for one in rest["batches"]] == [empty["batchId"]]


def test_another_tenant_sees_no_book_of_ours(tmp_path):
    with serving(data_dir=tmp_path) as url, httpx.Client(base_url=url, timeout=30) as client:
        batch = submit(client, modelIds=[create(client, "p1")["modelId"]])
        done(client, batch)
        headers = {"X-API-Key": key_of("zeta", data_dir=tmp_path)}
        for path in ("", "/portfolios", "/blocks", "/stream", "/portfolio/p1"):
            error(client.get(batch["statusUrl"] + path, headers=headers), 404)
        error(client.delete(batch["statusUrl"], headers=headers), 404, "BATCH_NOT_FOUND")
        assert client.get(BATCHES, headers=headers).json()["batches"] == []
        assert len(client.get(BATCHES).json()["batches"]) == 1


def test_a_running_book_can_be_cancelled_and_gone_on_with(tmp_path):
    is_open = threading.Event()

    def answer(request):
        is_open.wait(20)
        portfolio_id = request.path.split("/")[-2]
        body = {"portfolioId": portfolio_id, "cashBalance": "5000", "securityCount": 0, "securities": []}
        return Reply(body=json.dumps(body).encode())

    with (
        serve(answer) as accounting,
        serving(data_dir=tmp_path, accounting_url=accounting) as url,
        httpx.Client(base_url=url, timeout=30) as client,
    ):
        store_prices(client)
        model = create(client, *(f"p{n}" for n in range(4)))
        batch = submit(client, modelIds=[model["modelId"]])
        eventually(lambda: client.get(batch["statusUrl"]).json()["status"] == "running")
        error(client.get(f"{batch['statusUrl']}/blocks"), 409, "BATCH_NOT_COMPLETED")
        client.delete(batch["statusUrl"]).raise_for_status()
        ended = done(client, batch, seconds=5)  # accounting would hold the answer back for 20
        assert (ended["status"], ended["portfolios"]["pending"]) == ("cancelled", 4)
        error(client.get(f"{batch['statusUrl']}/blocks"), 409, "BATCH_NOT_COMPLETED")
        is_open.set()
        client.post(f"{batch['statusUrl']}/resume").raise_for_status()
        ended = done(client, batch)
        assert (ended["status"], ended["portfolios"]["rebalanced"]) == ("completed", 4)


def test_accounting_that_fails_one_portfolio_fails_it_alone(tmp_path):
    def answer(request):
        portfolio_id = request.path.split("/")[-2]
        if portfolio_id == "p1":
            return Reply(500)
        held = [{"securityId": security("A"), "netQuantity": 3}, {"securityId": security("C"), "netQuantity": 2.5}]
        body = {"portfolioId": portfolio_id, "cashBalance": 5000.25, "securityCount": 2, "securities": held}
        return Reply(body=json.dumps(body).encode())

    fast = {"upstream_pause_s": 0}
    with (
        serve(answer) as accounting,
        serving(data_dir=tmp_path, accounting_url=accounting, **fast) as url,
        httpx.Client(base_url=url, timeout=30) as client,
    ):
        store_prices(client)
        model = create(client, *(f"p{n}" for n in range(4)))
        batch = submit(client, modelIds=[model["modelId"]])
        assert done(client, batch)["portfolios"] == {"total": 4, "rebalanced": 3, "failed": 1, "pending": 0}
        failed = portfolios(client, batch, status="FAILED")
        assert [one["portfolioId"] for one in failed] == ["p1"]
        alone = client.post("/api/v1/portfolio/p2/rebalance").json()
        same = client.get(f"{batch['statusUrl']}/portfolio/p2").json()
        assert {**same, "rebalanceId": ""} == {**alone, "rebalanceId": ""}


def test_a_book_waits_for_accounting_that_is_down_and_can_be_gone_on_with(tmp_path):
    is_up = threading.Event()

    def answer(request):
        body = {"portfolioId": "p", "cashBalance": "5000", "securityCount": 0, "securities": []}
        return Reply(body=json.dumps(body).encode()) if is_up.is_set() else Reply(500)

    fast = {"upstream_pause_s": 0, "job_retry_pause_s": 0, "job_attempts_max": 2, "breaker_rest_s": 0.01}
    with (
        serve(answer) as accounting,
        serving(data_dir=tmp_path, accounting_url=accounting, **fast) as url,
        httpx.Client(base_url=url, timeout=30) as client,
    ):
        store_prices(client)
        batch = submit(client, modelIds=[create(client, "p1", "p2")["modelId"]])
        ended = done(client, batch)
        assert (ended["status"], ended["portfolios"]["pending"]) == ("failed", 2)
        assert "accounting" in ended["error"]["message"]
        is_up.set()
        client.post(f"{batch['statusUrl']}/resume").raise_for_status()
        assert done(client, batch)["portfolios"]["rebalanced"] == 2
