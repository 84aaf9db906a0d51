"""Books over HTTP: a rebalance of every portfolio of many models, on a real server with a real worker."""

import csv
import io
import itertools
import json
from collections import Counter

import httpx
import pytest

from tests.api.conftest import eventually
from tests.api.test_models import PRICES, create, error, orders, security

BATCHES = "/api/v1/rebalance-batches"
numbers = itertools.count(1)


@pytest.fixture(scope="module")
def prices(base_url):
    listed = [{"securityId": security(name), "ticker": name, "price": price} for name, price in PRICES.items()]
    httpx.post(f"{base_url}/api/v1/securities", json={"securities": listed}).raise_for_status()


@pytest.fixture
def desk(anonymous, prices):
    """Makes a model with so many portfolios of their own; the model and their ids."""

    def make(count, **more):
        ids = [f"desk{next(numbers)}" for _ in range(count)]
        accounts = [
            {
                "portfolioId": one,
                "cash": str(1_000 * n + 5_000),
                "holdings": {security("A"): str(n), security("B"): f"{2 * n}.00", security("C"): str(n % 3)},
            }
            for n, one in enumerate(ids)
        ]
        anonymous.post("/api/v1/accounts", json={"accounts": accounts}).raise_for_status()
        return create(anonymous, *ids, **more), ids

    return make


def submit(client, key=None, **body):
    answer = client.post(BATCHES, json=body, headers={"Idempotency-Key": key} if key else {})
    assert answer.status_code == 202, answer.text
    return answer.json()


def done(client, batch, **within):
    """The batch once it has ended."""

    def look():
        now = client.get(batch["statusUrl"]).json()
        return now if now["status"] not in {"queued", "running"} else None

    return eventually(look, **within)


def portfolios(client, batch, **query):
    """All pages of the portfolios, three at a time."""
    found, cursor = [], None
    while True:
        asked = {"limit": 3, **query, **({"cursor": cursor} if cursor else {})}
        page = client.get(f"{batch['statusUrl']}/portfolios", params=asked).json()
        found += page["portfolios"]
        cursor = page["nextCursor"]
        if cursor is None:
            return found


def events(client, batch):
    with client.stream("GET", batch["streamUrl"]) as stream:
        assert stream.status_code == 200
        return [json.loads(line.removeprefix("data: ")) for line in stream.iter_lines() if line.startswith("data: ")]


def test_a_book_gives_each_portfolio_what_its_own_rebalance_gives(anonymous, desk):
    model, ids = desk(8)
    alone = anonymous.post(f"/api/v1/model/{model['modelId']}/rebalance").json()
    batch = submit(anonymous, modelIds=[model["modelId"]])
    assert (batch["status"], batch["portfolios"]["total"]) == ("queued", 8)
    assert events(anonymous, batch)[-1]["done"] is True
    ended = done(anonymous, batch)
    assert ended["status"] == "completed"
    assert ended["portfolios"] == {"total": 8, "rebalanced": 8, "failed": 0, "pending": 0}
    assert [one["portfolioId"] for one in portfolios(anonymous, batch)] == ids
    for one in alone:
        same = anonymous.get(f"{batch['statusUrl']}/portfolio/{one['portfolioId']}").json()
        assert {**same, "rebalanceId": ""} == {**one, "rebalanceId": ""}
        stored = anonymous.get(f"/api/v1/rebalance/{one['rebalanceId']}/portfolios").json()
        record = anonymous.get(f"{batch['statusUrl']}/portfolio/{one['portfolioId']}/positions").json()
        assert record in stored
    assert anonymous.get(f"/api/v1/model/{model['modelId']}").json()["lastRebalanceDate"] >= batch["createdAt"]


