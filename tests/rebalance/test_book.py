"""Many portfolios against shared models."""

import random
from decimal import Decimal
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from steelyard.rebalance.book import BookAccount, BookRequest, SharedBook, summarise_book
from steelyard.rebalance.book_blocks import BlockOrder, joined_blocks, net_orders
from steelyard.rebalance.book_rows import account_row
from steelyard.rebalance.engine import RunIdentity, rebalance
from steelyard.rebalance.market import Market
from steelyard.rebalance.result import SecurityTrade
from steelyard.rebalance.values import EngineOptions, Money, RebalanceRequest
from steelyard.rebalance.wire import read_request
from tests.rebalance.desk import book


def shared(units, *, model="calm", options=None):
    """A book of accounts that hold so many units of A."""
    prices = {"A": 10, "B": (20, "USD"), "C": 7}
    words: dict[str, Any] = {"prices": prices, "fx": {"USD/CHF": "0.9"}, "cash": 100, "fx_buffer_pct": "0"}
    requests = [
        read_request(book(holdings={"A": count}, model={"A": "0.4", "B": "0.2", "C": "0.2"}, **words))
        for count in units
    ]
    first = requests[0]
    accounts = [
        BookAccount(msgspec.structs.replace(one.portfolio_snapshot, portfolio_id=f"pf{index:02d}"), model, options)
        for index, one in enumerate(requests)
    ]
    return BookRequest(
        first.market_data_snapshot, first.shelf_entries, {"calm": first.model_portfolio}, tuple(accounts), first.options
    )


def run(request, order=None):
    desk = SharedBook(request)
    accounts = list(request.accounts)
    if order is not None:
        order.shuffle(accounts)
    return [
        desk.run(one, RunIdentity("rr_00000000", one.portfolio_snapshot.portfolio_id, "sha256:0")) for one in accounts
    ]


def test_an_account_in_a_book_is_rebalanced_as_if_it_were_alone():
    request = shared([10, 50, 90])
    for account, outcome in zip(request.accounts, run(request), strict=True):
        alone = RebalanceRequest(
            account.portfolio_snapshot,
            request.market_data_snapshot,
            request.models["calm"],
            request.shelf_entries,
            request.options,
        )
        identity = RunIdentity("rr_00000000", account.portfolio_snapshot.portfolio_id, "sha256:0")
        assert outcome.result is not None
        assert outcome.result.to_bytes() == rebalance(alone, identity).to_bytes()


def summary_of(request, order=None):
    return summarise_book(run(request, order), Market(request.market_data_snapshot))


@given(st.lists(st.integers(0, 200), min_size=1, max_size=8))
def test_blocks_are_the_sum_of_the_trades_of_ready_accounts(units):
    request = shared(units)
    outcomes = run(request)
    ready = [one.result for one in outcomes if one.result is not None and one.result.status == "READY"]
    trades = [intent for result in ready for intent in result.intents if isinstance(intent, SecurityTrade)]
    blocks = summary_of(request).block_orders
    assert sum(block.quantity for block in blocks) == sum(trade.quantity for trade in trades)
    for block in blocks:
        assert block.quantity == sum(part.quantity for part in block.shares())
        assert block.notional.amount == sum(part.notional for part in block.shares())
        assert block.account_count == len(block.shares())
        assert block.notional.amount == sum(
            trade.notional.amount
            for trade in trades
            if (trade.instrument_id, trade.side) == (block.instrument_id, block.side)
        )


def test_the_order_of_the_accounts_does_not_show():
    request = shared(range(0, 120, 10))
    expected = msgspec.json.encode(summary_of(request))
    for seed in range(3):
        assert msgspec.json.encode(summary_of(request, random.Random(seed))) == expected


def test_an_account_with_an_unknown_model_fails_alone():
    request = shared([10, 50])
    broken = msgspec.structs.replace(request.accounts[0], model="gone")
    summary = summary_of(msgspec.structs.replace(request, accounts=(broken, request.accounts[1])))
    assert [row.status for row in summary.accounts] == ["FAILED", "READY"]
    assert summary.accounts[0].reasons == ["MODEL_NOT_FOUND"]


def test_an_account_may_have_options_of_its_own_and_only_ready_ones_are_pooled():
    reviewed = EngineOptions(cash_band_max_weight=Decimal("0.01"), fx_buffer_pct=Decimal(0))
    summary = summary_of(shared([10, 50], options=reviewed))
    assert summary.status_counts == {"READY": 0, "PENDING_REVIEW": 2, "BLOCKED": 0, "FAILED": 0}
    assert summary.block_orders == []
    assert [row.reasons for row in summary.accounts] == [["THRESHOLD_BREACH"]] * 2
    assert [row.soft_fail_count for row in summary.accounts] == [1, 1]
    assert all(row.security_intent_count for row in summary.accounts)


@given(st.lists(st.integers(0, 400), min_size=1, max_size=8))
def test_net_orders_are_purchases_less_sales(units):
    blocks = summary_of(shared(units)).block_orders
    signed = {(block.instrument_id, block.side): block.quantity for block in blocks}
    nets = net_orders(blocks)
    assert [net.instrument_id for net in nets] == sorted({name for name, _ in signed})
    for net in nets:
        bought, sold = (signed.get((net.instrument_id, side), Decimal(0)) for side in ("BUY", "SELL"))
        assert (net.bought_quantity, net.sold_quantity, net.quantity) == (bought, sold, abs(bought - sold))
        assert net.side == ("BUY" if bought > sold else "SELL" if sold > bought else None)


def test_the_row_of_an_account_has_cash_of_all_currencies_in_its_base():
    request = read_request(
        book(
            holdings={"A": 10},
            prices={"A": 10},
            cash={"CHF": 50, "USD": 100},
            fx={"USD/CHF": "0.9"},
            model={"A": "0.5"},
        )
    )
    desk = SharedBook(BookRequest(request.market_data_snapshot, request.shelf_entries, {"m": request.model_portfolio}))
    outcome = desk.run(BookAccount(request.portfolio_snapshot, "m"), RunIdentity("rr_00000000", "c", "sha256:0"))
    row = account_row(outcome, desk.market)
    assert outcome.result is not None
    (trade,) = (intent for intent in outcome.result.intents if isinstance(intent, SecurityTrade))
    assert row.total_value is not None
    assert row.cash_before is not None
    assert row.cash_after is not None
    assert row.gross_turnover_notional_base is not None
    assert row.total_value.amount == 240
    assert row.cash_before.amount == 140
    assert row.cash_after.amount == 140 - trade.notional.amount
    assert row.gross_turnover_notional_base.amount == trade.notional.amount
    assert row.turnover == round(trade.notional.amount / 240, 4)


def test_sums_of_blocks_are_exact_beyond_28_digits():
    amounts = [Decimal("1e27") + n for n in range(3)] + [Decimal("1e-27")]
    (block,) = joined_blocks(
        BlockOrder("A", "BUY", amount, Money(amount, "CHF"), 1, b'["p%d","oi",1,1]' % place)
        for place, amount in enumerate(amounts)
    )
    assert (
        block.quantity == block.notional.amount == Decimal("3000000000000000000000000003.000000000000000000000000001")
    )
    assert [one.portfolio_id for one in block.shares()] == ["p0", "p1", "p2", "p3"]
