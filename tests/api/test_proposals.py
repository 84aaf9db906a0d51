"""Stored proposals over HTTP, as the clients of requirement 003 use them."""

import copy
import json
from typing import Any

import httpx
import pytest

from tests.api.conftest import eventually
from tests.proposals.desk import buy, proposal

SHELF = {"A": {"issuer_id": "I", "liquidity_tier": "L1"}}
LOOSE = {
    "single_position_max_weight": "1",
    "issuer_max_weight": "1",
    "max_weight_by_liquidity_tier": {},
    "cash_band_min_weight": "0",
    "cash_band_max_weight": "1",
}
ROUTE = "/rebalance/proposals"


def body_of(title="Plan", **words):
    usual: dict[str, Any] = {"prices": {"A": 10}, "cash": 500, "shelf": SHELF, "suitability_thresholds": LOOSE}
    request = proposal(**usual | {"trades": [buy("A", 4)]} | words)
    return {"created_by": "adviser", "metadata": {"title": title}, "simulate_request": request}


SOFT = {"cash_band_max_weight": "0.05"}


@pytest.fixture
def client(base_url):
    """Requirement 003's clients send no credential."""
    with httpx.Client(base_url=base_url, timeout=60) as client:
        yield client


def created(client, key, body=None, **headers):
    answer = client.post(ROUTE, json=body or body_of(), headers={"Idempotency-Key": key, **headers})
    assert answer.status_code == 200, answer.text
    return answer.json()["proposal"]["proposal_id"]


def moved(client, proposal_id, event, state, actor="desk", **more):
    headers = {"Idempotency-Key": more.pop("key")} if "key" in more else {}
    wanted = {"event_type": event, "actor_id": actor, "expected_state": state, **more}
    return client.post(f"{ROUTE}/{proposal_id}/transitions", json=wanted, headers=headers)


def approved(client, proposal_id, kind, state, actor, **more):
    headers = {"Idempotency-Key": more.pop("key")} if "key" in more else {}
    wanted = {"approval_type": kind, "approved": True, "actor_id": actor, "expected_state": state, **more}
    return client.post(f"{ROUTE}/{proposal_id}/approvals", json=wanted, headers=headers)


def refusal(answer):
    return answer.status_code, answer.json()["detail"].partition(":")[0]


def timeline(client, proposal_id):
    events = client.get(f"{ROUTE}/{proposal_id}/workflow-events").raise_for_status().json()["events"]
    return [(event["event_type"], event["to_state"]) for event in events]


def test_the_quick_way_and_the_careful_way_lead_to_the_same_proposal(client):
    quick, careful = body_of("quick"), copy.deepcopy(body_of("quick"))
    careful["simulate_request"]["options"]["cash_band_max_weight"] = 1.0  # a JSON float
    quick["simulate_request"]["options"]["cash_band_max_weight"] = "1.0"
    first = client.post(ROUTE, json=quick, headers={"Idempotency-Key": "ways"})
    again = client.post(ROUTE, json=careful, headers={"Idempotency-Key": "ways"})
    assert first.status_code == again.status_code == 200
    assert first.json() == again.json()


@pytest.mark.parametrize(("change", "fault"), [
    ({"created_by": "x" * 201}, ["body", "created_by"]),
    ({"created_by": 7}, ["body", "created_by"]),
    ({"metadata": {"title": "x" * 501}}, ["body", "metadata", "title"]),
    ({"metadata": {"title": "no\0title"}}, ["body", "metadata", "title"]),
    ({"metadata": {"advisor_notes": "\0"}}, ["body", "metadata", "advisor_notes"]),
    ({"created_by": "ann\0"}, ["body", "created_by"]),
    ({"metadata": None}, ["body", "metadata"]),
    ({"simulate_request": {}}, ["body", "simulate_request", "portfolio_snapshot"]),
])  # fmt: skip
def test_what_is_wrong_with_a_body_is_said_where_it_is(client, change, fault):
    answer = client.post(ROUTE, json=body_of() | change, headers={"Idempotency-Key": "faults"})
    assert answer.status_code == 422
    assert fault in [found["loc"] for found in answer.json()["detail"]]


@pytest.mark.parametrize(
    "reason", [{"x": "y" * 20_001}, {"n": float("nan")}, {"s": "\ud800"}], ids=["long", "nan", "half"]
)
def test_a_reason_that_cannot_be_kept_is_refused(client, reason):
    proposal_id = created(client, "reasons")
    text = json.dumps({"event_type": "CANCELLED", "actor_id": "a", "expected_state": "DRAFT", "reason": reason})
    headers = {"content-type": "application/json"}
    answer = client.post(f"{ROUTE}/{proposal_id}/transitions", content=text, headers=headers)
    assert answer.status_code == 422
    assert timeline(client, proposal_id) == [("CREATED", "DRAFT")]


