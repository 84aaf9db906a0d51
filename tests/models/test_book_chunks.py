"""A part of a book gives what one rebalance after the other gives, digit for digit."""

from decimal import Decimal

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelyard.core.errors import CancelledError
from steelyard.models.blocks import block_orders
from steelyard.models.book_blocks import BlockBuilder
from steelyard.models.book_chunks import rebalance_chunk
from steelyard.models.book_columns import OrderColumns
from steelyard.models.book_holdings import UNITS_MAX, AccountText, read_holdings
from steelyard.models.book_records import read_rebalance
from steelyard.models.book_store import StoredResult
from steelyard.models.document import Model
from steelyard.models.options import Mode, RebalanceOptions
from steelyard.models.orders import Rebalance, rebalance_portfolios
from steelyard.models.valuation import Failure, Portfolio
from steelyard.models.views import decimal_text, position_views
from tests.models.domain import TODAY, model, position, prices, security

MODEL = model(position("C", "0.30"), position("A", "0.25", "0.02", "0.05"), position("B", "0.10", "0.1", "0.2"))
PRICES = prices(A="33.37", B="101.5", C="777", X="5.125", Y=None, Z="12")

quantities = st.one_of(
    st.integers(-2, 400).map(str),
    st.integers(0, 400).map("{}.00".format),
    st.sampled_from(["0.5", "1E+2", "0.000", "17.25", "3.0"]),
)
holdings = st.dictionaries(st.sampled_from("ABCXZ").map(security), quantities, max_size=5)
amounts = st.one_of(st.integers(0, 10**7).map(lambda cents: Decimal(cents) / 100), st.sampled_from(["-1", "1E+4"]))
accounts = st.lists(st.tuples(amounts.map(Decimal), holdings), min_size=1, max_size=12)


def account(portfolio_id, cash, held):
    return AccountText(portfolio_id, Decimal(cash), orjson.dumps(held).decode())


def book(one_model, listed, by_security=PRICES, **more):
    """What a part of a book comes to: for each portfolio its rebalance or failure; and its blocks."""
    entries = read_holdings(listed, sorted(one.security_id for one in one_model.positions))
    known = {security_id: by_security.get(security_id) for security_id in entries.securities}
    result = rebalance_chunk(one_model, listed, entries, known, trade_date=TODAY, **more)
    columns = OrderColumns.from_bytes(result.columns.to_bytes())
    found = []
    for row, one in enumerate(result.results):
        amounts = (one.market_value, one.cash_before, one.cash_after)
        stored = StoredResult(row, 0, one.portfolio_id, *amounts, one.trades, None, one.positions)
        positions = one.positions
        if one.failure is None and positions is None:
            positions = position_views(read_rebalance(one_model, TODAY, stored, known, columns.of(row)))
        shown = [decimal_text(amount) for amount in amounts if amount is not None]
        found.append(one.failure or (*shown, one.trades, positions))
    builder = BlockBuilder()
    builder.add(0, entries.securities, columns)
    return found, [rows.block([one.portfolio_id for one in listed]) for rows in builder.blocks()]


def one_by_one(one_model, listed, by_security=PRICES):
    """The same from one rebalance after the other."""
    portfolios = [
        Portfolio(one.portfolio_id, one.cash, {k: Decimal(v) for k, v in orjson.loads(one.holdings).items()})
        for one in listed
    ]
    answers = [
        rebalance_portfolios(one_model, [one], by_security, trade_date=TODAY, options=one_model.options)[0]
        for one in portfolios
    ]
    found = [
        one
        if isinstance(one, Failure)
        else (
            *map(decimal_text, (one.market_value, one.cash_before, one.cash_after)),
            len(one.transactions),
            position_views(one),
        )
        for one in answers
    ]
    return found, list(block_orders(one for one in answers if isinstance(one, Rebalance)))


@given(accounts)
def test_a_book_gives_what_one_rebalance_after_the_other_gives(rows):
    listed = [account(f"p{n:02}", cash, held) for n, (cash, held) in enumerate(rows)]
    assert book(MODEL, listed) == one_by_one(MODEL, listed)


