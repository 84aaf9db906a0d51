"""Flows, trades and their consequences."""

from decimal import Decimal

import pytest

from steelyard.core.errors import InvalidInputError
from steelyard.proposals.api import propose
from steelyard.proposals.wire import read_proposal
from steelyard.rebalance.wire import MalformedBodyError
from tests.proposals.desk import buy, buy_for, proposal, run, sell
from tests.rebalance.desk import cash_after, rule, traded


def orders(result):
    return [intent.intent_id for intent in result.intents]


def test_flows_come_first_then_sales_and_purchases_by_instrument():
    result = run(
        holdings={"S": 10, "R": 10},
        prices=dict.fromkeys("RSAB", 10),
        flows=[("CHF", 50), ("CHF", -20)],
        trades=[buy("B", 3), sell("S", 5), buy("A", 1), sell("R", 2)],
    )
    assert orders(result) == ["oi_cf_1", "oi_cf_2", "oi_4", "oi_2", "oi_3", "oi_1"]
    assert cash_after(result) == {"CHF": 60}
    assert result.status == "READY"


def test_a_quantity_may_follow_from_an_amount_and_is_not_rounded():
    result = run(prices={"A": 30}, cash=100, trades=[buy_for("A", 100)])
    assert traded(result)["A"] == Decimal(100) / 30
    assert result.intents[0].notional.amount == 100


def test_money_brought_in_is_no_gain():
    check = run(prices={"A": 10}, cash=100, flows=[("CHF", 1000)]).reconciliation
    assert (check.delta.amount, check.tolerance.amount, check.status) == (1000, Decimal("1.05"), "OK")


def test_a_withdrawal_beyond_the_cash_blocks_each_time_unless_that_is_allowed():
    result = run(cash=100, flows=[("CHF", -150), ("CHF", -1)])
    assert rule(result, "PROPOSAL_INPUT_GUARDS").measured == 2
    assert rule(result, "PROPOSAL_INPUT_GUARDS").reason_code == "PROPOSAL_WITHDRAWAL_NEGATIVE_CASH"
    assert result.diagnostics.warnings == ["PROPOSAL_WITHDRAWAL_NEGATIVE_CASH"]
    allowed = run(cash=100, flows=[("CHF", -150), ("CHF", 60)], proposal_block_negative_cash=False)
    assert allowed.status == "READY"


@pytest.mark.parametrize("status", ["SELL_ONLY", "BANNED", "SUSPENDED", "RESTRICTED"])
def test_what_the_shelf_forbids_is_not_bought_but_may_be_sold(status):
    words = {"holdings": {"A": 10}, "prices": {"A": 10}, "cash": 100, "shelf": {"A": status}}
    result = run(**words, trades=[buy("A", 1)])
    assert (traded(result), result.status) == ({}, "BLOCKED")
    assert result.diagnostics.warnings == ["PROPOSAL_TRADE_NOT_SUPPORTED_BY_SHELF"]
    assert traded(run(**words, trades=[sell("A", 1)])) == {"A": -1}


def test_restricted_may_be_bought_when_allowed():
    result = run(prices={"A": 10}, cash=100, shelf={"A": "RESTRICTED"}, trades=[buy("A", 1)], allow_restricted=True)
    assert traded(result) == {"A": 1}


def test_what_is_unknown_or_unpriced_is_left_out_and_blocks():
    result = run(prices={"A": 10}, cash=100, shelf={"X": None}, trades=[buy("X", 1), buy("Y", 1)])
    assert result.diagnostics.data_quality.shelf_missing == ["X", "Y"]
    assert (traded(result), result.status) == ({}, "BLOCKED")
    unpriced = run(cash=100, shelf={"A": "APPROVED"}, trades=[buy("A", 1)], block_on_missing_prices=False)
    assert unpriced.diagnostics.data_quality.price_missing == ["A"]
    assert unpriced.status == "READY"


def test_an_amount_in_another_currency_than_the_price_is_refused():
    result = run(prices={"A": 10}, cash=100, trades=[buy_for("A", 50, "USD")])
    assert result.diagnostics.warnings == ["PROPOSAL_INVALID_TRADE_INPUT"]
    assert result.status == "BLOCKED"


def test_a_sale_in_a_currency_without_rate_is_kept_without_base_amount():
    result = run(holdings={"A": 10}, prices={"A": (10, "JPY")}, trades=[sell("A", 1)], block_on_missing_fx=False)
    assert result.intents[0].notional_base is None
    assert result.status == "READY"


def test_the_client_is_asked_unless_consent_is_there():
    assert run(cash=1).gate_decision.gate == "CLIENT_CONSENT_REQUIRED"
    assert run(cash=1, client_consent_already_obtained=True).gate_decision.gate == "EXECUTION_READY"
    assert run(cash=1, enable_workflow_gates=False).gate_decision is None


def test_the_run_id_follows_from_the_request():
    assert run(cash=1).proposal_run_id == run(cash=1).proposal_run_id != run(cash=2).proposal_run_id


def test_without_the_switch_there_is_no_simulation():
    with pytest.raises(InvalidInputError) as refusal:
        propose(proposal(enable_proposal_simulation=False))
    assert refusal.value.code == "PROPOSAL_SIMULATION_DISABLED"


@pytest.mark.parametrize(
    ("trade", "kind"),
    [
        ({"quantity": 1.5}, "value_error"),
        ({"quantity": "0"}, "greater_than"),
        ({}, "value_error"),
        ({"quantity": "1", "notional": {"amount": "1", "currency": "CHF"}}, "value_error"),
        ({"notional": {"amount": "0", "currency": "CHF"}}, "value_error"),
        ({"notional": {"amount": 1.5, "currency": "CHF"}}, "value_error"),
        ({"quantity": "NaN"}, "finite_number"),
    ],
)
def test_a_malformed_trade_is_refused(trade, kind):
    with pytest.raises(MalformedBodyError) as refusal:
        read_proposal(proposal(trades=[{"side": "BUY", "instrument_id": "A", **trade}]))
    assert [fault["type"] for fault in refusal.value.errors] == [kind]


def test_a_malformed_proposal_is_an_error_that_lists_its_faults():
    with pytest.raises(InvalidInputError) as refusal:
        propose({})
    assert {fault["type"] for fault in refusal.value.details["errors"]} == {"missing"}
