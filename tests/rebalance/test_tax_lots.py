"""Lots, gains and their budget."""

from decimal import Decimal

import pytest

from steelyard.rebalance.market import Market
from steelyard.rebalance.result import DataQuality
from steelyard.rebalance.tax_lots import _price_lots
from steelyard.rebalance.values import MarketDataSnapshot, Money, TaxLot
from tests.rebalance.desk import lot, money, run, traded


def sell_all(lots, *, quantity=None, price=100, budget=None, **words):
    """Sell the whole of A, held in these lots, at ``price``."""
    total = quantity if quantity is not None else sum(Decimal(one["quantity"]) for one in lots)
    if budget is not None:
        words["max_realized_capital_gains"] = str(budget)
    return run(
        holdings={"A": {"quantity": str(total), "lots": lots}},
        prices={"A": price},
        enable_tax_awareness=True,
        **words,
    )


def test_without_a_budget_everything_is_sold_and_gains_and_losses_are_told_apart():
    result = sell_all([lot("l1", 10, 80), lot("l2", 5, 130)])
    assert traded(result) == {"A": -15}
    assert result.tax_impact.total_realized_gain.amount == 200
    assert result.tax_impact.total_realized_loss.amount == 150
    assert result.tax_impact.budget_limit is result.tax_impact.budget_used is None


def test_the_dearest_lots_go_first_and_the_budget_stops_the_rest():
    result = sell_all([lot("cheap", 10, 50), lot("dear", 10, 95), lot("loss", 10, 110)], budget=100)
    assert traded(result) == {"A": Decimal(-21)}  # 10 at a loss, 10 gaining 50, 1 of 50 each
    assert result.tax_impact.total_realized_gain.amount == 100
    assert result.tax_impact.total_realized_loss.amount == 100
    assert result.tax_impact.budget_used.amount == 100
    assert result.diagnostics.warnings == ["TAX_BUDGET_LIMIT_REACHED"]
    (event,) = result.diagnostics.tax_budget_constraint_events
    assert (event.requested_quantity, event.allowed_quantity) == (30, 21)
    assert result.intents[0].constraints_applied == ("TAX_BUDGET",)


def test_what_the_budget_allows_may_be_a_fraction():
    result = sell_all([lot("l", 10, 91)], budget=30)
    assert traded(result)["A"] == -Decimal(30) / 9
    assert result.tax_impact.budget_used.amount == 30  # snapped: 9 x 3.33... misses it by rounding


def test_losses_do_not_free_budget():
    assert traded(sell_all([lot("loss", 10, 200), lot("gain", 10, 90)], budget=0)) == {"A": -10}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (lot("a", 1, 90, bought="2020-01-01"), lot("a", 1, 90, bought="2021-01-01")),
        (lot("a", 1, 90), lot("b", 1, 90)),
    ],
    ids=["the younger", "the later name"],
)
def test_equal_costs_are_ordered_by_date_then_name_both_descending(one, other):
    lots = [
        TaxLot(row["lot_id"], Decimal(row["quantity"]), Money(Decimal(90), "CHF"), row["purchase_date"])
        for row in (one, other)
    ]
    priced = _price_lots(lots, "CHF", Market(MarketDataSnapshot()), DataQuality())
    assert priced is not None
    assert [entry.lot for entry in priced] == lots[::-1]


def test_the_budget_is_shared_in_the_order_of_the_trades():
    result = run(
        holdings={name: {"quantity": "10", "lots": [lot("l", 10, 90)]} for name in "AB"},
        prices={"A": 100, "B": 100},
        cash=0,
        enable_tax_awareness=True,
        max_realized_capital_gains="120",
    )
    assert traded(result) == {"A": -10, "B": -2}


def test_a_cost_in_another_currency_is_converted():
    result = sell_all([lot("l", 10, 100, currency="USD")], fx={"USD/CHF": "0.9"})
    assert result.tax_impact.total_realized_gain.amount == 100


def test_a_cost_that_cannot_be_converted_blocks_or_leaves_the_lots_aside():
    lots = [lot("l", 10, 1, currency="JPY")]
    assert sell_all(lots, budget=0).status == "BLOCKED"
    assert traded(sell_all(lots, budget=0, block_on_missing_fx=False)) == {"A": -10}


def test_no_lots_or_no_tax_awareness_means_no_budget():
    assert traded(sell_all([], quantity=10, budget=0)) == {"A": -10}
    held = {"A": {"quantity": "10", "lots": [lot("l", 10, 1)]}}
    result = run(holdings=held, prices={"A": 100}, max_realized_capital_gains="0")
    assert (traded(result), result.tax_impact) == ({"A": -10}, None)


def test_the_impact_is_reported_even_if_nothing_is_sold():
    result = run(cash=100, prices={"A": 10}, enable_tax_awareness=True, max_realized_capital_gains="5")
    assert result.tax_impact.budget_limit.amount == 5
    assert result.tax_impact.budget_used.amount == 0


def test_dust_is_judged_after_the_budget():
    result = sell_all([lot("l", 10, 90)], budget=10, min_trade_notional=money(500))
    assert traded(result) == {}
    assert result.diagnostics.suppressed_intents[0].intended_notional.amount == 100
