"""Rebalances over HTTP, as the clients of requirement 003 use them."""

import copy
import json
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from steelyard.rebalance.limits import ROWS_MAX
from tests.api.conftest import serving

SWITCHED_ON = {
    "DPM_WORKFLOW_ENABLED": "true",
    "DPM_LINEAGE_APIS_ENABLED": "true",
    "DPM_IDEMPOTENCY_HISTORY_APIS_ENABLED": "true",
    "DPM_POLICY_PACKS_ENABLED": "true",
    "DPM_POLICY_PACK_ADMIN_APIS_ENABLED": "true",
    "DPM_POLICY_PACK_CATALOG_JSON": json.dumps({"slow": {"turnover_policy": {"max_turnover_pct": "0.05"}}}),
}


@pytest.fixture(scope="module")
def base_url(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        for name, value in SWITCHED_ON.items():
            patch.setenv(name, value)
        with serving(data_dir=tmp_path_factory.mktemp("data")) as address:
            yield address


@pytest.fixture
def client(base_url):
    """Requirement 003's clients send no credential."""
    with httpx.Client(base_url=base_url, timeout=60) as client:
        yield client


def request_of(portfolio_id="pf-1", **options):
    return {
        "portfolio_snapshot": {
            "portfolio_id": portfolio_id,
            "base_currency": "USD",
            "positions": [{"instrument_id": "EQ_A", "quantity": "100"}],
            "cash_balances": [{"currency": "USD", "amount": "0"}],
        },
        "market_data_snapshot": {
            "prices": [
                {"instrument_id": "EQ_A", "price": "100", "currency": "USD"},
                {"instrument_id": "FI_B", "price": "50", "currency": "USD"},
            ]
        },
        "model_portfolio": {"targets": [{"instrument_id": name, "weight": "0.5"} for name in ("EQ_A", "FI_B")]},
        "shelf_entries": [{"instrument_id": name, "status": "APPROVED"} for name in ("EQ_A", "FI_B")],
        "options": options,
    }


def batch_of(portfolio_id="pf-1", **scenarios):
    body = request_of(portfolio_id)
    del body["options"]
    return body | {"scenarios": {name: {"options": options} for name, options in scenarios.items()}}


def simulate(client, key, body=None, **headers):
    return client.post("/rebalance/simulate", json=body or request_of(), headers={"Idempotency-Key": key, **headers})


def faults(answer):
    assert answer.status_code == 422, answer.text
    return [(fault["type"], fault["loc"]) for fault in answer.json()["detail"]]


def test_a_replay_is_the_first_answer_byte_for_byte(client):
    first = simulate(client, "replay", **{"X-Correlation-Id": "corr-1"})
    again = simulate(client, "replay", **{"X-Correlation-Id": "corr-2"})
    assert first.status_code == again.status_code == 200
    assert first.content == again.content
    assert first.json()["correlation_id"] == "corr-1"


def test_fifty_requests_at_once_with_one_key_have_one_effect(client):
    body = request_of("pf-fifty")
    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda _: simulate(client, "fifty", body), range(50)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    assert len(client.get("/rebalance/runs", params={"portfolio_id": "pf-fifty"}).json()["items"]) == 1


def test_a_key_with_another_request_is_a_conflict(client):
    simulate(client, "conflict")
    refused = simulate(client, "conflict", request_of(cash_band_max_weight="0.5"))
    assert refused.status_code == 409
    assert refused.json()["detail"] == "IDEMPOTENCY_KEY_CONFLICT: request hash mismatch"


def test_what_is_asked_the_careful_way_has_the_hash_of_the_quick_one(client):
    # A whole number written as 2.0 is for the careful way only.
    body = request_of("pf-careful")
    first = simulate(client, "careful", body)
    spelled = copy.deepcopy(body)
    spelled["shelf_entries"][0]["settlement_days"] = 2.0
    assert simulate(client, "careful", spelled).content == first.content


def test_a_request_without_key_and_options_is_told_both(client):
    body = request_of()
    del body["options"]
    answer = client.post("/rebalance/simulate", json=body)
    assert faults(answer) == [("missing", ["header", "Idempotency-Key"]), ("missing", ["body", "options"])]


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
@pytest.mark.parametrize("as_text", [True, False])
def test_numbers_that_are_none_are_refused(client, number, as_text):
    raw = json.dumps(request_of()).replace('"price": "100"', f'"price": {json.dumps(number) if as_text else number}')
    headers = {"Idempotency-Key": "nan", "Content-Type": "application/json"}
    answer = client.post("/rebalance/simulate", content=raw, headers=headers)
    (kind, place) = faults(answer)[0]
    assert place == ["body", "market_data_snapshot", "prices", 0, "price"]
    assert kind in {"finite_number", "value_error"}


@pytest.mark.parametrize(
    ("raw", "content_type", "kind"),
    [
        (b"", "application/json", "missing"),
        (b"{", "application/json", "json_invalid"),
        (b"[1]", "application/json", "model_attributes_type"),
        (b'"text"', "application/json", "model_attributes_type"),
        (json.dumps(request_of()).encode(), "text/plain", "model_attributes_type"),
        (b'{"options": "\\ud800"}', "application/json", "missing"),
    ],
)
def test_bodies_that_are_no_request_are_explained(client, raw, content_type, kind):
    headers = {"Idempotency-Key": "body", "Content-Type": content_type}
    answer = client.post("/rebalance/simulate", content=raw, headers=headers)
    assert faults(answer)[0][0] == kind


@pytest.mark.parametrize("raw", [b"\xff\xfe{", b"[" * 100_000, b'{"a": ' + b"9" * 10_000 + b"}"])
def test_bodies_that_cannot_be_read_are_the_clients_fault(client, raw):
    headers = {"Idempotency-Key": "unreadable", "Content-Type": "application/json"}
    for path in ("simulate", "analyze", "analyze/async", "runs/rr_00000000/workflow/actions"):
        answer = client.post(f"/rebalance/{path}", content=raw, headers=headers)
        assert faults(answer)[0][0] == "json_invalid"
    answer = client.put("/rebalance/policies/catalog/slow", content=raw, headers=headers)
    assert faults(answer)[0][0] == "json_invalid"


def test_a_deeply_nested_input_is_refused_without_being_shown(client):
    raw = b'{"portfolio_snapshot":' * 400 + b"1" + b"}" * 400
    headers = {"Idempotency-Key": "deep", "Content-Type": "application/json"}
    assert client.post("/rebalance/simulate", content=raw, headers=headers).status_code == 422


def test_hostile_sizes_meet_named_limits(client):
    many = request_of()
    many["model_portfolio"]["targets"] = [{"instrument_id": "EQ_A", "weight": "0"}] * (ROWS_MAX + 1)
    assert faults(simulate(client, "many", many)) == [("too_long", ["body", "model_portfolio", "targets"])]
    assert faults(simulate(client, "k" * 201)) == [("string_too_long", ["header", "Idempotency-Key"])]
    long_id = [("string_too_long", ["body", "portfolio_snapshot", "portfolio_id"])]
    assert faults(simulate(client, "long", request_of("p" * 201))) == long_id
    huge = b'{"portfolio_snapshot": "' + b"x" * 10_000_001 + b'"}'
    headers = {"Idempotency-Key": "huge", "Content-Type": "application/json"}
    assert client.post("/rebalance/simulate", content=huge, headers=headers).status_code == 413


def test_an_input_is_shown_but_not_at_length(client):
    answer = simulate(client, "shown", request_of() | {"options": "x" * 100_000})
    assert len(answer.content) < 3_000
    assert answer.json()["detail"][0]["input"].startswith("xxx")


def test_a_run_is_found_by_all_its_names(client):
    answer = simulate(client, "named", request_of("pf-named"), **{"X-Correlation-Id": "corr-named"})
    run, hashed = answer.json()["rebalance_run_id"], answer.json()["lineage"]["request_hash"]
    for path in (run, "by-correlation/corr-named", f"by-request-hash/{hashed}"):
        found = client.get(f"/rebalance/runs/{path}").json()
        assert found["rebalance_run_id"] == run
        assert found["result"] == answer.json()
    assert client.get("/rebalance/runs/idempotency/named").json()["rebalance_run_id"] == run


def test_a_naive_time_is_utc(client):
    simulate(client, "naive", request_of("pf-naive"))
    times = {"portfolio_id": "pf-naive", "from": "2000-01-01T00:00:00", "to": "2999-01-01"}
    assert len(client.get("/rebalance/runs", params=times).json()["items"]) == 1


def test_an_analysis_records_a_run_of_each_scenario(client):
    body = batch_of("pf-batch", base={}, half={"max_turnover_pct": "0.1"}, wrong={"fx_settlement_days": 99})
    answer = client.post("/rebalance/analyze", json=body, headers={"X-Correlation-Id": "what-if"}).json()
    assert set(answer["results"]) == {"base", "half"}
    assert answer["failed_scenarios"]["wrong"].startswith("INVALID_OPTIONS: ")
    assert answer["warnings"] == ["PARTIAL_BATCH_FAILURE"]
    found = client.get("/rebalance/runs/by-correlation/what-if:half").json()
    assert found["result"] == answer["results"]["half"]
    assert found["request_hash"] == f"{answer['batch_run_id']}:half"


def test_an_operation_ends_with_the_analysis(client):
    accepted = client.post("/rebalance/analyze/async", json=batch_of("pf-async", base={}))
    assert accepted.status_code == 202
    body = accepted.json()
    assert body["status"] == "PENDING"
    assert accepted.headers.get_list("x-correlation-id") == [body["correlation_id"]]
    ended = client.get(body["status_url"]).json()
    assert ended["status"] == "SUCCEEDED"
    assert ended["created_at"] <= ended["started_at"] <= ended["finished_at"]
    assert ended["result"]["results"]["base"]["status"] == "READY"
    again = client.post(body["execute_url"])
    assert (again.status_code, again.json()["detail"]) == (409, "DPM_ASYNC_OPERATION_NOT_EXECUTABLE")


def test_packs_are_put_used_and_deleted(client):
    pack = {"version": "3", "turnover_policy": {"max_turnover_pct": "0"}}
    url = "/rebalance/policies/catalog/frozen"
    assert client.put(url, json=pack).json()["item"]["turnover_policy"] == {"max_turnover_pct": "0"}
    assert [item["policy_pack_id"] for item in client.get("/rebalance/policies/catalog").json()["items"]] == [
        "frozen",
        "slow",
    ]
    frozen = simulate(client, "frozen", request_of("pf-frozen"), **{"X-Policy-Pack-Id": "frozen"}).json()
    assert frozen["intents"] == []
    assert client.delete(url).status_code == 204
    assert client.get(url).json()["detail"] == "DPM_POLICY_PACK_NOT_FOUND"
    assert client.delete("/rebalance/policies/catalog/slow").status_code == 204
    assert client.get("/rebalance/policies/catalog").json()["total"] == 0
    assert faults(client.put(url, json={"version": "1", "tax_policy": {"max_realized_capital_gains": "-1"}}))


def test_a_pack_with_a_bad_body_names_the_field(client):
    answer = client.put("/rebalance/policies/catalog/x", json={})
    assert faults(answer) == [("missing", ["body", "version"])]


def test_a_wrong_credential_is_refused_even_where_none_is_needed(client):
    refused = client.get("/rebalance/runs", headers={"X-API-Key": "sy_wrong"})
    assert (refused.status_code, refused.json()["detail"]) == (401, "KEY_REFUSED")


def test_an_unknown_route_below_ours_answers_as_fastapi_does(client):
    for accepted in ("*/*", "text/html"):  # a browser is told so too, not shown a page
        answer = client.get("/rebalance/nothing/here", headers={"Accept": accepted})
        assert (answer.status_code, answer.json()) == (404, {"detail": "Not Found"})
