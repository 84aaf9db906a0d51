"""What the variables of requirement 003 change, seen over HTTP; each server has its own."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from steelyard.core.clock import frozen_at
from steelyard.core.errors import ConfigurationError
from steelyard.infra.settings import Settings
from steelyard.rebalance.service import Rebalancing
from steelyard.server.app import create_app
from tests.api.conftest import serving
from tests.api.test_rebalance import batch_of, request_of


@pytest.fixture
def served(tmp_path, monkeypatch):
    """A client of a server with these variables."""
    stack = []

    def start(**environment):
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        server = serving(data_dir=tmp_path)
        client = httpx.Client(base_url=server.__enter__(), timeout=60)
        stack.append((server, client))
        return client

    yield start
    for server, client in stack:
        client.close()
        server.__exit__(None, None, None)


def simulated(client, key, **headers):
    answer = client.post("/rebalance/simulate", json=request_of(), headers={"Idempotency-Key": key, **headers})
    assert answer.status_code == 200, answer.text
    return answer.json()["rebalance_run_id"]


def test_only_so_many_keys_are_remembered(served):
    client = served(DPM_IDEMPOTENCY_CACHE_MAX_SIZE="2")
    first = [simulated(client, key) for key in ("a", "b", "c")]
    assert simulated(client, "c") == first[2]
    assert simulated(client, "a") != first[0]


def test_runs_and_operations_disappear_after_their_time(served):
    client = served(DPM_SUPPORTABILITY_RETENTION_DAYS="2", DPM_ASYNC_OPERATIONS_TTL_SECONDS="3600")
    run = simulated(client, "k")
    accepted = client.post("/rebalance/analyze/async", json=batch_of("pf", base={})).json()
    with frozen_at(datetime.now(UTC) + timedelta(hours=2)):
        assert client.get(accepted["status_url"]).json()["detail"] == "DPM_ASYNC_OPERATION_NOT_FOUND"
        assert client.get(f"/rebalance/runs/{run}").status_code == 200
        assert client.get("/rebalance/supportability/summary").json()["operation_count"] == 0
    with frozen_at(datetime.now(UTC) + timedelta(days=3)):
        for path in (run, f"{run}/artifact", "idempotency/k", f"{run}/support-bundle"):
            assert client.get(f"/rebalance/runs/{path}").status_code == 404
        assert simulated(client, "k") != run


def test_a_store_on_a_server_without_address_answers_503_before_all_else(served):
    client = served(DPM_SUPPORTABILITY_STORE_BACKEND="POSTGRES", DPM_POLICY_PACK_CATALOG_BACKEND="POSTGRES")
    for method, path in (
        ("POST", "/rebalance/simulate"),
        ("POST", "/rebalance/analyze"),
        ("GET", "/rebalance/runs?limit=0"),
        ("GET", "/rebalance/lineage/x"),
        ("POST", "/rebalance/operations/x/execute"),
    ):
        refused = client.request(method, path, json={})
        code = "DPM_SUPPORTABILITY_POSTGRES_DSN_REQUIRED"
        assert (refused.status_code, refused.json()["detail"]) == (503, code), path
    refused = client.get("/rebalance/policies/effective")
    assert (refused.status_code, refused.json()["detail"]) == (503, "DPM_POLICY_PACK_POSTGRES_DSN_REQUIRED")


def test_a_defect_is_problem_json_with_nothing_of_the_inside(served, monkeypatch):
    client = served()

    async def fail(*_, **__):
        raise RuntimeError("SELECT secret FROM inside")

    monkeypatch.setattr(Rebalancing, "simulate", fail)
    answer = client.post("/rebalance/simulate", json=request_of(), headers={"Idempotency-Key": "k"})
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert (problem["type"], problem["title"]) == ("about:blank", "Internal Server Error")
    assert (problem["status"], problem["instance"]) == (500, "/rebalance/simulate")
    assert "secret" not in answer.text


def test_a_deprecated_backend_is_used_with_a_warning(monkeypatch, tmp_path):
    monkeypatch.setenv("DPM_SUPPORTABILITY_STORE_BACKEND", "IN_MEMORY")
    with pytest.warns(DeprecationWarning, match="DPM_SUPPORTABILITY_STORE_BACKEND=IN_MEMORY is deprecated"):
        app = create_app(Settings(data_dir=tmp_path))
    assert app.state.settings.is_sqlite


def test_production_does_not_start_on_the_embedded_store(tmp_path):
    with pytest.raises(ConfigurationError) as refused:
        create_app(Settings(profile="PRODUCTION", data_dir=tmp_path))
    assert refused.value.code == "PERSISTENCE_PROFILE_REQUIRES_DPM_POSTGRES"
