"""kill -9 of a server while it runs an analysis: the operation ends all the same, and its runs are there once."""

import signal
import threading

import httpx

from tests.api.conftest import eventually
from tests.api.processes import server_process
from tests.api.test_rebalance import batch_of

SCENARIOS = 20
POSITIONS = 4_000


def large_batch():
    """An analysis that takes seconds."""
    body = batch_of("pf-killed", **{f"s{number}": {"target_method": "HEURISTIC"} for number in range(SCENARIOS)})
    names = [f"X{number}" for number in range(POSITIONS)]
    body["portfolio_snapshot"]["positions"] = [{"instrument_id": name, "quantity": "10"} for name in names]
    body["market_data_snapshot"]["prices"] = [
        {"instrument_id": name, "price": "10", "currency": "USD"} for name in names
    ]
    body["shelf_entries"] = [{"instrument_id": name, "status": "APPROVED"} for name in names]
    body["model_portfolio"]["targets"] = [{"instrument_id": name, "weight": "0.0002"} for name in names]
    return body


def operation(url):
    items = httpx.get(f"{url}/rebalance/operations", timeout=30).json()["items"]
    return items[0] if items else None


def test_an_analysis_of_a_killed_server_ends_once_after_its_restart(tmp_path):
    environment = {"STEELYARD_JOB_LEASE_S": "2"}
    with server_process(tmp_path, environment) as server:
        body = large_batch()
        sent = threading.Thread(target=_post_and_lose, args=(f"{server.url}/rebalance/analyze/async", body))
        sent.start()
        eventually(lambda: (operation(server.url) or {}).get("status") == "RUNNING", seconds=90)
        server.process.send_signal(signal.SIGKILL)
        sent.join()
    with server_process(tmp_path, environment) as again:
        begun = operation(again.url)
        ended = eventually(lambda: _ended(again.url, begun["operation_id"]), seconds=90)
        assert ended["status"] == "SUCCEEDED"
        runs = httpx.get(f"{again.url}/rebalance/runs", params={"limit": 200}, timeout=30).json()["items"]
        recorded = {run["rebalance_run_id"] for run in runs}
        assert recorded == {result["rebalance_run_id"] for result in ended["result"]["results"].values()}
        assert len(recorded) == SCENARIOS


def _ended(url, operation_id):
    found = httpx.get(f"{url}/rebalance/operations/{operation_id}", timeout=30).json()
    return found if found["status"] in ("SUCCEEDED", "FAILED") else None


def _post_and_lose(url, body):
    try:
        httpx.post(url, json=body, timeout=60)
    except httpx.TransportError:
        return  # the server was killed while it answered
