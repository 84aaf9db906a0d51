"""Options beyond the contract: cash repair, lot sizes, stand-ins, guards, one-sided modes."""

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelyard.rebalance.wire import MalformedBodyError, read_options, read_request
from tests.rebalance.desk import answer, cash_after, lot, run, traded
from tests.rebalance.test_laws import books, outcome

TODAY = "2026-02-03"


def adjustments(result):
    return [
        (one.instrument_id, one.reason_code, one.requested_quantity, one.allowed_quantity)
        for one in result.diagnostics.trade_adjustments
    ]


# Cash repair


FOREIGN = {"prices": {"A": (10, "USD"), "B": (10, "USD")}, "fx": {"USD/CHF": "1"}, "cash": 1000}


def test_the_largest_purchase_gives_up_what_the_exchange_buffer_overdraws():
    words = {**FOREIGN, "model": {"A": "0.7", "B": "0.3"}}
    assert run(**words).status == "BLOCKED"
    result = run(**words, cash_repair=True)
    assert (result.status, traded(result)) == ("READY", {"A": 69, "B": 30})
    assert adjustments(result) == [("A", "CASH_REPAIR", 70, 69)]
    assert cash_after(result)["CHF"] == Decimal("0.1")


def test_what_cannot_be_repaired_stays_blocked():
    result = run(cash=-10, prices={"A": 10}, model={"A": "0.5"}, cash_repair=True)
    assert result.status == "BLOCKED"


@given(books())
def test_with_repair_nothing_is_blocked_for_cash_that_purchases_could_give_up(body):
    repaired = outcome({**body, "options": {**body["options"], "cash_repair": True}})
    plain = outcome(body)
    assert all(row.amount >= 0 for row in repaired.after_simulated.cash_balances)
    if plain.status != "BLOCKED":
        assert repaired.intents == plain.intents


# Lot sizes


def test_trades_are_multiples_of_the_lot_size_but_selling_out_leaves_nothing_behind():
    result = run(
        holdings={"S": 250, "P": 250},
        prices={"S": 1, "P": 1, "B": 1},
        cash=500,
        model={"B": "0.37", "P": "0.12"},
        shelf={name: {"lot_size": "100"} for name in "SPB"},
    )
    assert traded(result) == {"B": 300, "P": -100, "S": -250}
    assert adjustments(result) == [("B", "LOT_SIZE", 370, 300), ("P", "LOT_SIZE", 130, 100)]


# Stand-ins


def test_a_target_that_cannot_be_bought_hands_its_weight_to_the_first_stand_in_that_can():
    result = run(
        prices={"A": 10, "B": 10, "C": 10},
        cash=1000,
        model={"A": "0.5", "C": "0.1"},
        shelf={"A": "BANNED", "B": "APPROVED", "X": "APPROVED", "Y": "SUSPENDED"},
        equivalents={"A": ["X", "Y", "B"]},  # X has no price, Y may not be bought
    )
    assert traded(result) == {"B": 50, "C": 10}
    assert result.diagnostics.trade_adjustments[0].substitute_id == "B"


def test_a_stand_in_that_is_in_the_model_adds_up():
    words = {"prices": {"A": 10, "B": 10}, "cash": 1000, "model": {"A": "0.2", "B": "0.3"}}
    result = run(**words, shelf={"A": "RESTRICTED"}, equivalents={"A": ["B"]})
    assert traded(result) == {"B": 50}
    assert traded(run(**words, equivalents={"A": ["B"]})) == {"A": 20, "B": 30}


# Guards


def sell_all(*lots, **options):
    quantity = sum(Decimal(one["quantity"]) for one in lots)
    return run(
        holdings={"A": {"quantity": str(quantity), "lots": list(lots)}},
        prices={"A": 100},
        enable_tax_awareness=True,
        as_of=TODAY,
        **options,
    )


def test_young_lots_that_gain_are_kept():
    result = sell_all(
        lot("young", 10, 90, bought="2025-02-03"),
        lot("old", 10, 90, bought="2025-02-02"),
        lot("loss", 10, 110, bought="2026-01-01"),
        block_short_term_gains=True,
    )
    assert traded(result) == {"A": -20}
    assert result.diagnostics.warnings == ["SHORT_TERM_GAIN_BLOCKED"]
    assert adjustments(result) == [("A", "SHORT_TERM_GAIN_BLOCKED", 30, 20)]
    assert result.diagnostics.tax_budget_constraint_events == []


def test_a_date_that_cannot_be_read_counts_as_today():
    assert traded(sell_all(lot("l", 10, 90, bought="some day"), block_short_term_gains=True)) == {}


def trade(side, day, *, account="other", at_loss=False):
    return {
        "instrument_id": "A",
        "side": side,
        "trade_date": day,
        "account_id": account,
        "at_loss": at_loss,
    }