@pytest.mark.parametrize(
    "options",
    [RebalanceOptions(lot_size=10), RebalanceOptions(mode=Mode.BUY_ONLY), RebalanceOptions(minimum_trade=Decimal(500))],
)
def test_options_of_the_model_hold_in_a_book(options):
    one_model = Model("lots", MODEL.positions, options=options)
    rng = np.random.default_rng(3)
    listed = [
        account(f"p{n:02}", int(rng.integers(0, 50_000)), {security(x): str(rng.integers(0, 90)) for x in "ABCX"})
        for n in range(30)
    ]
    found = book(one_model, listed)
    assert found == one_by_one(one_model, listed)
    assert found[1]


def test_numbers_beyond_64_bits_are_as_exact():
    huge = {security_id: None if one is None else one * 10**12 + Decimal("1E-9") for security_id, one in PRICES.items()}
    listed = [account(f"p{n}", 10**20 + n, {security("A"): str(n), security("X"): "7"}) for n in range(8)]
    assert book(MODEL, listed, huge) == one_by_one(MODEL, listed, huge)


def test_a_security_of_the_model_without_a_price_fails_every_portfolio():
    listed = [account("p1", 5_000, {}), account("p2", 100, {security("Z"): "5"})]
    missing = PRICES | {security("B"): None}
    found, blocks = book(MODEL, listed, missing)
    assert (found, blocks) == one_by_one(MODEL, listed, missing)
    assert {one.code for one in found} == {"MISSING_PRICE"}


def test_a_held_security_without_a_price_fails_who_holds_it_and_nobody_else():
    listed = [account("p1", 5_000, {security("Y"): "1"}), account("p2", 50_000, {security("Y"): "0"})]
    found, _ = book(MODEL, listed)
    assert found[0].code == "MISSING_PRICE"
    assert found == one_by_one(MODEL, listed)[0]


def test_an_order_too_large_to_be_added_up_is_refused():
    cheap = prices(A="0.0001", B="0.0001", C="0.0001")
    listed = [account("p1", 10**9, {}), account("p2", 10**6, {})]
    found, blocks = book(MODEL, listed, cheap)
    assert found[0].code == "ORDER_TOO_LARGE"
    assert found[0].details["unitsMax"] == UNITS_MAX
    assert found[1:] == one_by_one(MODEL, listed[1:], cheap)[0]
    assert {one.portfolio_id for block in blocks for one in block.allocations} == {"p2"}


def test_a_model_without_positions_sells_everything():
    empty = Model("cash")
    listed = [account("p1", "10.50", {security("A"): "3", security("X"): "2.00"})]
    found, blocks = book(empty, listed)
    assert (found, blocks) == one_by_one(empty, listed)
    assert [(block.side.value, block.quantity) for block in blocks] == [("SELL", 3), ("SELL", 2)]


def test_a_part_without_accounts_has_no_orders():
    assert book(MODEL, []) == ([], [])
    assert book(Model("cash"), []) == ([], [])


def test_work_on_values_stops_when_it_is_told_to():
    def stop():
        raise CancelledError("stop")

    listed = [account("p1", 10_000, {security("A"): "0.5"})]
    with pytest.raises(CancelledError):
        book(MODEL, listed, keep_going=stop)


@pytest.mark.parametrize(("text", "units", "decimals"), [("12", 12, 0), ("12.000", 12, 3), ("-4.0", -4, 1)])
def test_whole_quantities_are_read_from_their_text(text, units, decimals):
    entries = read_holdings([account("p", 0, {security("A"): text})], [security("B")])
    assert entries.securities == (security("B"), security("A"))
    assert (entries.units.tolist(), entries.decimals.tolist(), entries.security.tolist()) == ([units], [decimals], [1])


@pytest.mark.parametrize("text", ["0.5", "1E+2", "1E-3", str(UNITS_MAX + 1), "1E+30", "9" * 30])
def test_what_is_no_whole_quantity_of_reasonable_size_is_left_to_values(text):
    entries = read_holdings([account("p", 0, {security("A"): text, security("B"): "1"})], [])
    assert entries.is_whole.tolist() == [False]
    assert len(entries.units) == 0
    assert set(entries.securities) == {security("A"), security("B")}
