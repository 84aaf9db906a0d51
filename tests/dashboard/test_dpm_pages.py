"""Pages of rebalances without a browser: who may see them, what they refuse, and the documents to take away."""

import json
from collections.abc import AsyncIterator

import httpx
import pytest

from steelyard.infra import keys
from steelyard.infra.settings import Settings
from steelyard.rebalance.demo import DEMOS
from steelyard.server.app import create_app

PAGE = {"Accept": "text/html"}


@pytest.fixture(params=[{}])
async def client(request, tmp_path, monkeypatch) -> AsyncIterator[httpx.AsyncClient]:
    """A server with one run in it, whose id the client has as ``run``."""
    for name, value in request.param.items():
        monkeypatch.setenv(name, value)
    app = create_app(Settings(data_dir=tmp_path))
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8000") as client:
            answer = await client.post(
                "/rebalance/simulate", json=DEMOS[0].request, headers={"Idempotency-Key": "first"}
            )
            client.run = answer.json()["rebalance_run_id"]  # type: ignore[attr-defined]
            yield client


async def test_the_documents_are_those_of_the_api(client):
    for page, route in (("artifact", "artifact"), ("support-bundle", "support-bundle")):
        answer = await client.get(f"/rebalances/{client.run}/{page}")
        assert answer.json() == (await client.get(f"/rebalance/runs/{client.run}/{route}")).json()
        assert client.run in answer.headers["content-disposition"]


async def test_a_run_s_page_says_where_it_comes_from(client):
    answer = await client.get(f"/rebalances/{client.run}", headers=PAGE)
    assert answer.status_code == 200
    stored = (await client.get(f"/rebalance/runs/{client.run}")).json()
    for said in (client.run, "first", stored["request_hash"], "pf-1001"):
        assert said in answer.text


async def test_a_run_that_is_not_there_is_a_404_in_the_words_of_the_api(client):
    for path in ("/rebalances/rr_nobody", "/rebalances/rr_nobody/artifact", "/rebalances/rr_nobody/support-bundle"):
        answer = await client.get(path, headers=PAGE)
        assert answer.status_code == 404
        assert "there is no run" in answer.text


@pytest.mark.parametrize("client", [{"DPM_SUPPORT_APIS_ENABLED": "false"}], indirect=True)
async def test_runs_that_may_not_be_read_over_http_are_not_shown_either(client):
    for path in (client.run, f"{client.run}/artifact", f"{client.run}/support-bundle"):
        answer = await client.get(f"/rebalances/{path}", headers=PAGE)
        assert answer.status_code == 404
        assert "DPM_SUPPORT_APIS_ENABLED" in answer.text


@pytest.mark.parametrize(
    "client", [{"DPM_ARTIFACTS_ENABLED": "false", "DPM_SUPPORT_BUNDLE_APIS_ENABLED": "false"}], indirect=True
)
async def test_documents_that_are_switched_off_are_not_offered(client):
    page = await client.get(f"/rebalances/{client.run}", headers=PAGE)
    assert "Support bundle" not in page.text
    for name in ("artifact", "support-bundle"):
        assert (await client.get(f"/rebalances/{client.run}/{name}", headers=PAGE)).status_code == 404


async def test_a_key_that_may_only_read_opens_runs_and_no_page_that_runs(tmp_path):
    app = create_app(Settings(data_dir=tmp_path, development_key_enabled=False))
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8000") as client:
            expected = {"rebalance:read": [404, 403, 403], "rebalance:write": [403, 200, 200], "sweeps:read": [403] * 3}
            for scope, statuses in expected.items():
                async with app.state.database.transaction() as session:
                    _, secret = await keys.create_key(session, name="page", scopes=[scope], tenant="default")
                await client.post("/login", data={"api_key": secret})
                paths = ("/rebalances/rr_nobody", "/rebalances/new", "/rebalances/what-if")
                found = [(await client.get(path, headers=PAGE)).status_code for path in paths]
                assert found == statuses, scope


async def test_an_example_that_is_named_is_put_into_the_text(client):
    answer = await client.get("/rebalances/new?demo=tax", headers=PAGE)
    assert "pf-1006" in answer.text
    assert "pf-1001" in (await client.get("/rebalances/new?demo=nobody", headers=PAGE)).text
    assert json.dumps("pf-1002")[1:-1] in (await client.get("/rebalances/what-if?demo=tech-cap", headers=PAGE)).text
