"""Models and rebalances over HTTP, beyond what the conformance suite asks: the built-in provider, limits, keys."""

import contextlib
import itertools
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

import httpx
import pyarrow as pa
import pytest
from pyarrow import parquet

from steelyard.infra.keys import DEVELOPMENT_KEY
from tests.api.conftest import serving
from tests.http_servers import serve
from tests.models.script import Script, ok

numbers = itertools.count(1)


def security(name):
    return name.ljust(24, "0")


def position(name, target, low="0.02", high="0.05"):
    return {"securityId": security(name), "target": target, "highDrift": high, "lowDrift": low}


PRICES = {"A": "33.37", "B": "101.5", "C": "7.77"}


@pytest.fixture
def holdings(anonymous):
    """Prices, and two portfolios of their own with cash only and with holdings; their ids."""
    one, two = (f"p{next(numbers)}" for _ in range(2))
    securities = [{"securityId": security(name), "ticker": name, "price": price} for name, price in PRICES.items()]
    anonymous.post("/api/v1/securities", json={"securities": securities}).raise_for_status()
    held = {security("A"): "100", security("B"): 200, security("C"): "50"}
    accounts = [{"portfolioId": one, "cash": "100000"}, {"portfolioId": two, "cash": 1000.55, "holdings": held}]
    anonymous.post("/api/v1/accounts", json={"accounts": accounts}).raise_for_status()
    return one, two


def create(client, *portfolios, positions=None, **more):
    body = {
        "name": f"model {next(numbers)}",
        "positions": positions or [position("A", "0.30"), position("B", "0.25")],
        "portfolios": list(portfolios),
        **more,
    }
    answer = client.post("/api/v1/models", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


def error(answer, status, code=None):
    """The error of a refusal, which has every field that requirement 001 gives it."""
    assert answer.status_code == status, answer.text
    body = answer.json()["error"]
    assert set(body) == {"code", "message", "details", "timestamp", "traceId"}
    assert all((body["message"], body["timestamp"], body["traceId"]))
    assert code in (None, body["code"])
    return body


def orders(result):
    return [(one["transactionType"], one["securityId"].rstrip("0"), one["quantity"]) for one in result["transactions"]]


def test_the_built_in_provider_serves_a_rebalance_with_nothing_else_installed(anonymous, holdings):
    model = create(anonymous, *holdings)
    cash_only, held = anonymous.post(f"/api/v1/model/{model['modelId']}/rebalance").json()
    assert orders(cash_only) == [("BUY", "A", 899), ("BUY", "B", 246)]
    assert orders(held) == [("SELL", "B", 138), ("SELL", "C", 50), ("BUY", "A", 125)]
    notes = {drift["securityId"].rstrip("0"): drift["reason"] for drift in held["drifts"]}
    assert notes == {"A": "NEAREST", "B": "NEAREST", "C": "NOT_IN_MODEL"}
    assert [drift["originalQuantity"] for drift in held["drifts"]] == ["100", "200", "50"]


def test_a_number_in_the_body_keeps_the_digits_that_were_written(anonymous):
    name = f"model {next(numbers)}"
    id_of_a = security("A")
    numbers_sent = '"target": 0.105, "high_drift": 0.100000000000000001, "low_drift": 1e-2'
    body = f'{{"name": "{name}", "positions": [{{"security_id": "{id_of_a}", {numbers_sent}}}]}}'
    answer = anonymous.post("/api/v1/models", content=body, headers={"Content-Type": "application/json"})
    (kept,) = answer.json()["positions"]
    assert kept == {
        "securityId": security("A"),
        "target": "0.105",
        "highDrift": "0.100000000000000001",
        "lowDrift": "0.01",
    }
    wrong = body.replace("0.105", "0.1050000000000000000001").replace(name, name + "x")
    answer = anonymous.post("/api/v1/models", content=wrong, headers={"Content-Type": "application/json"})
    assert "0.1050000000000000000001" in error(answer, 400, "TARGET_PRECISION")["message"]


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b"\xff",
        b"1" * 5_000,
        b"[" * 100_000,
        b'{"name": "x", "positions": NaN}',
        b'{"name": "x", "positions": [{"target": 1e99999999999999999999}]}',
        b'{"name": "\\ud800"}',
        b'{"name": "a\\u0000b"}',
        b'{"name": "  "}',
        b'{"name": 7}',
        b'{"name": "x", "portfolios": [" "]}',
        b'{"name": "x", "portfolios": ["a\\u0000"]}',
        b'{"name": "x", "portfolios": null}',
        b'{"name": "x", "options": {"lotsize": 10}}',
        b'{"name": "x", "options": {"lotSize": 0}}',
        b'{"name": "x", "options": {"mode": "RAISE_CASH"}}',
        b'{"name": "x", "options": {"equivalents": {"A": ["B"]}}}',
        b'{"name": "x", "options": {"minimumTrade": 1e9999}}',
    ],
)
def test_a_wrong_body_is_400_and_says_why(anonymous, raw):
    answer = anonymous.post("/api/v1/models", content=raw, headers={"Content-Type": "application/json"})
    error(answer, 400)