@pytest.mark.parametrize(("day", "sold"), [("2026-01-03", -15), ("2026-01-04", -5), ("2026-02-03", -5)])
def test_a_loss_waits_for_thirty_days_after_a_purchase_in_any_account(day, sold):
    lots = [lot("loss", 10, 110, bought="2020-01-01"), lot("gain", 5, 90, bought="2020-01-01")]
    assert traded(sell_all(*lots, wash_sale_guard={"recent_trades": [trade("BUY", day)]})) == {"A": sold}


def test_a_purchase_in_the_same_account_is_seen_in_its_lots():
    lots = [lot("loss", 10, 110, bought="2020-01-01"), lot("new", 5, 90, bought="2026-01-20")]
    assert traded(sell_all(*lots, wash_sale_guard={})) == {"A": -5}
    assert traded(sell_all(*lots)) == {"A": -15}


@pytest.mark.parametrize(
    ("recent", "bought"),
    [
        (trade("SELL", "2026-01-04", at_loss=True), {}),
        (trade("SELL", "2026-01-03", at_loss=True), {"A": 50}),
        (trade("SELL", "2026-01-20"), {"A": 50}),
        (trade("BUY", "2026-01-20"), {"A": 50}),
    ],
)
def test_a_purchase_waits_for_thirty_days_after_a_loss(recent, bought):
    guard = {"recent_trades": [recent]}
    result = run(prices={"A": 10}, cash=1000, model={"A": "0.5"}, as_of=TODAY, wash_sale_guard=guard)
    assert traded(result) == bought


def test_a_stand_in_is_bought_while_a_purchase_waits():
    guard = {"recent_trades": [trade("SELL", "2026-01-20", at_loss=True)]}
    words = {"prices": {"A": 10, "B": 10}, "cash": 1000, "model": {"A": "0.5"}}
    result = run(**words, as_of=TODAY, wash_sale_guard=guard, equivalents={"A": ["B"]})
    assert traded(result) == {"B": 50}


@pytest.mark.parametrize(
    "options",
    [
        {"block_short_term_gains": True, "enable_tax_awareness": True},
        {"block_short_term_gains": True, "as_of": TODAY},
        {"wash_sale_guard": {}},
        {"wash_sale_guard": {}, "as_of": "yesterday"},
    ],
)
def test_a_guard_that_lacks_something_is_refused(options):
    with pytest.raises(ValueError, match="Value error, "):
        read_options(options)
    with pytest.raises(MalformedBodyError):
        read_request(json.dumps({**body_of_nothing(), "options": options}).encode())


# One-sided modes


def test_only_buying_sells_nothing():
    words = {"holdings": {"S": 10}, "prices": {"S": 10, "B": 10}, "cash": 100, "model": {"B": "0.9"}}
    result = run(**words, trade_mode="BUY_ONLY", cash_repair=True)
    assert traded(result) == {"B": 10}
    assert adjustments(result) == [("S", "BUY_ONLY_MODE", 10, 0), ("B", "CASH_REPAIR", 18, 10)]


def test_raising_cash_buys_nothing_and_stops_when_there_is_enough():
    words = {
        "holdings": {"S": 30, "T": 10},
        "prices": {"S": 10, "T": 10, "B": 10},
        "model": {"B": "0.5"},
        "trade_mode": "RAISE_CASH",
    }
    assert traded(run(**words)) == {"S": -30, "T": -10}
    enough = run(**words, cash_to_raise="305")
    assert traded(enough) == {"S": -30, "T": -1}
    assert ("T", "CASH_TARGET_REACHED", 10, 1) in adjustments(enough)
    assert cash_after(enough) == {"CHF": 310}
    assert traded(run(**words, cash_to_raise="95")) == {"S": -10}
    assert run(**words, cash_to_raise="500").diagnostics.warnings == ["RAISE_CASH_SHORTFALL"]


@given(books(), st.sampled_from(["BUY_ONLY", "RAISE_CASH"]))
def test_a_one_sided_mode_keeps_to_its_side(body, mode):
    result = outcome({**body, "options": {**body["options"], "trade_mode": mode}})
    signs = {quantity > 0 for quantity in traded(result).values()}
    assert signs <= {mode == "BUY_ONLY"}


def test_all_of_it_is_off_by_default():
    assert run(prices={"A": 10}, cash=100, model={"A": "1"}).diagnostics.trade_adjustments == []
    assert answer(read_request(body_of_nothing())).diagnostics.trade_adjustments == []


def body_of_nothing():
    return {
        "portfolio_snapshot": {"portfolio_id": "pf", "base_currency": "CHF"},
        "market_data_snapshot": {},
        "model_portfolio": {"targets": []},
        "shelf_entries": [],
        "options": {},
    }
