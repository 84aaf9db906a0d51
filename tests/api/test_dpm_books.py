"""Whole DPM books over HTTP, on a real server with a real worker, on both databases."""

import csv
import io
import json
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import httpx
import pytest

from steelyard.rebalance.api import simulate
from tests.api.conftest import eventually, key_of, serving
from tests.rebalance.book_desk import account, book_body, single_of

BOOK, SNAPSHOTS = "/rebalance/book", "/rebalance/snapshots"
PACKS = {
    "DPM_POLICY_PACKS_ENABLED": "true",
    "DPM_POLICY_PACK_CATALOG_JSON": json.dumps({"slow": {"turnover_policy": {"max_turnover_pct": "0.01"}}}),
}
LIMIT_BYTES = 40_000


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def stored(request, tmp_path_factory):
    """Where the server keeps things."""
    place = {"data_dir": tmp_path_factory.mktemp("data")}
    if request.param == "postgresql":
        place["database_url"] = request.getfixturevalue("postgres_url")
    return place


@pytest.fixture(scope="module")
def base_url(stored):
    with pytest.MonkeyPatch.context() as patch:
        for name, value in PACKS.items():
            patch.setenv(name, value)
        with serving(**stored, body_bytes_max=LIMIT_BYTES, book_body_bytes_max=4 * LIMIT_BYTES) as address:
            yield address


@pytest.fixture(scope="module")
def client(base_url):
    with httpx.Client(base_url=base_url, timeout=60) as client:
        yield client


@pytest.fixture(scope="module")
def stranger(base_url, stored):
    """Somebody of another tenant."""
    secret = key_of("zeta", **stored)
    with httpx.Client(base_url=base_url, timeout=60, headers={"X-API-Key": secret}) as client:
        yield client


def submit(client, body, key=None, **headers):
    named = {"Idempotency-Key": key} if key else {}
    answer = client.post(BOOK, json=body, headers={**named, **headers})
    assert answer.status_code == 202, answer.text
    return answer.json()


def done(client, book, *, seconds=30):
    """The book once it has ended."""

    def look():
        now = client.get(book["status_url"]).json()
        return now if now["status"] not in {"queued", "running"} else None

    return eventually(look, seconds=seconds)


def all_items(client, url, **query):
    """All pages, seven at a time."""
    found, cursor = [], None
    while True:
        page = client.get(url, params={"limit": 7, **query, **({"cursor": cursor} if cursor else {})}).json()
        found += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            return found


def refused(answer, status, detail=None):
    assert answer.status_code == status, answer.text
    if detail is not None:
        assert answer.json()["detail"] == detail
    return answer.json()


@pytest.fixture(scope="module")
def body():
    """A book of which some accounts are ready, some wait for a review, one is blocked and two fail."""
    body = book_body(range(20))
    body["portfolios"][3]["options"] = {"cash_band_max_weight": "0.001"}
    body["portfolios"][5]["portfolio_snapshot"]["positions"].append({"instrument_id": "UNKNOWN", "quantity": "7"})
    body["portfolios"][7]["model"] = "gone"
    body["portfolios"].append({"snapshot_name": "nowhere", "model": "calm"})
    return body


@pytest.fixture(scope="module")
def book(client, body):
    return done(client, submit(client, body, **{"X-Correlation-Id": "corr-book"}))


def test_a_book_tells_what_became_of_its_accounts(client, book, body):
    assert (book["status"], book["progress"], book["pending_count"]) == ("completed", 100, 0)
    assert book["status_counts"] == {"READY": 17, "PENDING_REVIEW": 1, "BLOCKED": 1, "FAILED": 2}
    assert (book["portfolio_count"], book["correlation_id"], book["error"]) == (21, "corr-book", None)
    items = all_items(client, book["accounts_url"])
    assert [one["portfolio_id"] for one in items] == [f"pf-{n:03d}" for n in range(20)] + ["nowhere"]
    assert Counter(one["status"] for one in items) == Counter(book["status_counts"])
    causes = {one["portfolio_id"]: (one["status"], one["error"] and one["error"]["code"]) for one in items}
    assert causes["pf-007"] == ("FAILED", "MODEL_NOT_FOUND")
    assert causes["nowhere"] == ("FAILED", "SNAPSHOT_NOT_FOUND")
    assert causes["pf-003"] == ("PENDING_REVIEW", None)
    assert items[5]["status"] == "BLOCKED"
    assert items[5]["reasons"]