@pytest.mark.parametrize("value", [True, None, "", "1_0", "٣", "0x1", "Infinity", [], {}, "0." + "1" * 60, "1e5"])
@pytest.mark.parametrize("field", ["target", "highDrift", "lowDrift"])
def test_what_is_no_decimal_in_range_is_refused_by_name(anonymous, field, value):
    body = {"name": f"model {next(numbers)}", "positions": [position("A", "0.1") | {field: value}]}
    assert field in json.dumps(error(anonymous.post("/api/v1/models", json=body), 400))


def test_every_problem_of_a_document_is_listed(anonymous):
    body = {"name": "x", "positions": [position("A", "0.1"), position("A", "0.9"), position("short", "0.0001", "0.9")]}
    body["positions"][2]["securityId"] = "short"
    found = error(anonymous.post("/api/v1/models", json=body), 400)
    codes = {problem["code"] for problem in found["details"]["problems"]}
    assert {"SECURITY_ID_INVALID", "TARGET_PRECISION", "DRIFT_ORDER", "DUPLICATE_SECURITY"} <= codes


def test_other_refusals_have_the_same_body(anonymous):
    error(anonymous.patch("/api/v1/models"), 405, "METHOD_NOT_ALLOWED")
    error(anonymous.get("/api/v1/model/zz/nothing"), 404, "NOT_FOUND")
    error(anonymous.get("/api/v1/nothing"), 404, "NOT_FOUND")
    error(anonymous.get("/api/v1/model/zz"), 400, "ID_INVALID")
    error(anonymous.post("/api/v1/models", content=b" " * 10_000_001), 413)
    error(anonymous.get("/api/v1/models", params={"sort_by": "beauty"}), 400, "SORT_FIELD_UNKNOWN")
    error(anonymous.delete("/api/v1/model/" + "a" * 24), 400)
    assert "detail" in anonymous.get("/nothing").json()


def test_put_keeps_options_and_dates_that_it_does_not_name(anonymous, holdings):
    model = create(anonymous, *holdings, options={"neverSell": [security("C")], "lotSize": 10})
    path = f"/api/v1/model/{model['modelId']}"
    assert model["options"] == {"neverSell": [security("C")], "lotSize": 10}
    anonymous.post(f"{path}/rebalance").raise_for_status()
    rebalanced = anonymous.get(path).json()
    assert rebalanced["lastRebalanceDate"] is not None
    stale = {name: value for name, value in model.items() if name != "options"}  # with lastRebalanceDate null
    kept = anonymous.put(path, json=stale).json()
    assert (kept["options"], kept["lastRebalanceDate"]) == (model["options"], rebalanced["lastRebalanceDate"])
    reset = anonymous.put(path, json=kept | {"options": None, "lastRebalanceDate": "2020-01-01T00:00:00Z"}).json()
    assert (reset["options"], reset["lastRebalanceDate"]) == ({}, rebalanced["lastRebalanceDate"])


