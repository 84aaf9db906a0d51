"""Who pays for foreign purchases."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelyard.proposals.funding import round_cents
from tests.proposals.desk import buy, buy_for, run, sell
from tests.rebalance.desk import cash_after, exchanged, rule, traded

USD = {"USD/CHF": "0.9"}
DOLLARS = {"prices": {"A": (10, "USD")}, "fx": USD}


def plan(result):
    return [
        (row.target_currency, row.required, row.available_before_fx, row.fx_needed, row.funding_currency)
        for row in result.diagnostics.funding_plan
    ]


def test_base_currency_pays_what_is_missing():
    result = run(**DOLLARS, cash={"CHF": 100, "USD": 10}, trades=[buy("A", 5)])
    assert exchanged(result) == [("USD", Decimal("40.00"), "CHF", Decimal("36.00"))]
    assert plan(result) == [("USD", 50, 10, 40, "CHF")]
    assert cash_after(result) == {"CHF": 64, "USD": 0}
    assert result.intents[-1].dependencies == ("oi_fx_1",)


def test_a_sale_pays_before_any_exchange():
    result = run(
        holdings={"A": 5}, prices={"A": (10, "USD"), "B": (10, "USD")}, fx=USD, trades=[sell("A", 5), buy("B", 5)]
    )
    assert exchanged(result) == []
    assert plan(result) == [("USD", 50, 50, 0, None)]


def test_a_purchase_waits_for_the_last_sale_only_when_asked():
    words = {"holdings": {"S": 5}, "prices": {"S": 10, "B": 10}, "trades": [sell("S", 5), buy("B", 5)]}
    assert run(**words).intents[-1].dependencies == ()
    linked = run(**words, link_buy_to_same_currency_sell_dependency=True)
    assert linked.intents[-1].dependencies == ("oi_1",)


def test_another_currency_pays_where_base_cannot_unless_only_base_may():
    words = {**DOLLARS, "fx": {**USD, "EUR/USD": "1.25", "EUR/CHF": "1"}, "cash": {"CHF": 1, "EUR": 100}}
    result = run(**words, trades=[buy("A", 5)])
    assert exchanged(result) == [("USD", 50, "EUR", 40)]
    base_only = run(**words, trades=[buy("A", 5)], fx_funding_source_currency="BASE_ONLY")
    assert (traded(base_only), base_only.status) == ({}, "BLOCKED")


def test_one_source_pays_all_or_nothing():
    words = {**DOLLARS, "fx": {**USD, "EUR/USD": "1"}, "cash": {"CHF": 40, "EUR": 30}}
    result = run(**words, trades=[buy("A", 5)], block_on_missing_fx=False)
    assert exchanged(result) == []
    assert [(row.currency, row.deficit) for row in result.diagnostics.insufficient_cash] == [("CHF", 5)]
    assert rule(result, "PROPOSAL_INPUT_GUARDS").reason_code == "PROPOSAL_INSUFFICIENT_FUNDING_CASH"
    assert result.diagnostics.warnings == ["PROPOSAL_BUY_SKIPPED_UNFUNDED"]


def test_a_missing_rate_blocks_or_asks_for_a_review():
    words = {"prices": {"A": (10, "JPY")}, "cash": 1000, "trades": [buy("A", 5)]}
    blocked = run(**words)
    assert rule(blocked, "PROPOSAL_INPUT_GUARDS").reason_code == "PROPOSAL_MISSING_FX_FOR_FUNDING"
    assert blocked.diagnostics.missing_fx_pairs == ["JPY/CHF"]
    let_pass = run(**words, block_on_missing_fx=False)
    assert rule(let_pass, "PROPOSAL_FUNDING_DQ").reason_code == "MISSING_FX_FOR_FUNDING"
    assert (let_pass.status, traded(let_pass)) == ("PENDING_REVIEW", {})


def test_without_auto_funding_purchases_are_made_as_they_are():
    result = run(**DOLLARS, cash=100, trades=[buy("A", 5)], auto_funding=False)
    assert (traded(result), plan(result)) == ({"A": 5}, [])
    assert result.status == "BLOCKED"  # the currency is overdrawn


def test_cash_that_purchases_in_its_own_currency_will_take_still_counts_as_there():
    """The contract books purchases after all exchanges, so base cash can be promised twice: then it blocks."""
    result = run(prices={"A": 10, "B": (10, "USD")}, fx={"USD/CHF": 1}, cash=100, trades=[buy("A", 10), buy("B", 10)])
    assert cash_after(result) == {"CHF": -100, "USD": 0}
    assert result.status == "BLOCKED"


def test_exchanges_are_in_cents_so_half_a_cent_may_be_missing():
    result = run(prices={"A": (1, "USD")}, fx={"USD/CHF": 1}, cash=100, trades=[buy_for("A", "10.005", "USD")])
    assert exchanged(result) == [("USD", Decimal("10.00"), "CHF", Decimal("10.00"))]
    assert rule(result, "INSUFFICIENT_CASH").measured == Decimal("-0.005")


@pytest.mark.parametrize(("currency", "rounded"), [("CHF", "1.24"), ("JPY", "1"), ("KWD", "1.235"), ("XXX", "1.24")])
def test_cents_are_those_of_the_currency(currency, rounded):
    assert round_cents(Decimal("1.235"), currency) == Decimal(rounded)


@given(
    st.lists(st.tuples(st.sampled_from("ABC"), st.integers(1, 50)), max_size=6),
    st.fixed_dictionaries({}, optional=dict.fromkeys(["CHF", "EUR", "USD"], st.integers(0, 2000))),
)
def test_exchanges_keep_the_value_and_an_overdrawn_outcome_is_blocked(purchases, cash):
    result = run(
        prices={"A": 10, "B": (10, "USD"), "C": (10, "EUR")},
        fx={**USD, "EUR/CHF": "0.945", "EUR/USD": "1.05"},
        cash=cash,
        trades=[buy(name, units) for name, units in purchases],
    )
    is_overdrawn = any(amount < 0 for amount in cash_after(result).values())
    assert result.status == "BLOCKED" or not is_overdrawn
    assert abs(result.reconciliation.delta.amount) < Decimal("0.1")
