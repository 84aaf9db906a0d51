"""Positions in columns: the rows they stand for, and the JSON of them."""

import json

import msgspec
from hypothesis import given

from steelyard.rebalance.holdings import AllocationMetric, PositionSummary, rows_of, write_holdings
from steelyard.rebalance.listing import Listing
from steelyard.rebalance.market import Market, Shelf
from steelyard.rebalance.result import DataQuality
from steelyard.rebalance.valuation import value_portfolio
from steelyard.rebalance.wire import read_request
from tests.rebalance.desk import BASE, book, money
from tests.rebalance.test_laws import books


def columns_of(body, *, trust_snapshot=False):
    request = read_request(json.dumps(body).encode())
    return value_portfolio(
        request.portfolio_snapshot.positions,
        request.portfolio_snapshot.cash_balances,
        BASE,
        market=Market(request.market_data_snapshot),
        shelf=Shelf(request.shelf_entries),
        missing=DataQuality(),
        trust_snapshot=trust_snapshot,
    ).columns


def many(count=30, **words):
    names = [f"I{index}" for index in range(count)]
    prices = {name: (f"{index + 1}.25", ("CHF", "USD", "JPY")[index % 3]) for index, name in enumerate(names)}
    return book(holdings=dict.fromkeys(names, 3), prices=prices, fx={"USD/CHF": "0.9", "JPY/CHF": "0.0061"}, **words)


def as_rows(columns):
    positions, allocation = rows_of(columns, when_asked=False)
    return msgspec.json.encode(positions), msgspec.json.encode(allocation)


def as_columns(columns):
    return tuple(msgspec.json.encode(part) for part in write_holdings(*rows_of(columns, when_asked=True)))


def test_many_rows_are_made_only_when_asked_for():
    positions, allocation = rows_of(columns_of(many()), when_asked=True)
    assert not isinstance(positions, list)
    assert len(positions) == len(allocation) == 30
    assert positions[2].instrument_id == allocation[2].key == "I2"
    assert [row.instrument_id for row in positions[:2]] == ["I0", "I1"]
    assert all(isinstance(row, PositionSummary) for row in positions)
    assert all(isinstance(row, AllocationMetric) for row in allocation)
    assert positions == list(positions)
    assert positions != list(positions)[:-1]


def test_few_rows_are_made_at_once():
    positions, _ = rows_of(columns_of(many(3)), when_asked=True)
    assert isinstance(positions, list)


def test_columns_are_written_as_their_rows_are():
    columns = columns_of(many())
    assert as_columns(columns) == as_rows(columns)


@given(books(options=False))
def test_any_book_is_written_as_its_rows_are(body):
    columns = columns_of(body)
    assert as_columns(columns) == as_rows(columns)


def test_names_that_json_has_to_escape_are_escaped():
    for name in ('a"b', "back\\slash", "Zürich", "line\nfeed", "\x7f"):
        body = many()
        body["portfolio_snapshot"]["positions"][4]["instrument_id"] = name
        body["market_data_snapshot"]["prices"][4]["instrument_id"] = name
        columns = columns_of(body)
        assert as_columns(columns) == as_rows(columns)
        assert msgspec.json.decode(as_columns(columns)[0])[4]["instrument_id"] == name


def test_classes_and_currencies_that_json_has_to_escape_are_escaped():
    body = many(shelf={"I3": {"asset_class": 'so-called "bonds"'}})
    body["market_data_snapshot"]["prices"][6]["currency"] = "\u20ac"
    body["market_data_snapshot"]["fx_rates"].append({"pair": "\u20ac/CHF", "rate": "0.95"})
    columns = columns_of(body)
    assert as_columns(columns) == as_rows(columns)


def test_a_missing_price_is_written_as_null():
    body = many()
    del body["market_data_snapshot"]["prices"][5]
    columns = columns_of(body)
    assert as_columns(columns) == as_rows(columns)
    assert msgspec.json.decode(as_columns(columns)[0])[5]["price"] is None


def test_the_custodians_values_are_written_in_their_own_currency():
    body = many()
    body["portfolio_snapshot"]["positions"][0]["market_value"] = money(777, "USD")
    columns = columns_of(body, trust_snapshot=True)
    assert as_columns(columns) == as_rows(columns)
    assert msgspec.json.decode(as_columns(columns)[0])[0]["instrument_currency"] == "USD"


def listing_of(names, body):
    request = read_request(json.dumps(body).encode())
    return Listing(names, BASE, Market(request.market_data_snapshot), Shelf(request.shelf_entries))


def facts(listing):
    columns = (listing.names, listing.prices, listing.amounts, listing.currencies, listing.rates)
    return columns, listing.asset_classes, dict(listing.by_class), dict(listing.by_attribute), listing.is_complete


def test_a_listing_that_grew_knows_what_a_new_one_knows():
    body = many(shelf={"I7": {"attributes": {"sector": "X", "region": "Y"}}, "I1": {"attributes": {"region": "Y"}}})
    names = [f"I{index}" for index in range(30)]
    short = listing_of(names[:5], body)
    assert short.price_texts() == ["1.25", "2.25", "3.25", "4.25", "5.25"]
    grown = short.grown([*names[:9], "UNHEARD_OF"])
    assert grown is short
    assert facts(grown) == facts(listing_of([*names[:9], "UNHEARD_OF"], body))
    assert grown.price_texts()[:9] == [f"{index}.25" for index in range(1, 10)]
    assert not grown.is_complete


def test_a_listing_of_other_names_is_another_one():
    short = listing_of(["I0", "I1"], many())
    other = short.grown(["I1", "I0", "I2"])
    assert other is not short
    assert (short.names, other.names) == (["I0", "I1"], ["I1", "I0", "I2"])