def test_a_model_round_trips_through_get_and_put(anonymous):
    model = create(anonymous, "p", positions=[position("A", "0.3000", low="0.010", high="1")])
    replaced = anonymous.put(f"/api/v1/model/{model['modelId']}", json=model).json()
    assert replaced == model | {"version": 2}


def test_options_of_the_request_come_over_those_of_the_model_one_by_one(anonymous, holdings):
    _, held = holdings
    model = create(anonymous, held, options={"neverSell": [security("C")]})
    path = f"/api/v1/model/{model['modelId']}/rebalance"
    (result,) = anonymous.post(path, json={"lotSize": 5}).json()
    assert orders(result) == [("SELL", "B", 140), ("BUY", "A", 125)]
    assert [drift["reason"] for drift in result["drifts"]] == ["NEAREST", "LOT", "NOT_ALLOWED"]
    (result,) = anonymous.post(path, json={"never_sell": []}).json()
    assert ("SELL", "C", 50) in orders(result)
    record = anonymous.get(f"/api/v1/rebalance/{result['rebalanceId']}").json()
    assert record["options"] == {}
    error(anonymous.post(path, json={"raiseCash": "10"}), 400, "RAISE_CASH_MISMATCH")
    (result,) = anonymous.post(path, json={"mode": "RAISE_CASH", "raiseCash": "20000"}).json()
    record = anonymous.get(f"/api/v1/rebalance/{result['rebalanceId']}").json()
    assert float(record["portfolios"][0]["cashAfterRebalance"]) >= 20000


def test_the_milp_solver_gives_the_same_orders(anonymous, holdings):
    model = create(anonymous, *holdings)
    path = f"/api/v1/model/{model['modelId']}/rebalance"
    exact, milp = (anonymous.post(path, params={"solver": name}, timeout=60).json() for name in ("exact", "cvxpy"))
    assert [orders(result) for result in exact] == [orders(result) for result in milp]


def test_one_key_is_one_record_and_one_answer_however_many_ask_at_once(anonymous, base_url, holdings):
    model = create(anonymous, *holdings)
    path = f"{base_url}/api/v1/model/{model['modelId']}/rebalance"
    barrier = threading.Barrier(10)

    def ask(_):
        barrier.wait()
        return httpx.post(path, headers={"Idempotency-Key": "once"}, timeout=30)

    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(ask, range(10)))
    answers.append(httpx.post(path, headers={"Idempotency-Key": "once"}, timeout=30))
    assert answers[-1].headers["Idempotent-Replayed"] == "true"
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    body = {"portfolios": list(holdings)}
    assert len(anonymous.post("/api/v1/rebalances/portfolios", json=body).json()) == 1
    other = anonymous.post(path, headers={"Idempotency-Key": "once"}, json={"lotSize": 2})
    error(other, 409, "IDEMPOTENCY_KEY_CONFLICT")
    error(anonymous.post(path, headers={"Idempotency-Key": ""}), 400)
    error(anonymous.post(path, headers={"Idempotency-Key": "k" * 201}), 400)


def test_a_refused_rebalance_leaves_its_key_free(anonymous, holdings):
    cash_only, _ = holdings
    model = create(anonymous, cash_only, positions=[position("B", "0.30", "0.0001", "0.0001")])
    path = f"/api/v1/model/{model['modelId']}"
    headers = {"Idempotency-Key": "again"}
    details = error(anonymous.post(f"{path}/rebalance", headers=headers), 422, "OPTIMIZATION_FAILED")["details"]
    assert (details["portfolioId"], details["solverStatus"]) == (cash_only, "INFEASIBLE")
    assert details["securities"] == [security("B")]
    wider = anonymous.put(f"{path}/position", json=position("B", "0.30"))
    assert wider.status_code == 200
    assert anonymous.post(f"{path}/rebalance", headers=headers).status_code == 200


