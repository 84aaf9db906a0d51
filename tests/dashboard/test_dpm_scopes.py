"""Which pages of rebalances a key opens, what it may do there, and whose runs it sees."""

import copy

import httpx
import pytest

from steelyard.infra import keys
from steelyard.infra.settings import Settings
from steelyard.rebalance.demo import demo_named
from steelyard.server.app import create_app

PAGE = {"Accept": "text/html"}
OF_RUNS = ("/rebalances", "/rebalances/reviews", "/rebalances/operations")
PATHS = (*OF_RUNS, "/rebalances/books")


@pytest.fixture
async def app(tmp_path, monkeypatch):
    monkeypatch.setenv("DPM_WORKFLOW_ENABLED", "true")
    app = create_app(Settings(data_dir=tmp_path, development_key_enabled=False, open_routes_enabled=False))
    async with app.router.lifespan_context(app):
        yield app


async def logged_in(app, *scopes, tenant="default"):
    """A client with the session of a new key, and its secret."""
    async with app.state.database.transaction() as session:
        _, secret = await keys.create_key(session, name="page", scopes=list(scopes), tenant=tenant)
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost:8000")
    await client.post("/login", data={"api_key": secret})
    return client, secret


async def simulated(client, secret, portfolio_id):
    demo = demo_named("tech-cap")
    assert demo is not None
    body = copy.deepcopy(dict(demo.request))
    body["portfolio_snapshot"]["portfolio_id"] = portfolio_id
    headers = {"Idempotency-Key": portfolio_id, "X-API-Key": secret}
    answer = await client.post("/rebalance/simulate", json=body, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()["rebalance_run_id"]


async def test_a_key_that_may_only_read_decides_nothing(app):
    writer, secret = await logged_in(app, "rebalance:read", "rebalance:write")
    run_id = await simulated(writer, secret, "pf-shared")
    reader, _ = await logged_in(app, "rebalance:read")
    for client, may in ((writer, True), (reader, False)):
        history = (await client.get("/rebalances", headers=PAGE)).text
        assert "pf-shared" in history
        assert ("New rebalance" in history) is may
        for path in ("/rebalances/reviews", f"/rebalances/{run_id}"):
            shown = (await client.get(path, headers=PAGE)).text
            assert ("Ask for changes" in shown) is may, path
            assert ("You may look at this, and not decide it." in shown) is not may, path


async def test_nobody_sees_the_runs_of_another_tenant(app):
    ours, secret = await logged_in(app, "rebalance:read", "rebalance:write")
    run_id = await simulated(ours, secret, "pf-ours")
    theirs, _ = await logged_in(app, "rebalance:read", tenant="globex")
    for path in (*PATHS, f"/rebalances?find={run_id}", "/rebalances?find=pf-ours"):
        answer = await theirs.get(path, headers=PAGE)
        assert answer.status_code == 200, path
        assert f"/rebalances/{run_id}" not in answer.text, path
    assert (await theirs.get(f"/rebalances/{run_id}", headers=PAGE)).status_code == 404


async def test_a_key_for_models_opens_no_page_of_rebalances(app):
    client, _ = await logged_in(app, "models:read", "models:write")
    for path in PATHS:
        assert (await client.get(path, headers=PAGE)).status_code == 403, path


async def test_what_is_switched_off_says_so(tmp_path, monkeypatch):
    monkeypatch.setenv("DPM_SUPPORT_APIS_ENABLED", "false")
    app = create_app(Settings(data_dir=tmp_path, development_key_enabled=False))
    async with app.router.lifespan_context(app):
        client, _ = await logged_in(app, "rebalance:read")
        for path in OF_RUNS:
            answer = await client.get(path, headers=PAGE)
            assert answer.status_code == 404, path
            assert "set DPM_SUPPORT_APIS_ENABLED to true" in answer.text, path