def test_accounts_are_found_by_status_and_by_a_part_of_their_id(client, book):
    assert [one["portfolio_id"] for one in all_items(client, book["accounts_url"], status="FAILED")] == [
        "pf-007",
        "nowhere",
    ]
    assert [one["portfolio_id"] for one in all_items(client, book["accounts_url"], search="-01")] == [
        f"pf-{n:03d}" for n in range(10, 20)
    ]
    assert all_items(client, book["accounts_url"], search="%") == []
    refused(client.get(book["accounts_url"], params={"status": "DONE"}), 422)
    refused(client.get(book["accounts_url"], params={"cursor": "x"}), 422, "INVALID_CURSOR")


def test_the_result_of_an_account_is_that_of_a_simulation_byte_for_byte(client, book, body):
    for place in (0, 3, 5, 19):
        one = body["portfolios"][place]
        found = client.get(f"{book['accounts_url']}/{one['portfolio_snapshot']['portfolio_id']}")
        assert found.content == simulate(single_of(body, one), correlation_id="corr-book").to_bytes()
    one = body["portfolios"][4]
    over_http = client.post(
        "/rebalance/simulate", json=single_of(body, one), headers={"Idempotency-Key": f"{book['book_id']}"}
    )
    ours = client.get(f"{book['accounts_url']}/pf-004").json()
    theirs = over_http.json()
    own = {"rebalance_run_id", "correlation_id", "universe", "target"}  # what has an id drawn by chance in it
    assert {**ours, **dict.fromkeys(own)} == {**theirs, **dict.fromkeys(own)}
    refused(client.get(f"{book['accounts_url']}/pf-007"), 409, "DPM_BOOK_ACCOUNT_FAILED: MODEL_NOT_FOUND")
    refused(client.get(f"{book['accounts_url']}/pf-999"), 404, "DPM_BOOK_ACCOUNT_NOT_FOUND")


def test_the_comparison_agrees_with_the_results(client, book, body):
    rows = all_items(client, book["comparison_url"])
    assert client.get(book["comparison_url"]).json()["status_counts"] == book["status_counts"]
    for row in rows:
        if row["status"] == "FAILED":
            assert row["total_value"] is None
            continue
        result = client.get(f"{book['accounts_url']}/{row['portfolio_id']}").json()
        trades = [one for one in result["intents"] if one["intent_type"] == "SECURITY_TRADE"]
        turnover = sum(Decimal(one["notional_base"]["amount"]) for one in trades)
        assert row["rebalance_run_id"] == result["rebalance_run_id"]
        assert row["total_value"] == result["before"]["total_value"]
        assert row["security_intent_count"] == len(trades)
        assert Decimal(row["gross_turnover_notional_base"]["amount"]) == turnover
        gate = result["gate_decision"]["summary"]
        assert (row["hard_fail_count"], row["soft_fail_count"]) == (gate["hard_fail_count"], gate["soft_fail_count"])
    table = client.get(book["comparison_url"], params={"format": "csv"})
    assert table.headers["content-type"].startswith("text/csv")
    lines = list(csv.DictReader(io.StringIO(table.text)))
    assert [line["portfolio_id"] for line in lines] == [row["portfolio_id"] for row in rows]
    assert [line["cash_after"] for line in lines[:3]] == [row["cash_after"]["amount"] for row in rows[:3]]
    assert lines[7]["error"] == "the book has no model 'gone'"


