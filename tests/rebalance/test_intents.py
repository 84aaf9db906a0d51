"""From targets to orders."""

from decimal import Decimal

import pytest

from tests.rebalance.desk import money, run, traded


def test_both_sides_trade_whole_units_rounded_down():
    result = run(holdings={"A": "10.7"}, prices={"A": 10, "B": 30}, cash=100, model={"B": "0.5"})
    assert traded(result) == {"A": -10, "B": 3}


def test_a_difference_smaller_than_one_unit_trades_nothing():
    assert traded(run(holdings={"A": 10}, prices={"A": 10}, cash=5, model={"A": "0.99"})) == {}


def test_notional_is_in_the_instruments_currency_and_in_base():
    result = run(prices={"A": (10, "USD")}, fx={"USD/CHF": "0.9"}, cash=1000, model={"A": "0.5"}, fx_buffer_pct="0")
    trade = next(intent for intent in result.intents if intent.intent_id == "oi_1")
    assert (trade.notional.amount, trade.notional.currency) == (550, "USD")
    assert (trade.notional_base.amount, trade.notional_base.currency) == (495, "CHF")


@pytest.mark.parametrize(("minimum", "kept"), [("299.99", True), ("300", True), ("300.01", False)])
def test_a_trade_below_its_minimum_is_dust(minimum, kept):
    result = run(prices={"A": 30}, cash=1000, model={"A": "0.3"}, shelf={"A": {"min_notional": money(minimum)}})
    assert (traded(result) == {"A": 10}) is kept
    assert len(result.diagnostics.suppressed_intents) == (0 if kept else 1)


def test_the_minimum_of_the_options_overrides_the_shelf():
    result = run(
        prices={"A": 30},
        cash=1000,
        model={"A": "0.3"},
        shelf={"A": {"min_notional": money(5000)}},
        min_trade_notional=money(10),
    )
    assert traded(result) == {"A": 10}
    assert result.intents[0].constraints_applied == ("MIN_NOTIONAL",)


def test_an_untouched_position_with_a_minimum_is_recorded_as_dust_of_nothing():
    result = run(holdings={"A": 30}, prices={"A": 10}, cash=700, model={"A": "0.3"}, min_trade_notional=money(1))
    (dust,) = result.diagnostics.suppressed_intents
    assert (dust.instrument_id, dust.intended_notional.amount) == ("A", 0)


def test_dust_is_let_through_when_asked_for():
    words = {"prices": {"A": 30}, "cash": 1000, "model": {"A": "0.3"}, "min_trade_notional": money(5000)}
    assert traded(run(**words)) == {}
    assert traded(run(**words, suppress_dust_trades=False)) == {"A": 10}


def test_a_minimum_in_another_currency_is_converted():
    words = {"prices": {"A": 30}, "cash": 1000, "model": {"A": "0.3"}, "fx": {"USD/CHF": "0.5"}}
    assert traded(run(**words, min_trade_notional=money(599, "USD"))) == {"A": 10}
    assert traded(run(**words, min_trade_notional=money(601, "USD"))) == {}


def test_a_minimum_that_cannot_be_converted_counts_as_none():
    result = run(prices={"A": 30}, cash=1000, model={"A": "0.3"}, min_trade_notional=money("1E9", "JPY"))
    assert traded(result) == {"A": 10}
    assert result.intents[0].constraints_applied == ()
    assert result.diagnostics.data_quality.fx_missing == []


def test_the_custodians_value_counts_as_current_in_any_mode():
    held = {"A": {"quantity": "10", "market_value": money(500)}}
    assert traded(run(holdings=held, prices={"A": 10, "B": 10}, cash=900, model={"A": "0.5"})) == {}


def test_a_locked_holding_is_not_traded_even_if_the_custodian_values_it_differently():
    held = {"A": {"quantity": "10", "market_value": money(500)}}
    result = run(holdings=held, prices={"A": 10}, cash=100, shelf={"A": "SUSPENDED"})
    assert traded(result) == {}


def test_a_new_target_without_price_blocks_unless_told_otherwise():
    words = {"prices": {"B": 10}, "cash": 1000, "model": {"A": "0.5", "B": "0.1"}}
    assert run(**words).status == "BLOCKED"
    result = run(**words, block_on_missing_prices=False)
    assert traded(result) == {"B": 10}
    assert result.diagnostics.data_quality.price_missing == ["A"]


def test_a_currency_without_rate_is_left_out_unless_that_blocks():
    words = {"prices": {"A": (10, "USD"), "B": 10}, "cash": 1000, "model": {"A": "0.5", "B": "0.1"}}
    assert run(**words).status == "BLOCKED"
    result = run(**words, block_on_missing_fx=False)
    assert traded(result) == {"B": 10}
    assert result.diagnostics.data_quality.fx_missing == ["USD/CHF"]


def test_orders_are_numbered_as_they_arise():
    result = run(holdings={"C": 10}, prices=dict.fromkeys("ABC", 10), cash=1000, model={"A": "0.2", "B": "0.2"})
    assert {trade.instrument_id: trade.intent_id for trade in result.intents} == {"A": "oi_1", "B": "oi_2", "C": "oi_3"}


def test_enormous_quantities_stay_whole():
    result = run(prices={"A": "1E-9"}, cash="1E29", model={"A": "1"})
    assert traded(result)["A"] == Decimal("1E38")
