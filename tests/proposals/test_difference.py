"""Two versions of a proposal side by side."""

import json
from dataclasses import fields
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from steelyard.proposals.difference import difference
from tests.proposals.desk import buy, buy_for, document, sell

WORDS: Any = {
    "holdings": {"A": 50},
    "prices": {"A": 10, "B": 10, "C": (10, "USD")},
    "fx": {"USD/CHF": "0.9"},
    "cash": 500,
}


def version(*trades, **words):
    return json.loads(json.dumps(document(**WORDS | words, trades=trades)))


def whats(changes):
    return [(one.what, one.kind) for one in changes]


def values(change: Any, field: str) -> tuple[str, str]:
    return change.first[field], change.second[field]


def test_the_same_proposal_does_not_differ_whenever_it_was_made():
    assert difference(version(buy("B", 3)), version(buy("B", 3))).is_empty


def test_trades_come_go_and_change():
    made = difference(version(sell("A", 5), buy("B", 3)), version(buy("B", 4), buy_for("C", 20, "USD")))
    assert sorted(whats(made.trades)) == [("BUY B", "changed"), ("BUY C", "added"), ("SELL A", "removed")]
    (change,) = [one for one in made.trades if one.kind == "changed"]
    assert values(change, "quantity") == ("3", "4")
    assert whats(made.conversions) == [("USD/CHF", "added")]
    assert {what for what, _ in whats(made.instruments)} == {"A", "B", "C"}
    assert {what for what, _ in whats(made.classes)} == {"CASH", "UNKNOWN"}


def test_two_trades_of_one_name_are_compared_one_by_one():
    made = difference(version(buy("B", 3), buy("B", 4)), version(buy("B", 3), buy("B", 5)))
    (change,) = made.trades
    assert (change.what, values(change, "quantity")) == ("BUY B", ("4", "5"))


def test_the_gate_the_flows_and_the_issues_are_compared():
    made = difference(version(), version(flows=[("CHF", -600)]))
    assert whats(made.flows) == [("CHF", "added")]
    assert whats(made.decision) == [("status", "changed"), ("gate", "changed"), ("next_step", "changed")]
    assert (made.decision[0].first, made.decision[0].second) == (
        {"name": "status", "code": "READY"},
        {"name": "status", "code": "BLOCKED"},
    )
    bought = difference(version(), version(buy("B", 30)))
    assert ("SINGLE_POSITION_MAX|B", "added") in whats(bought.issues)


trades = st.lists(st.builds(buy, st.sampled_from("ABC"), st.integers(1, 9)), max_size=4)


@given(trades, trades)
def test_the_other_way_round_what_came_has_gone(first, second):
    one, other = version(*first), version(*second)
    there, back = difference(one, other), difference(other, one)
    for field in fields(there):
        forth = {(change.what, repr(change.first), repr(change.second)) for change in getattr(there, field.name)}
        assert forth == {(change.what, repr(change.second), repr(change.first)) for change in getattr(back, field.name)}


@given(trades)
def test_nothing_differs_from_itself(chosen):
    assert difference(version(*chosen), version(*chosen)).is_empty