def test_blocks_add_up_to_the_intents_of_the_ready_accounts(client, book):
    blocks = client.get(book["blocks_url"]).json()
    sums: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
    shares: dict[tuple[str, str], list[tuple[str, str, str]]] = {}
    for one in all_items(client, book["accounts_url"], status="READY"):
        for intent in client.get(f"{book['accounts_url']}/{one['portfolio_id']}").json()["intents"]:
            if intent["intent_type"] == "SECURITY_TRADE":
                at = (intent["instrument_id"], intent["side"])
                sums[at] += Decimal(intent["quantity"])
                shares.setdefault(at, []).append((one["portfolio_id"], intent["intent_id"], intent["quantity"]))
    gross = {(one["instrument_id"], one["side"]): Decimal(one["quantity"]) for one in blocks["gross"]}
    assert gross == dict(sums)
    assert book["block_count"] == len(gross)
    for net in blocks["net"]:
        bought, sold = (gross.get((net["instrument_id"], side), Decimal(0)) for side in ("BUY", "SELL"))
        assert Decimal(net["quantity"]) * {"BUY": 1, "SELL": -1, None: 0}[net["side"]] == bought - sold
    for (instrument, side), expected in shares.items():
        parts = client.get(f"{book['blocks_url']}/{side}/{instrument}").json()["allocations"]
        assert [(one["portfolio_id"], one["intent_id"], one["quantity"]) for one in parts] == expected
    refused(client.get(f"{book['blocks_url']}/BUY/NOTHING"), 404, "DPM_BOOK_BLOCK_NOT_FOUND")
    lines = list(csv.DictReader(io.StringIO(client.get(book["blocks_url"], params={"format": "csv"}).text)))
    assert len(lines) == sum(len(parts) for parts in shares.values())
    found: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for line in lines:
        found[line["instrument_id"], line["side"]] += Decimal(line["quantity"])
    assert found == sums


def test_a_key_that_comes_again_gives_the_first_answer_and_one_book(client):
    body = book_body(range(2))
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: client.post(BOOK, json=body, headers={"Idempotency-Key": "once"}), range(4)))
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.content for answer in answers}) == 1
    assert sum("Idempotent-Replayed" in answer.headers for answer in answers) == 3
    refused(
        client.post(BOOK, json=book_body(range(3)), headers={"Idempotency-Key": "once"}),
        409,
        "IDEMPOTENCY_KEY_CONFLICT",
    )
    assert submit(client, body)["book_id"] != answers[0].json()["book_id"]


def test_books_are_listed_newest_first(client, book):
    newest = submit(client, book_body(range(1)))
    listed = all_items(client, BOOK)
    ids = [one["book_id"] for one in listed]
    assert ids.index(newest["book_id"]) < ids.index(book["book_id"])
    assert listed[ids.index(book["book_id"])] == book


def test_a_policy_pack_is_laid_over_the_options_of_every_account(client):
    body = book_body(range(4))
    book = done(client, submit(client, body, **{"X-Policy-Pack-Id": "slow"}))
    assert book["policy_pack_id"] == "slow"
    rows = all_items(client, book["comparison_url"])
    assert all(Decimal(row["turnover"]) <= Decimal("0.01") for row in rows)
    assert any(
        Decimal(row["turnover"]) > Decimal("0.01")
        for row in all_items(client, done(client, submit(client, body))["comparison_url"])
    )


def test_what_is_wrong_with_a_book_is_said_as_elsewhere(client):
    body = book_body(range(2))
    body["portfolios"][1]["portfolio_snapshot"]["positions"][0]["quantity"] = "many"
    (fault,) = refused(client.post(BOOK, json=body), 422)["detail"]
    at = ["body", "portfolios", 1, "portfolio_snapshot", "positions", 0, "quantity"]
    assert (fault["type"], fault["loc"], fault["input"]) == ("decimal_parsing", at, "many")
    refused(client.post(BOOK, content=b"{", headers={"Content-Type": "application/json"}), 422)
    refused(client.post(BOOK, json=book_body(range(1)), headers={"Idempotency-Key": "k" * 201}), 422)
    refused(client.post(BOOK, json=book_body(range(1)), headers={"X-Correlation-Id": "k" * 201}), 422)
    odd = client.post(BOOK, content=json.dumps(book_body(range(1))), headers={"Content-Type": "application/a+json"})
    assert odd.status_code == 202
    refused(client.get(f"{BOOK}/none"), 404, "DPM_BOOK_NOT_FOUND")