def test_a_portfolio_of_several_models_needs_to_be_told_which(anonymous, holdings):
    cash_only, _ = holdings
    models = [create(anonymous, cash_only, positions=[position(name, "0.5")]) for name in "AB"]
    path = f"/api/v1/portfolio/{cash_only}/rebalance"
    refused = error(anonymous.post(path), 409, "PORTFOLIO_FOLLOWS_SEVERAL_MODELS")
    assert refused["details"]["modelIds"] == [model["modelId"] for model in models]
    chosen = anonymous.post(path, params={"modelId": models[1]["modelId"]}).json()
    assert [side_security[:2] for side_security in orders(chosen)] == [("BUY", "B")]


def test_an_id_with_any_character_can_be_rebalanced(anonymous, holdings):
    name = f"desk/7 ü?{next(numbers)}"
    accounts = {"accounts": [{"portfolioId": name, "cash": "100000"}]}
    anonymous.post("/api/v1/accounts", json=accounts).raise_for_status()
    create(anonymous, name)
    segment = quote(name, safe="")
    result = anonymous.post(f"/api/v1/portfolio/{segment}/rebalance").json()
    assert result["portfolioId"] == name
    assert len(anonymous.get(f"/api/v1/rebalance/{result['rebalanceId']}/portfolio/{segment}/positions").json()) == 2


def test_an_unknown_portfolio_fails_alone(anonymous, holdings):
    cash_only, _ = holdings
    model = create(anonymous, "nobody", cash_only)
    failed, served = anonymous.post(f"/api/v1/model/{model['modelId']}/rebalance").json()
    assert (failed["portfolioId"], failed["error"]["code"]) == ("nobody", "PORTFOLIO_NOT_FOUND")
    assert "steelyard models import" in failed["error"]["message"]
    assert len(served["transactions"]) == 2
    record = anonymous.get(f"/api/v1/rebalance/{served['rebalanceId']}").json()
    assert record["numberOfPortfolios"] == 1
    assert [one["portfolioId"] for one in record["portfolios"]] == [cash_only]
    error(anonymous.post("/api/v1/portfolio/nobody/rebalance"), 404, "PORTFOLIO_NOT_FOUND")


def test_a_model_without_portfolios_has_nothing_to_rebalance(anonymous):
    model = create(anonymous)
    assert anonymous.post(f"/api/v1/model/{model['modelId']}/rebalance").json() == []


def test_one_request_rebalances_so_many_portfolios_and_no_more(anonymous, monkeypatch):
    monkeypatch.setattr("steelyard.models.rebalancing.PORTFOLIOS_MAX", 2)
    monkeypatch.setattr("steelyard.models.monitor.PORTFOLIOS_MAX", 2)
    model = create(anonymous, "p1", "p2", "p3")
    refused = error(anonymous.post(f"/api/v1/model/{model['modelId']}/rebalance"), 413, "TOO_MANY_PORTFOLIOS")
    assert refused["details"] == {"portfolios": 3}
    error(anonymous.get("/api/v1/drift", params={"modelId": model["modelId"]}), 413, "TOO_MANY_PORTFOLIOS")


def test_a_stored_rebalance_is_read_in_parts_and_deleted_by_version(anonymous, holdings):
    model = create(anonymous, *holdings)
    results = anonymous.post(f"/api/v1/model/{model['modelId']}/rebalance").json()
    path = f"/api/v1/rebalance/{results[0]['rebalanceId']}"
    record = anonymous.get(path).json()
    assert anonymous.get(f"{path}/portfolios").json() == record["portfolios"]
    held = record["portfolios"][1]
    assert held["cashAfterRebalance"] == "11224.80"
    assert anonymous.get(f"{path}/portfolio/{holdings[1]}/positions").json() == held["positions"]
    sold = held["positions"][2]
    assert (sold["originalPositionMarketValue"], sold["adjustedPositionMarketValue"]) == ("388.50", "0.00")
    error(anonymous.get(f"{path}/portfolio/nobody/positions"), 404, "PORTFOLIO_NOT_IN_REBALANCE")
    error(anonymous.delete(path), 400)
    error(anonymous.delete(path, params={"version": 2}), 409, "VERSION_CONFLICT")
    assert anonymous.delete(path, params={"version": 1}).status_code == 204
    error(anonymous.get(path), 404, "REBALANCE_NOT_FOUND")


