"""Reading requests: fast, and never more tolerant than the models that document them."""

import asyncio
import copy
import json
from decimal import InvalidOperation, localcontext
from typing import Annotated, Any

import httpx
import msgspec
import pytest
from fastapi import Body, FastAPI
from hypothesis import given
from hypothesis import strategies as st

from steelyard.core.canonical import canonical_hash
from steelyard.rebalance import limits, schemas
from steelyard.rebalance.values import EngineOptions
from steelyard.rebalance.wire import (
    MalformedBodyError,
    quick_request,
    read_batch,
    read_options,
    read_request,
    request_hash,
)
from tests.rebalance.desk import book, lot, money

BOOK = book(
    holdings={"A": {"quantity": "10", "market_value": money(50), "lots": [lot("l", 10, 5)]}},
    cash={"CHF": {"amount": "5", "settled": "4", "pending": "1"}},
    prices={"A": "10"},
    fx={"USD/CHF": "0.9"},
    model={"A": "0.5"},
    shelf={"A": {"min_notional": money(1), "attributes": {"r": "X"}, "liquidity_tier": "L1", "issuer_id": "I"}},
    group_constraints={"r:X": {"max_weight": "0.5"}},
    max_overdraft_by_ccy={"CHF": "1"},
    max_turnover_pct="0.5",
    min_trade_notional=money(1),
    suitability_thresholds={"max_weight_by_liquidity_tier": {"L4": "0.1"}},
)
ODD_VALUES = [
    None, True, "", "x", "NaN", "Infinity", "-1", "1", 1, 1.5, -1, 0, 11, "11", "1E+40", "1E-40", " 1 ", "1_0",
    [], {}, ["x"], {"x": "y"}, {"": "1"}, {"a:b:c": {"max_weight": "2"}}, "2026-01-01", "APPROVED", "true",
]  # fmt: skip


def app() -> FastAPI:
    """A service that validates as FastAPI does by itself."""
    service = FastAPI()

    @service.post("/simulate")
    async def simulate(body: Annotated[schemas.RebalanceRequest, Body()]) -> Any:
        return body.model_dump(mode="json")

    return service


SERVICE = app()


def ask(content: bytes) -> httpx.Response:
    """What FastAPI answers to a body."""

    async def post() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=SERVICE), base_url="http://dpm") as client:
            return await client.post("/simulate", content=content, headers={"Content-Type": "application/json"})

    return asyncio.run(post())


def paths(value, before=()):
    """The paths of all parts of a JSON value."""
    if before:
        yield before
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from paths(item, (*before, key))


@st.composite
def spoilt(draw, whole=BOOK):
    """A body with one to three parts replaced or removed."""
    spoilt = copy.deepcopy(whole)
    for _ in range(draw(st.integers(1, 3))):
        *parents, key = draw(st.sampled_from(sorted(paths(spoilt), key=repr)))
        place = spoilt
        for parent in parents:
            place = place[parent]
        if draw(st.booleans()):
            place[key] = copy.deepcopy(draw(st.sampled_from(ODD_VALUES)))
        else:
            del place[key]
    return spoilt


def outcome(body):
    try:
        return read_request(body), None
    except MalformedBodyError as error:
        return None, sorted((fault["type"], json.dumps(fault["loc"])) for fault in error.errors)


@given(spoilt())
def test_a_malformed_body_is_refused_as_fastapi_refuses_it(body):
    answer = ask(json.dumps(body).encode())
    request, faults = outcome(json.dumps(body).encode())
    if answer.status_code == 200:
        assert request is not None
    else:
        assert faults == sorted((fault["type"], json.dumps(fault["loc"])) for fault in answer.json()["detail"])


@given(spoilt())
def test_bytes_and_plain_values_are_read_alike(body):
    assert outcome(json.dumps(body).encode()) == outcome(body)


@pytest.mark.parametrize("body", [b"", b"{", b'{"a": }', b"[]", b"null", b"\xff\xfe"])
def test_a_body_that_is_no_json_object_is_refused_as_fastapi_refuses_it(body):
    answer = ask(body)
    _, faults = outcome(body)
    if answer.status_code == 400:  # bytes that are no text: FastAPI has no body to speak of
        assert faults == [("json_invalid", '["body", 0]')]
    else:
        assert faults == sorted((fault["type"], json.dumps(fault["loc"])) for fault in answer.json()["detail"])