def test_a_book_may_be_larger_than_other_bodies_and_has_a_limit_of_its_own(client):
    larger = book_body(range(150))
    assert LIMIT_BYTES < len(json.dumps(larger)) < 4 * LIMIT_BYTES
    book = done(client, submit(client, larger))
    assert book["status_counts"]["READY"] == 150
    refused(client.post(BOOK, json=book_body(range(700))), 413)
    refused(client.post(SNAPSHOTS, json=larger), 413)


def test_snapshots_are_put_read_listed_and_deleted(client):
    content = account(1)["portfolio_snapshot"]
    first = client.put(f"{SNAPSHOTS}/desk/one", json=content)
    assert (first.status_code, first.json()["version"]) == (201, 1)
    again = client.put(f"{SNAPSHOTS}/desk/one", json=content)
    assert (again.status_code, again.json()) == (200, first.json())
    changed = {**content, "base_currency": "EUR"}
    second = client.put(f"{SNAPSHOTS}/desk/one", json=changed).json()
    assert (second["version"], second["content_hash"] == first.json()["content_hash"]) == (2, False)
    read = client.get(f"{SNAPSHOTS}/desk/one").json()
    assert {name: read[name] for name in second} == second
    assert read["portfolio_snapshot"]["base_currency"] == "EUR"
    assert read["portfolio_snapshot"]["positions"][0]["lots"] == []
    many = client.post(
        SNAPSHOTS, json={"snapshots": {f"desk/{n}": account(n)["portfolio_snapshot"] for n in range(2, 12)}}
    )
    assert (many.json()["created"], len(many.json()["items"])) == (10, 10)
    names = [one["name"] for one in all_items(client, SNAPSHOTS)]
    assert {"desk/one", *[f"desk/{n}" for n in range(2, 12)]} <= set(names)
    assert len(names) == len(set(names))
    (found,) = client.get(SNAPSHOTS, params={"portfolio_id": "pf-002"}).json()["items"]
    assert found["name"] == "desk/2"
    assert client.delete(f"{SNAPSHOTS}/desk/one").status_code == 204
    refused(client.get(f"{SNAPSHOTS}/desk/one"), 404, "DPM_SNAPSHOT_NOT_FOUND")
    refused(client.delete(f"{SNAPSHOTS}/desk/one"), 404, "DPM_SNAPSHOT_NOT_FOUND")
    refused(client.put(f"{SNAPSHOTS}/{'x' * 201}", json=content), 422)
    refused(client.put(f"{SNAPSHOTS}/a%00b", json=content), 422, "INVALID_SNAPSHOT_NAME")
    refused(client.post(SNAPSHOTS, json={"snapshots": {}}), 422)


def test_a_book_goes_by_what_a_stored_snapshot_was_when_it_was_submitted(client):
    inline = book_body(range(90))
    named = {**inline, "portfolios": []}
    hashes = {}
    for one in inline["portfolios"]:
        name = f"stored-{one['portfolio_snapshot']['portfolio_id']}"
        hashes[name] = client.put(f"{SNAPSHOTS}/{name}", json=one["portfolio_snapshot"]).json()["content_hash"]
        named["portfolios"].append({"snapshot_name": name, "model": one["model"], "content_hash": hashes[name]})
    named["portfolios"][8]["content_hash"] = "sha256:other"
    book = submit(client, named)
    emptied = {**inline["portfolios"][0]["portfolio_snapshot"], "positions": []}
    client.put(f"{SNAPSHOTS}/stored-pf-000", json=emptied).raise_for_status()
    client.delete(f"{SNAPSHOTS}/stored-pf-001").raise_for_status()
    book = done(client, book)
    assert book["status_counts"] == {"READY": 89, "PENDING_REVIEW": 0, "BLOCKED": 0, "FAILED": 1}
    for place in (0, 1, 85):
        expected = simulate(single_of(inline, inline["portfolios"][place]), correlation_id=book["correlation_id"])
        assert client.get(f"{book['accounts_url']}/pf-{place:03d}").content == expected.to_bytes()
    refused(client.get(f"{book['accounts_url']}/pf-008"), 409, "DPM_BOOK_ACCOUNT_FAILED: SNAPSHOT_CHANGED")
    twice = {**inline, "portfolios": [inline["portfolios"][2], {"snapshot_name": "stored-pf-002", "model": "calm"}]}
    (fault,) = refused(client.post(BOOK, json=twice), 422)["detail"]
    assert fault["loc"] == ["body", "portfolios", 1]