def test_drift_lists_who_is_outside_worst_first_and_stores_nothing(anonymous, holdings):
    model = create(anonymous, *holdings, "nobody")
    report = anonymous.get("/api/v1/drift", params={"modelId": model["modelId"]}).json()
    assert [one["portfolioId"] for one in report["portfolios"]] == [holdings[1], holdings[0]]
    assert [one["worst"] for one in report["portfolios"]] == ["0.5112", "0.2800"]
    assert [report[name] for name in ("numberOfPortfolios", "outside", "within", "failed")] == [3, 2, 0, 1]
    assert report["failures"][0]["error"]["code"] == "PORTFOLIO_NOT_FOUND"
    assert anonymous.post("/api/v1/rebalances/portfolios", json={"portfolios": list(holdings)}).json() == []
    page = anonymous.get("/api/v1/drift", params={"modelId": model["modelId"], "offset": 1, "limit": 1}).json()
    assert [one["portfolioId"] for one in page["portfolios"]] == [holdings[0]]


def test_holdings_and_prices_come_from_csv_and_parquet_alike(anonymous):
    portfolios = [f"p{next(numbers)}" for _ in range(2)]
    columns = {"portfolioId": portfolios[:1] * 2, "securityId": ["CASH", security("A")], "quantity": ["5.50", "10.7"]}
    lines = [",".join(columns), *(",".join(row) for row in zip(*columns.values(), strict=True))]
    csv = {"Content-Type": "text/csv; charset=utf-8"}
    text = "\r\n".join(lines).replace("portfolioId", "portfolio_id").encode()
    answer = anonymous.post("/api/v1/accounts/import", content=text, headers=csv)
    assert answer.json() == {"stored": 1}
    file = pa.BufferOutputStream()
    floats = {"quantity": [5.5, 10.7], "portfolioId": portfolios[1:] * 2}
    parquet.write_table(pa.table(columns | floats), file)
    headers = {"Content-Type": "application/vnd.apache.parquet"}
    answer = anonymous.post("/api/v1/accounts/import", content=file.getvalue().to_pybytes(), headers=headers)
    assert answer.json() == {"stored": 1}
    found = {one["portfolioId"]: one for one in anonymous.get("/api/v1/accounts", params={"limit": 1000}).json()}
    assert found[portfolios[0]] == {
        "portfolioId": portfolios[0],
        "name": None,
        "cash": "5.50",
        "holdings": {security("A"): "10.7"},
    }
    assert found[portfolios[1]]["holdings"] == {security("A"): "10.7"}
    body = f"securityId,ticker,price\n{security('Z')},ZZ,\n".encode()
    assert anonymous.post("/api/v1/securities/import", content=body, headers=csv).json() == {"stored": 1}
    listed = {one["securityId"]: one for one in anonymous.get("/api/v1/securities", params={"limit": 1000}).json()}
    assert listed[security("Z")] == {"securityId": security("Z"), "ticker": "ZZ", "price": None}


def test_the_document_describes_refusals_as_they_are(anonymous):
    document = anonymous.get("/openapi.json").json()
    for path in ("/api/v1/models", "/api/v1/portfolio/{portfolio_id}/rebalance", "/api/v1/accounts/import"):
        answers = document["paths"][path]["post"]["responses"]
        schemas = {status: answers[status]["content"]["application/json"]["schema"] for status in ("400", "422", "503")}
        assert {schema["$ref"].rsplit("/", 1)[1] for schema in schemas.values()} == {"RefusalView"}
    properties = document["components"]["schemas"]["RefusalErrorView"]["properties"]
    assert set(properties) == {"code", "message", "details", "timestamp", "traceId"}


