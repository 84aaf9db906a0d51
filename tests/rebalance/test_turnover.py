"""Turnover cap: which trades survive a budget."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelyard.rebalance.result import Rationale, SecurityTrade
from steelyard.rebalance.turnover import cap_turnover, size_of
from steelyard.rebalance.values import Money
from tests.rebalance.desk import run, traded


def trade(amount, name, *, side="BUY"):
    size = Money(Decimal(amount), "CHF")
    return SecurityTrade(f"oi_{name}", name, side, Decimal(1), size, size, (), Rationale("DRIFT_REBALANCE", ""), ())


def capped(trades, limit, *, value=100):
    return cap_turnover(trades, portfolio_value=Decimal(value), max_turnover=Decimal(limit))


many_trades = st.lists(st.tuples(st.integers(1, 400), st.sampled_from(["BUY", "SELL"])), max_size=30).map(
    lambda rows: [trade(amount, f"I{index}", side=side) for index, (amount, side) in enumerate(rows)]
)


def test_everything_trades_without_a_cap():
    trades = [trade(40, "A"), trade(30, "B")]
    assert cap_turnover(trades, portfolio_value=Decimal(100), max_turnover=None).kept == trades


def test_a_trade_that_does_not_fit_leaves_room_for_a_smaller_one():
    outcome = capped([trade(40, "A", side="SELL"), trade(30, "B"), trade(10, "C")], "0.5")
    assert [one.instrument_id for one in outcome.kept] == ["A", "C"]
    assert [one.instrument_id for one in outcome.dropped] == ["B"]


@pytest.mark.parametrize(("budget", "kept"), [("0.40", ["A"]), ("0.3999", []), ("0", [])])
def test_equality_fits_and_nothing_is_ever_scaled(budget, kept):
    assert [one.instrument_id for one in capped([trade(40, "A")], budget).kept] == kept


@given(many_trades)
def test_kept_trades_never_exceed_the_budget_and_none_is_lost(trades):
    outcome = capped(trades, "0.2", value=1000)
    assert sum(size_of(one) for one in outcome.kept) <= 200
    assert sorted(one.intent_id for one in outcome.kept + outcome.dropped) == sorted(one.intent_id for one in trades)


@given(many_trades)
def test_the_order_of_the_input_decides_nothing_once_the_cap_binds(trades):
    outcome = capped(trades, "0.2", value=1000)
    if outcome.dropped:
        assert capped(trades[::-1], "0.2", value=1000) == outcome


def test_a_dropped_trade_is_reported_with_its_share_and_ids_stay():
    result = run(
        prices={"A": 10, "B": 10},
        cash=1000,
        model={"A": "0.2", "B": "0.5"},
        max_turnover_pct="0.5",
    )
    assert traded(result) == {"B": 50}
    assert result.intents[0].intent_id == "oi_2"
    (dropped,) = result.diagnostics.dropped_intents
    assert (dropped.instrument_id, dropped.potential_notional.amount, dropped.score) == ("A", 200, Decimal("0.2"))
    assert result.diagnostics.warnings == ["PARTIAL_REBALANCE_TURNOVER_LIMIT"]


def test_a_portfolio_worth_nothing_can_still_be_capped():
    result = run(holdings={"A": 10}, prices={"A": 10}, cash=-100, max_turnover_pct="0.5")
    assert [dropped.score for dropped in result.diagnostics.dropped_intents] == [100]