def test_of_many_who_put_a_new_name_at_once_one_creates_it(client):
    contents = [account(n)["portfolio_snapshot"] for n in range(6)]
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda one: client.put(f"{SNAPSHOTS}/contested", json=one), contents))
    assert {answer.status_code for answer in answers} <= {200, 201}
    assert sorted(answer.json()["version"] for answer in answers) == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("path", ["/%00", "/%00/accounts", "/%00/stream", "/b/accounts/%00", "/b/blocks/BUY/%00"])
def test_a_nul_is_no_defect(client, book, path):
    refused(client.get(BOOK + path.replace("/b/", f"/{book['book_id']}/")), 404)


def test_a_nul_is_found_nowhere(client, book):
    assert all_items(client, book["accounts_url"], search="\0") == []
    assert client.get(SNAPSHOTS, params={"portfolio_id": "\0"}).json()["items"] == []
    assert client.get(SNAPSHOTS, params={"cursor": "\0"}).status_code == 200
    refused(client.get(f"{SNAPSHOTS}/%00"), 404)


def test_another_tenant_sees_and_changes_nothing_of_ours(client, stranger, book):
    client.put(f"{SNAPSHOTS}/ours", json=account(1)["portfolio_snapshot"]).raise_for_status()
    for path in (
        "",
        "/stream",
        "/accounts",
        "/accounts/pf-001",
        "/comparison",
        "/comparison?format=csv",
        "/blocks",
        "/blocks/BUY/A",
    ):
        refused(stranger.get(book["status_url"] + path), 404, "DPM_BOOK_NOT_FOUND")
    refused(stranger.delete(book["status_url"]), 404, "DPM_BOOK_NOT_FOUND")
    refused(stranger.post(f"{book['status_url']}/resume"), 404, "DPM_BOOK_NOT_FOUND")
    assert all_items(stranger, BOOK) == []
    assert all_items(stranger, SNAPSHOTS) == []
    refused(stranger.get(f"{SNAPSHOTS}/ours"), 404, "DPM_SNAPSHOT_NOT_FOUND")
    refused(stranger.delete(f"{SNAPSHOTS}/ours"), 404, "DPM_SNAPSHOT_NOT_FOUND")
    theirs = {**book_body(range(1)), "portfolios": [{"snapshot_name": "ours", "model": "calm"}]}
    ended = done(stranger, submit(stranger, theirs, key="once"))  # a key of another tenant is another key
    assert ended["status_counts"]["FAILED"] == 1
    refused(client.get(ended["status_url"]), 404, "DPM_BOOK_NOT_FOUND")


@pytest.mark.parametrize(("scopes", "status"), [
    (("sweeps:read", "sweeps:write"), 403),
    (("models:write", "rebalance:read"), 403),
    (("rebalance:write",), 200),
])  # fmt: skip
def test_a_book_s_job_is_cancelled_by_who_may_begin_books(client, stored, book, scopes, status):
    headers = {"X-API-Key": key_of("default", *scopes, **stored)}
    answer = client.delete(f"/api/v1/jobs/{book['book_id']}", headers=headers)
    assert answer.status_code == status
    if status == 403:
        assert "rebalance:write" in answer.json()["detail"]