def test_cors_lets_a_page_of_another_origin_ask(anonymous):
    headers = {"Origin": "http://desk.example", "Access-Control-Request-Method": "PUT"}
    answer = anonymous.options("/api/v1/models", headers=headers)
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, "*")
    assert "access-control-allow-credentials" not in answer.headers


def test_where_routes_are_not_open_a_key_with_the_scope_is_needed(tmp_path):
    with (
        serving(data_dir=tmp_path, role="api", open_routes_enabled=False) as address,
        httpx.Client(base_url=address) as client,
    ):
        error(client.get("/api/v1/models"), 401, "CREDENTIAL_MISSING")
        error(client.get("/api/v1/models", headers={"X-API-Key": "x" * 40}), 401)
        assert client.get("/api/v1/models", headers={"X-API-Key": DEVELOPMENT_KEY}).json() == []


def test_a_wrong_key_is_refused_where_none_is_needed(anonymous):
    error(anonymous.get("/api/v1/models", headers={"X-API-Key": "x" * 40}), 401)


def test_a_server_that_others_reach_is_never_open(tmp_path):
    with serving(data_dir=tmp_path, role="api", host="0.0.0.0") as address:
        error(httpx.get(f"{address}/api/v1/models"), 401, "CREDENTIAL_MISSING")


def test_upstream_calls_of_a_rebalance_are_counted_and_bounded(tmp_path):
    portfolios = [f"p{number}" for number in range(50)]
    names = [f"S{number:02}" for number in range(100)]
    held = [{"securityId": security(name), "netQuantity": 3} for name in names]
    upstream = Script(
        summary=ok({"cashBalance": "100000", "securities": held}),
        prices=ok([{"ticker": name, "close": 10} for name in names]),
        **{security(name): ok({"ticker": name}) for name in names},
        **{portfolio: ok({"name": f"{portfolio} pension"}) for portfolio in portfolios},
    )
    with contextlib.ExitStack() as stack:
        url = stack.enter_context(serve(upstream))
        urls = dict.fromkeys(("accounting_url", "pricing_url", "security_url", "portfolio_url"), url)
        bounded = {"role": "api", "upstream_calls_at_once_max": 8, **urls}
        address = stack.enter_context(serving(data_dir=tmp_path, **bounded))
        client = stack.enter_context(httpx.Client(base_url=address, timeout=60))
        model = create(client, *portfolios, positions=[position(name, "0.005", "0.004", "0.004") for name in names])
        for remembered in (False, True):
            upstream.paths.clear()
            results = client.post(f"/api/v1/model/{model['modelId']}/rebalance").json()
            assert [result["portfolioName"] for result in results] == [f"{one} pension" for one in portfolios]
            assert all(len(result["transactions"]) == 100 for result in results)
            expected = {"/summary": 50, "/prices": 1, "/security/": 100, "/portfolio/": 50}
            if remembered:
                expected |= {"/security/": 0, "/portfolio/": 0}
            assert {part: upstream.calls(part) for part in expected} == expected
            assert len(upstream.paths) == sum(expected.values())
        create(client, *portfolios[:25], positions=[position("S00", "0.5")])
        upstream.paths.clear()
        assert client.get("/api/v1/drift").json()["numberOfPortfolios"] == 75
        assert (upstream.calls("/summary"), upstream.calls("/prices"), len(upstream.paths)) == (50, 1, 51)
    assert upstream.at_once_most <= 2 * 8  # accounting and names, each within its bound


def test_an_outage_is_503_and_says_when_to_try_again(tmp_path):
    settings = {"role": "api", "accounting_url": "http://127.0.0.1:9", "upstream_pause_s": 0}
    with serving(data_dir=tmp_path, **settings) as address, httpx.Client(base_url=address) as client:
        model = create(client, "p1", "p2")
        answer = client.post(f"/api/v1/model/{model['modelId']}/rebalance")
        refused = error(answer, 503, "ACCOUNTING_UNAVAILABLE")
        assert int(answer.headers["Retry-After"]) > 0
        assert refused["details"]["failed"] == 2
        assert client.get("/api/v1/rebalances").json() == []
