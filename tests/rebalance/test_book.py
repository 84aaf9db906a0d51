"""Many portfolios against shared models."""

import random
from decimal import Decimal
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from steelyard.rebalance.book import BookAccount, BookRequest, SharedBook, summarise_book
from steelyard.rebalance.engine import RunIdentity, rebalance
from steelyard.rebalance.result import SecurityTrade
from steelyard.rebalance.values import EngineOptions, RebalanceRequest
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


@given(st.lists(st.integers(0, 200), min_size=1, max_size=8))
def test_blocks_are_the_sum_of_the_trades_of_ready_accounts(units):
    outcomes = run(shared(units))
    ready = [one.result for one in outcomes if one.result is not None and one.result.status == "READY"]
    trades = [intent for result in ready for intent in result.intents if isinstance(intent, SecurityTrade)]
    blocks = summarise_book(outcomes).block_orders
    assert sum(block.quantity for block in blocks) == sum(trade.quantity for trade in trades)
    for block in blocks:
        assert block.quantity == sum(part.quantity for part in block.allocations)
        assert block.notional.amount == sum(
            trade.notional.amount
            for trade in trades
            if (trade.instrument_id, trade.side) == (block.instrument_id, block.side)
        )


def test_the_order_of_the_accounts_does_not_show():
    request = shared(range(0, 120, 10))
    expected = msgspec.json.encode(summarise_book(run(request)))
    for seed in range(3):
        assert msgspec.json.encode(summarise_book(run(request, random.Random(seed)))) == expected


def test_an_account_with_an_unknown_model_fails_alone():
    request = shared([10, 50])
    broken = msgspec.structs.replace(request.accounts[0], model="gone")
    summary = summarise_book(run(msgspec.structs.replace(request, accounts=(broken, request.accounts[1]))))
    assert summary.failed_accounts == {"pf00": "MODEL_NOT_FOUND: gone"}
    assert [row.portfolio_id for row in summary.accounts] == ["pf01"]


def test_an_account_may_have_options_of_its_own_and_only_ready_ones_are_pooled():
    reviewed = EngineOptions(cash_band_max_weight=Decimal("0.01"), fx_buffer_pct=Decimal(0))
    summary = summarise_book(run(shared([10, 50], options=reviewed)))
    assert summary.status_counts == {"READY": 0, "PENDING_REVIEW": 2, "BLOCKED": 0}
    assert summary.block_orders == []
    assert [row.reason for row in summary.accounts] == ["THRESHOLD_BREACH"] * 2
    assert all(row.security_intent_count for row in summary.accounts)