def test_blocks_are_the_sum_of_the_portfolios_orders_and_their_allocations_add_up(anonymous, desk):
    model, ids = desk(20)
    batch = submit(anonymous, modelIds=[model["modelId"]])
    done(anonymous, batch)
    wanted: Counter[tuple[str, str]] = Counter()
    for one in ids:
        for side, name, quantity in orders(anonymous.get(f"{batch['statusUrl']}/portfolio/{one}").json()):
            wanted[side, security(name)] += quantity
    blocks = anonymous.get(f"{batch['statusUrl']}/blocks").json()
    assert {(one["side"], one["securityId"]): one["quantity"] for one in blocks} == wanted
    assert [one["side"] for one in blocks] == sorted((one["side"] for one in blocks), reverse=True)
    assert done(anonymous, batch)["blocks"] == len(blocks)
    for block in blocks:
        url = f"{batch['statusUrl']}/blocks/{block['side']}/{block['securityId']}"
        for filled in (None, block["quantity"] // 3, 0):
            whole = anonymous.get(url, params={} if filled is None else {"filled": filled}).json()
            shared = sum(one["quantity"] for one in whole["allocations"])
            assert shared == whole["filled"] == (block["quantity"] if filled is None else filled)
        assert error(anonymous.get(url, params={"filled": block["quantity"] + 1}), 400, "FILL_OUT_OF_RANGE")


def test_blocks_leave_as_csv_and_as_fix_messages(anonymous, desk):
    model, _ = desk(5)
    batch = submit(anonymous, modelIds=[model["modelId"]])
    done(anonymous, batch)
    blocks = anonymous.get(f"{batch['statusUrl']}/blocks").json()
    table = anonymous.get(f"{batch['statusUrl']}/blocks", params={"format": "csv"})
    assert table.headers["Content-Type"].startswith("text/csv")
    summed: Counter[tuple[str, str, int]] = Counter()
    for row in csv.DictReader(io.StringIO(table.text)):
        summed[row["side"], row["securityId"], int(row["blockQuantity"])] += int(row["quantity"])
    assert summed == {(one["side"], one["securityId"], one["quantity"]): one["quantity"] for one in blocks}
    names = {"format": "fix", "sender": "US", "target": "THEM"}
    messages = anonymous.get(f"{batch['statusUrl']}/blocks", params=names).text.splitlines()
    assert len(messages) == len(blocks)
    for sequence, (message, block) in enumerate(zip(messages, blocks, strict=True), start=1):
        fields = [field.split("=", 1) for field in message.strip("\x01").split("\x01")]
        values = dict(fields)
        assert (values["34"], values["49"], values["56"]) == (str(sequence), "US", "THEM")
        assert (values["55"], values["38"]) == (block["securityId"], str(block["quantity"]))
        assert sum(int(value) for tag, value in fields if tag == "80") == block["quantity"]


def test_a_portfolio_that_fails_says_why_and_the_others_get_their_orders(anonymous, desk):
    model, ids = desk(4)
    model = anonymous.post(f"/api/v1/model/{model['modelId']}/portfolio", json={"portfolios": ["nobody"]}).json()
    overdrawn = {"portfolioId": ids[1], "cash": "-1", "holdings": {security("A"): "10"}}
    anonymous.post("/api/v1/accounts", json={"accounts": [overdrawn]}).raise_for_status()
    batch = submit(anonymous, modelIds=[model["modelId"]])
    ended = done(anonymous, batch)
    assert ended["status"] == "completed"
    assert ended["portfolios"] == {"total": 5, "rebalanced": 3, "failed": 2, "pending": 0}
    failed = portfolios(anonymous, batch, status="FAILED")
    assert [(one["portfolioId"], one["error"]["code"]) for one in failed] == [
        (ids[1], "NEGATIVE_CASH"),
        ("nobody", "PORTFOLIO_NOT_FOUND"),
    ]
    assert failed[0]["error"]["details"]["cash"] == "-1"
    assert len(portfolios(anonymous, batch, status="REBALANCED")) == 3
    assert anonymous.get(f"{batch['statusUrl']}/portfolio/nobody").json()["error"]["code"] == "PORTFOLIO_NOT_FOUND"


def test_fractions_and_options_go_through_a_book_too(anonymous, desk):
    model, ids = desk(3, options={"lotSize": 5})
    fraction = {"portfolioId": ids[0], "cash": "9000", "holdings": {security("A"): "10.25"}}
    anonymous.post("/api/v1/accounts", json={"accounts": [fraction]}).raise_for_status()
    for options in (None, {"lotSize": 1}, {"mode": "BUY_ONLY"}):
        url = f"/api/v1/model/{model['modelId']}/rebalance"
        alone = anonymous.post(url, json=options).json()
        batch = submit(anonymous, modelIds=[model["modelId"]], **({} if options is None else {"options": options}))
        done(anonymous, batch)
        for one in alone:
            same = anonymous.get(f"{batch['statusUrl']}/portfolio/{one['portfolioId']}").json()
            assert {**same, "rebalanceId": ""} == {**one, "rebalanceId": ""}


def test_a_portfolio_of_two_models_of_a_book_gets_no_orders_and_is_told_which(anonymous, desk):
    first, ids = desk(2)
    second = create(anonymous, ids[0])
    batch = submit(anonymous, modelIds=[first["modelId"], second["modelId"]])
    assert done(anonymous, batch)["portfolios"] == {"total": 3, "rebalanced": 1, "failed": 2, "pending": 0}
    for one in portfolios(anonymous, batch, status="FAILED"):
        assert one["error"]["code"] == "PORTFOLIO_FOLLOWS_SEVERAL_MODELS"
        assert one["error"]["details"]["modelIds"] == [first["modelId"], second["modelId"]]


def test_one_key_is_one_book(anonymous, desk):
    model, _ = desk(2)
    body = {"modelIds": [model["modelId"]], "tradeDate": "2026-03-02"}
    key = f"book-{next(numbers)}"
    first = submit(anonymous, key, **body)
    again = anonymous.post(BATCHES, json=body, headers={"Idempotency-Key": key})
    assert (again.json(), again.headers["Idempotent-Replayed"]) == (first, "true")
    other = anonymous.post(BATCHES, json={**body, "tradeDate": "2026-03-03"}, headers={"Idempotency-Key": key})
    error(other, 409, "IDEMPOTENCY_KEY_CONFLICT")
    done(anonymous, first)
    order = anonymous.get(f"{first['statusUrl']}/portfolio/{portfolios(anonymous, first)[0]['portfolioId']}").json()
    assert {one["tradeDate"] for one in order["transactions"]} == {"2026-03-02"}
    assert submit(anonymous, **body)["batchId"] != first["batchId"]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 400, "VALIDATION_ERROR"),
        ({"all": True, "modelIds": ["0" * 24]}, 400, "VALIDATION_ERROR"),
        ({"modelIds": []}, 400, "VALIDATION_ERROR"),
        ({"modelIds": ["x"]}, 400, "ID_INVALID"),
        ({"modelIds": ["0" * 24]}, 404, "MODEL_NOT_FOUND"),
        ({"all": True, "tradeDate": "soon"}, 400, "VALIDATION_ERROR"),
        ({"all": True, "options": {"lotsize": 3}}, 400, "VALIDATION_ERROR"),
        ({"all": True, "options": {"mode": "RAISE_CASH"}}, 400, "RAISE_CASH_MISMATCH"),
    ],
)
def test_a_book_that_makes_no_sense_is_refused_when_it_is_submitted(anonymous, desk, body, status, code):
    desk(1)
    error(anonymous.post(BATCHES, json=body), status, code)


def test_what_is_not_there_is_404(anonymous, desk):
    model, _ = desk(1)
    batch = submit(anonymous, modelIds=[model["modelId"]])
    done(anonymous, batch)
    error(anonymous.get(f"{BATCHES}/book_x"), 404, "BATCH_NOT_FOUND")
    error(anonymous.get(f"{BATCHES}/book_x/stream"), 404)
    error(anonymous.delete(f"{BATCHES}/book_x"), 404, "BATCH_NOT_FOUND")
    error(anonymous.get(f"{batch['statusUrl']}/portfolio/other"), 404, "PORTFOLIO_NOT_IN_BATCH")
    error(anonymous.get(f"{batch['statusUrl']}/blocks/SELL/other"), 404, "BLOCK_NOT_FOUND")
    error(anonymous.get(f"{batch['statusUrl']}/portfolios", params={"cursor": "x"}), 400, "INVALID_CURSOR")
    error(anonymous.post(f"{batch['statusUrl']}/resume"), 409, "JOB_NOT_RESUMABLE")
