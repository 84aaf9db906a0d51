"""Proposals of two tenants on one server: neither sees, finds or changes anything of the other."""

import httpx
import pytest

from tests.api.conftest import eventually, key_of, serving
from tests.api.test_proposals import ROUTE, approved, body_of, created, moved, refusal, timeline

OF_A_VERSION = ("/versions/1", "/versions/1/document", "/versions/1/verification")
BY_ID = ("", "/approvals", "/workflow-events", "/lineage", *OF_A_VERSION)


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def place(request, tmp_path_factory):
    """Where the server keeps things."""
    place = {"data_dir": tmp_path_factory.mktemp("data")}
    if request.param == "postgresql":
        place["database_url"] = request.getfixturevalue("postgres_url")
    return place


@pytest.fixture(scope="module")
def client(place):
    with serving(**place) as address, httpx.Client(base_url=address, timeout=60) as client:
        yield client


@pytest.fixture(scope="module")
def stranger(client, place):
    headers = {"X-API-Key": key_of("zeta", **place)}
    with httpx.Client(base_url=client.base_url, timeout=60, headers=headers) as stranger:
        yield stranger


@pytest.fixture(scope="module")
def ours(client):
    """A proposal that waits for the client's consent."""
    proposal_id = created(client, "ours")
    assert moved(client, proposal_id, "SUBMITTED_FOR_RISK_REVIEW", "DRAFT").status_code == 200
    assert approved(client, proposal_id, "RISK", "RISK_REVIEW", "risk").status_code == 200
    return proposal_id


@pytest.mark.parametrize("path", BY_ID)
def test_what_is_read_by_its_id_is_not_there_for_another_tenant(client, stranger, ours, path):
    assert client.get(f"{ROUTE}/{ours}{path}").status_code == 200
    assert refusal(stranger.get(f"{ROUTE}/{ours}{path}")) == (404, "PROPOSAL_NOT_FOUND")


def test_lists_and_keys_show_only_one_s_own(client, stranger, ours):
    theirs = created(stranger, "theirs")
    assert [one["proposal_id"] for one in stranger.get(ROUTE).json()["items"]] == [theirs]
    assert ours in [one["proposal_id"] for one in client.get(ROUTE).json()["items"]]
    assert theirs not in [one["proposal_id"] for one in client.get(ROUTE, params={"limit": 100}).json()["items"]]
    assert refusal(stranger.get(f"{ROUTE}/idempotency/ours")) == (404, "PROPOSAL_IDEMPOTENCY_KEY_NOT_FOUND")


def test_another_tenant_moves_approves_and_revises_nothing(client, stranger, ours):
    before = timeline(client, ours)
    version = {name: part for name, part in body_of().items() if name != "metadata"}
    answers = [
        moved(stranger, ours, "CANCELLED", "AWAITING_CLIENT_CONSENT"),
        approved(stranger, ours, "CLIENT_CONSENT", "AWAITING_CLIENT_CONSENT", "client"),
        stranger.post(f"{ROUTE}/{ours}/versions", json=version),
    ]
    assert [refusal(answer) for answer in answers] == [(404, "PROPOSAL_NOT_FOUND")] * 3
    assert timeline(client, ours) == before


def test_the_same_key_is_another_key_for_another_tenant(client, stranger):
    first = created(client, "same")
    second = created(stranger, "same", body_of("another title"))
    assert first != second
    request = body_of()["simulate_request"]
    headers = {"Idempotency-Key": "simulated"}
    assert client.post(f"{ROUTE}/simulate", json=request, headers=headers).status_code == 200
    request["proposed_trades"] = []
    assert stranger.post(f"{ROUTE}/simulate", json=request, headers=headers).status_code == 200


def test_what_is_made_in_the_background_is_its_tenant_s(client, stranger, ours):
    headers = {"Idempotency-Key": "background", "X-Correlation-Id": "corr-background"}
    accepted = client.post(f"{ROUTE}/async", json=body_of(), headers=headers).json()

    def ended():
        now = client.get(accepted["status_url"]).json()
        return now if now["status"] not in {"PENDING", "RUNNING"} else None

    assert eventually(ended)["status"] == "SUCCEEDED"
    for path in (accepted["status_url"], f"{ROUTE}/operations/by-correlation/corr-background"):
        assert client.get(path).status_code == 200
        assert refusal(stranger.get(path)) == (404, "PROPOSAL_ASYNC_OPERATION_NOT_FOUND")
    version = {name: part for name, part in body_of().items() if name != "metadata"}
    accepted = stranger.post(f"{ROUTE}/{ours}/versions/async", json=version).json()

    def refused():
        now = stranger.get(accepted["status_url"]).json()
        return now if now["status"] not in {"PENDING", "RUNNING"} else None

    assert eventually(refused)["error"]["code"] == "ProposalNotFoundError"