def test_an_unknown_field_is_ignored_and_a_missing_one_takes_its_default():
    plain = book(prices={"A": 10})
    assert read_request({**plain, "extra": 1}) == read_request(plain)
    assert read_request(plain).options == EngineOptions()


def test_the_defaults_of_both_readings_agree():
    assert read_options({}) == EngineOptions()
    assert read_options(BOOK["options"]) == read_request(json.dumps(BOOK).encode()).options


@pytest.mark.parametrize("number", ["0.1", 0.1, 1, "1E+3", 1e-7])
def test_a_number_may_be_text_an_integer_or_a_float(number):
    body = book(prices={"A": 10}, model={"A": 0})
    body["model_portfolio"]["targets"][0]["weight"] = number
    weight = read_request(json.dumps(body).encode()).model_portfolio.targets[0].weight
    assert weight == read_request(body).model_portfolio.targets[0].weight
    assert float(weight) == float(number)


def test_hostile_sizes_are_refused_by_name():
    too_many = book(prices=dict.fromkeys(map(str, range(limits.ROWS_MAX + 1)), 1))
    assert ("too_long", '["body", "market_data_snapshot", "prices"]') in outcome(json.dumps(too_many).encode())[1]
    assert outcome(json.dumps(book(prices={"A": "1E+31"})).encode())[1][0][0] == "value_error"


def test_lots_must_make_up_the_quantity():
    short = book(holdings={"A": {"quantity": "10", "lots": [lot("l", "9.9998", 1)]}})
    close = book(holdings={"A": {"quantity": "10", "lots": [lot("l", "9.9999", 1)]}})
    assert outcome(json.dumps(short).encode())[1] == [("value_error", '["body", "portfolio_snapshot", "positions", 0]')]
    assert outcome(json.dumps(close).encode())[0] is not None


@pytest.mark.parametrize("names", [[], ["UPPER"], ["a" * 65], ["a b"], ["x\n"], [f"s{i}" for i in range(21)]])
def test_scenarios_have_plain_names_and_there_are_one_to_twenty(names):
    shared = {key: value for key, value in BOOK.items() if key != "options"}
    body = {**shared, "scenarios": {name: {} for name in names}}
    with pytest.raises(MalformedBodyError) as refusal:
        read_batch(json.dumps(body).encode())
    assert [fault["type"] for fault in refusal.value.errors] == ["value_error"]


texts = st.text(max_size=5) | st.sampled_from(['"', "\\", "\n", "\x1f", "\x7f", "é", "\u2028", "😀"])


@given(texts, texts)
def test_the_request_hash_is_that_of_canonical_json(name, value):
    request = read_request(book(prices={name: 10}, shelf={name: {"attributes": {name: value}}}))
    plain = json.loads(msgspec.json.encode(request))
    assert request_hash(request) == canonical_hash(plain)


def test_the_hash_is_of_the_text_of_decimals_with_defaults_filled_in():
    def hashed(**options):
        return request_hash(read_request(book(prices={"A": 10}, **options)))

    assert hashed(cash_band_min_weight="0.00") == hashed()
    assert hashed(cash_band_min_weight="0.0") != hashed()


@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize("number", ["NaN", "sNaN", "-NaN", "Infinity", "1E31", "-1E31", "1E-31"])
def test_a_number_beyond_the_limits_is_seen_wherever_it_stands(number, place):
    body = book(holdings={"A": 1, "B": 2, "C": 3}, prices={"A": 1, "B": 1, "C": 1})
    body["portfolio_snapshot"]["positions"][place]["quantity"] = number
    with localcontext() as context:
        context.traps[InvalidOperation] = False  # as a library may have left it
        assert quick_request(json.dumps(body).encode()) is None


@pytest.mark.parametrize("number", ["0", "-5", "1E30", "-1E-30"])
def test_a_number_at_the_limits_is_read(number):
    body = book(holdings={"A": 1, "B": number}, prices={"A": 1, "B": 1})
    assert quick_request(json.dumps(body).encode()) is not None