def test_an_artifact_and_a_simulation_share_their_key(client):
    request = body_of("shared")["simulate_request"]
    headers = {"Idempotency-Key": "shared", "X-Correlation-Id": "first"}
    result = client.post(f"{ROUTE}/simulate", json=request, headers=headers).json()
    artifact = client.post(f"{ROUTE}/artifact", json=request, headers=headers | {"X-Correlation-Id": "second"})
    assert artifact.json()["evidence_bundle"]["engine_outputs"]["proposal_result"] == result
    assert artifact.json()["correlation_id"] == "first"
    other = body_of(trades=[buy("A", 5)])["simulate_request"]
    assert refusal(client.post(f"{ROUTE}/artifact", json=other, headers=headers)) == (409, "IDEMPOTENCY_KEY_CONFLICT")


def test_a_move_with_a_key_happens_once_and_is_answered_the_same_way(client):
    proposal_id = created(client, "moves")
    first = moved(client, proposal_id, "SUBMITTED_FOR_RISK_REVIEW", "DRAFT", key="m1")
    again = moved(client, proposal_id, "SUBMITTED_FOR_RISK_REVIEW", "DRAFT", key="m1")
    assert (first.status_code, first.content) == (again.status_code, again.content)
    assert first.status_code == 200
    yes = approved(client, proposal_id, "RISK", "RISK_REVIEW", "officer", key="m1")  # another route, another key
    assert yes.content == approved(client, proposal_id, "RISK", "RISK_REVIEW", "officer", key="m1").content
    changed = moved(client, proposal_id, "CANCELLED", "AWAITING_CLIENT_CONSENT", key="m1")
    assert refusal(changed) == (409, "IDEMPOTENCY_KEY_CONFLICT")
    assert len(timeline(client, proposal_id)) == 3
    assert len(client.get(f"{ROUTE}/{proposal_id}/approvals").json()["approvals"]) == 1


def test_a_move_that_was_refused_is_not_remembered_under_its_key(client):
    proposal_id = created(client, "refused")
    assert refusal(moved(client, proposal_id, "EXECUTED", "DRAFT", key="r")) == (422, "INVALID_TRANSITION")
    assert moved(client, proposal_id, "CANCELLED", "DRAFT", key="r").status_code == 200


def test_an_operation_shows_what_it_made_as_it_was_then(client):
    headers = {"Idempotency-Key": "async", "X-Correlation-Id": "c-async"}
    accepted = client.post(f"{ROUTE}/async", json=body_of("async"), headers=headers)
    assert (accepted.status_code, accepted.headers["x-correlation-id"]) == (202, "c-async")

    def ended():
        found = client.get(accepted.json()["status_url"]).json()
        return found if found["finished_at"] else None

    operation = eventually(ended)
    assert operation["status"] == "SUCCEEDED"
    moved(client, operation["proposal_id"], "CANCELLED", "DRAFT")
    later = client.get(f"{ROUTE}/operations/by-correlation/c-async").json()
    assert later == operation
    assert later["result"]["proposal"]["current_state"] == "DRAFT"
    replay = client.post(ROUTE, json=body_of("async"), headers={"Idempotency-Key": "async"}).json()
    assert replay["proposal"]["current_state"] == "CANCELLED"
    assert replay["version"] == operation["result"]["version"]


@pytest.mark.parametrize(("change", "code"), [
    ({}, "ProposalNotFoundError"),
    ({"options": {}}, "ProposalNotFoundError"),
])  # fmt: skip
def test_a_version_of_an_unknown_proposal_fails_in_the_background(client, change, code):
    version = {key: value for key, value in body_of().items() if key != "metadata"}
    version["simulate_request"] = version["simulate_request"] | change
    accepted = client.post(f"{ROUTE}/pp_{'0' * 300}/versions/async", json=version).json()
    failed = eventually(lambda: (found := client.get(accepted["status_url"]).json())["finished_at"] and found)
    assert (failed["status"], failed["error"]["code"], failed["result"]) == ("FAILED", code, None)
    assert failed["error"]["message"].startswith("PROPOSAL_NOT_FOUND")


def test_a_version_that_a_proposal_cannot_have_fails_in_the_background(client):
    proposal_id = created(client, "background")
    version = {key: value for key, value in body_of().items() if key != "metadata"}
    version["simulate_request"]["portfolio_snapshot"]["portfolio_id"] = "elsewhere"
    accepted = client.post(f"{ROUTE}/{proposal_id}/versions/async", json=version).json()
    failed = eventually(lambda: (found := client.get(accepted["status_url"]).json())["finished_at"] and found)
    assert failed["error"]["code"] == "ProposalValidationError"
    assert failed["error"]["message"].startswith("PORTFOLIO_CONTEXT_MISMATCH")
    assert client.get(f"{ROUTE}/{proposal_id}").json()["proposal"]["current_version_no"] == 1


def test_names_of_a_key_may_be_those_of_routes(client):
    for key in ("approvals", "lineage", "workflow-events"):
        proposal_id = created(client, key)
        assert client.get(f"{ROUTE}/idempotency/{key}").json()["proposal_id"] == proposal_id


def test_a_version_number_beyond_all_is_not_found(client):
    proposal_id = created(client, "numbers")
    for number in (2, 2**31, 10**30):
        answer = client.get(f"{ROUTE}/{proposal_id}/versions/{number}")
        assert refusal(answer) == (404, "PROPOSAL_VERSION_NOT_FOUND")
