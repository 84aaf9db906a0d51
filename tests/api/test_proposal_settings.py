"""What the variables of proposals change, seen over HTTP, and what a race or a restart does not change."""

from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.api.conftest import serving
from tests.api.processes import server_process
from tests.api.test_proposals import ROUTE, SOFT, approved, body_of, created, moved, refusal, timeline


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


def test_four_eyes_are_two_people_who_did_not_make_it(served):
    client = served(PROPOSAL_FOUR_EYES_REQUIRED="true")
    proposal_id = created(client, "eyes")
    moved(client, proposal_id, "SUBMITTED_FOR_RISK_REVIEW", "DRAFT")
    past = moved(client, proposal_id, "RISK_APPROVED", "RISK_REVIEW")
    assert refusal(past) == (422, "FOUR_EYES_APPROVAL_REQUIRED")
    author = approved(client, proposal_id, "RISK", "RISK_REVIEW", "Adviser")
    assert (refusal(author), "'Adviser'" in author.json()["message"]) == ((422, "FOUR_EYES_AUTHOR"), True)
    first = approved(client, proposal_id, "RISK", "RISK_REVIEW", "ann").json()
    assert first["current_state"] == "RISK_REVIEW"
    assert first["approval"]["details"]["four_eyes"] == {"given": 1, "needed": 2}
    assert refusal(approved(client, proposal_id, "RISK", "RISK_REVIEW", "ann")) == (409, "FOUR_EYES_SAME_APPROVER")
    assert (
        approved(client, proposal_id, "RISK", "RISK_REVIEW", "bob").json()["current_state"] == "AWAITING_CLIENT_CONSENT"
    )
    assert len(timeline(client, proposal_id)) == 4


def test_an_override_is_written_where_everybody_reads_it(served):
    client = served(PROPOSAL_OVERRIDE_NOTE_REQUIRED="true")
    proposal_id = created(client, "soft", body_of(**SOFT))
    moved(client, proposal_id, "SUBMITTED_FOR_RISK_REVIEW", "DRAFT")
    silent = approved(client, proposal_id, "RISK", "RISK_REVIEW", "ann")
    assert silent.json()["detail"] == "OVERRIDE_NOTE_REQUIRED: SOFT_RULE_FAIL:CASH_BAND"
    spoken = approved(client, proposal_id, "RISK", "RISK_REVIEW", "ann", override_note="cash is for March")
    override = {"note": "cash is for March", "version_no": 1, "overridden": ["SOFT_RULE_FAIL:CASH_BAND"]}
    assert spoken.json()["latest_workflow_event"]["reason"]["override"] == override
    approvals = client.get(f"{ROUTE}/{proposal_id}/approvals").json()["approvals"]
    assert [approval["details"]["override"] for approval in approvals] == [override]


def test_the_flags_are_asked_for_after_the_body_and_the_lifecycle_before_the_rest(served):
    client = served(PROPOSAL_WORKFLOW_LIFECYCLE_ENABLED="no", PROPOSAL_SUPPORT_APIS_ENABLED="no")
    headers = {"Idempotency-Key": "k"}
    assert client.post(ROUTE, json={}, headers=headers).status_code == 422
    gone = (404, "PROPOSAL_WORKFLOW_LIFECYCLE_DISABLED")
    assert refusal(client.post(ROUTE, json=body_of(), headers=headers)) == gone
    for path in ("pp_x", "pp_x/versions/1", "pp_x/lineage", "pp_x/approvals", "idempotency/k", "operations/pop_x"):
        assert refusal(client.get(f"{ROUTE}/{path}")) == gone
    request = body_of()["simulate_request"]
    assert client.post(f"{ROUTE}/simulate", json=request, headers=headers).status_code == 200
    config = client.get(f"{ROUTE}/supportability/config").json()
    assert (config["lifecycle_enabled"], config["support_apis_enabled"]) == (False, False)


def test_without_the_address_of_its_store_a_proposal_is_unavailable_before_all_else(served):
    client = served(PROPOSAL_STORE_BACKEND="POSTGRES", PROPOSAL_WORKFLOW_LIFECYCLE_ENABLED="no")
    missing = (503, "PROPOSAL_POSTGRES_DSN_REQUIRED")
    assert refusal(client.post(ROUTE, json={}, headers={"Idempotency-Key": "k"})) == missing
    assert refusal(client.post(ROUTE, json=body_of(), headers={"Idempotency-Key": "k"})) == missing
    assert refusal(client.get(f"{ROUTE}/pp_x/lineage")) == missing
    config = client.get(f"{ROUTE}/supportability/config").json()
    assert (config["backend_ready"], config["backend_init_error"]) == (False, missing[1])
    assert config["store_backend"] == "POSTGRES"


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def environment(request):
    """What makes a server keep its data in either database."""
    if request.param == "sqlite":
        return {}
    return {"STEELYARD_DATABASE_URL": request.getfixturevalue("postgres_url")}


def test_of_racing_approvers_one_moves_and_all_replays_survive_a_restart(environment, tmp_path):
    with server_process(tmp_path, environment) as server, httpx.Client(base_url=server.url, timeout=60) as client:
        first = client.post(ROUTE, json=body_of("race"), headers={"Idempotency-Key": "race"})
        proposal_id = first.json()["proposal"]["proposal_id"]
        move = moved(client, proposal_id, "SUBMITTED_FOR_RISK_REVIEW", "DRAFT", key="m")
        with ThreadPoolExecutor(8) as pool:
            racing = [
                pool.submit(approved, client, proposal_id, "RISK", "RISK_REVIEW", f"officer-{number}")
                for number in range(8)
            ]
            answers = [one.result() for one in racing]
            same = [pool.submit(created, client, "same", body_of("same")) for _ in range(8)]
            assert len({one.result() for one in same}) == 1
        lost = [refusal(answer) for answer in answers if answer.status_code != 200]
        assert lost == [(409, "STATE_CONFLICT")] * 7
        assert [event for event, _ in timeline(client, proposal_id)].count("RISK_APPROVED") == 1
        assert len(client.get(f"{ROUTE}/{proposal_id}/approvals").json()["approvals"]) == 1
        request = body_of("race")["simulate_request"]
        simulated = [_raw(client, name, request) for name in ("simulate", "artifact")]
        version = client.get(f"{ROUTE}/{proposal_id}/versions/1").content
        shown = client.get(f"{ROUTE}/{proposal_id}").content
    with server_process(tmp_path, environment) as server, httpx.Client(base_url=server.url, timeout=60) as client:
        assert moved(client, proposal_id, "SUBMITTED_FOR_RISK_REVIEW", "DRAFT", key="m").content == move.content
        assert [_raw(client, name, request) for name in ("simulate", "artifact")] == simulated
        assert client.get(f"{ROUTE}/{proposal_id}/versions/1").content == version
        assert client.get(f"{ROUTE}/{proposal_id}").content == shown
        replay = client.post(ROUTE, json=body_of("race"), headers={"Idempotency-Key": "race"}).json()
        assert replay["version"] == first.json()["version"]
        assert replay["proposal"]["current_state"] == "AWAITING_CLIENT_CONSENT"


def _raw(client, name, request):
    return client.post(f"{ROUTE}/{name}", json=request, headers={"Idempotency-Key": "raw"}).content
