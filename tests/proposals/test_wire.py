"""Reading proposals: fast, and never more tolerant than the models that document them."""

import json

import pytest
from hypothesis import given

from steelyard.proposals.wire import quick_proposal, read_proposal
from steelyard.rebalance import limits
from steelyard.rebalance.wire import MalformedBodyError
from tests.proposals.desk import buy, buy_for, proposal, reference
from tests.rebalance.test_wire import spoilt

PROPOSAL = proposal(
    holdings={"A": 10},
    prices={"A": "10", "B": ("5", "USD")},
    cash={"CHF": {"amount": "500"}},
    fx={"USD/CHF": "0.9"},
    flows=[("CHF", -5)],
    trades=[buy("A", 3), buy_for("B", 20, "USD")],
    reference=reference({"CASH": "0.5"}, {"A": "0.3"}),
    suitability_thresholds={"max_weight_by_liquidity_tier": {"L4": "0.1"}},
)


def outcome(body):
    try:
        return read_proposal(body), None
    except MalformedBodyError as error:
        return None, sorted((fault["type"], json.dumps(fault["loc"])) for fault in error.errors)


@given(spoilt(PROPOSAL))
def test_bytes_and_plain_values_are_read_alike(body):
    assert outcome(json.dumps(body).encode()) == outcome(body)


def test_an_ordinary_proposal_takes_the_quick_way():
    body = json.dumps(PROPOSAL).encode()
    assert quick_proposal(body) == read_proposal(PROPOSAL)


@pytest.mark.parametrize("amount", [1.5, 1.0, 1e3])
def test_a_float_takes_the_careful_way_and_is_refused(amount):
    body = {**PROPOSAL, "proposed_cash_flows": [{"currency": "CHF", "amount": amount}]}
    assert quick_proposal(json.dumps(body).encode()) is None
    assert outcome(json.dumps(body).encode())[1] == [("value_error", '["body", "proposed_cash_flows", 0, "amount"]')]


def test_hostile_sizes_are_refused_by_name():
    flows = [{"currency": "CHF", "amount": "1"}] * (limits.ROWS_MAX + 1)
    faults = outcome(json.dumps({**PROPOSAL, "proposed_cash_flows": flows}).encode())[1]
    assert faults == [("too_long", '["body", "proposed_cash_flows"]')]
