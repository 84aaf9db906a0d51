"""What is wrong with a request, in plain words and with its line."""

import copy
import json
from typing import Any

import pytest

from steelyard.dashboard.dpm_faults import FAULTS_MAX, Fault, explain, place_words
from steelyard.rebalance.demo import DEMOS
from steelyard.rebalance.wire import MalformedBodyError, read_request


def faults_of(text: str) -> list[Fault]:
    with pytest.raises(MalformedBodyError) as refused:
        read_request(text.encode())
    return explain(refused.value.errors, text)


def broken(**changes):
    """The first demo with changed values; keys are paths with `__` between the steps."""
    request = copy.deepcopy(dict(DEMOS[0].request))
    for path, value in changes.items():
        *way, last = [int(step) if step.isdigit() else step for step in path.split("__")]
        holder: Any = request
        for step in way:
            holder = holder[step]
        holder[last] = value
    return json.dumps(request, indent=1)


@pytest.mark.parametrize(
    ("changes", "place", "message"),
    [
        ({"portfolio_snapshot__positions__1__quantity": "abc"}, "portfolio snapshot, position 2, quantity",
         "is not a number; it was 'abc'"),
        ({"portfolio_snapshot__positions__0__quantity": None}, "portfolio snapshot, position 1, quantity",
         "is not a number; it was null"),
        ({"shelf_entries__2__settlement_days": 12}, "shelf entry 3, settlement days", "must be at most 10; it was 12"),
        ({"shelf_entries__2__status": "MAYBE"}, "shelf entry 3, status",
         "is none of 'APPROVED', 'RESTRICTED', 'BANNED', 'SUSPENDED' or 'SELL_ONLY'; it was 'MAYBE'"),
        ({"options__max_turnover_pct": 3}, "options, max turnover pct",
         "max_turnover_pct was 3; it is a share between 0 and 1"),
        ({"market_data_snapshot__prices": {}}, "market data snapshot, prices", "is not a list; it was an object"),
        ({"portfolio_snapshot__portfolio_id": "x" * 300}, "portfolio snapshot, portfolio id",
         "is too long: at most 200"),
    ],
)  # fmt: skip
def test_a_fault_is_said_with_its_place_and_line(changes, place, message):
    text = broken(**changes)
    (fault,) = faults_of(text)
    assert (fault.place, fault.message) == (place, message)
    last = next(iter(changes)).rpartition("__")[2]
    assert fault.line is not None
    assert f'"{last}"' in text.splitlines()[fault.line - 1]


def test_all_faults_are_told_in_the_order_of_the_text():
    text = broken(
        options__max_turnover_pct=3, portfolio_snapshot__base_currency=4, model_portfolio__targets__0__weight="x"
    )
    found = faults_of(text)
    assert [fault.place.split(",")[0] for fault in found] == ["portfolio snapshot", "model portfolio", "options"]
    assert [fault.line for fault in found] == sorted(fault.line or 0 for fault in found)


def test_what_is_missing_is_said_at_its_parent():
    request = copy.deepcopy(dict(DEMOS[0].request))
    del request["portfolio_snapshot"]["base_currency"]
    assert faults_of(json.dumps(request, indent=1)) == [Fault(2, "portfolio snapshot, base currency", "is missing")]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('{\n "a": 1,\n}', Fault(3, "the text", "is not JSON: expecting property name enclosed in double quotes here")),
        ("", Fault(None, "the request", "is empty: paste one, or pick one of the examples")),
        ("5", Fault(1, "the request", "is not an object; it was 5")),
    ],
)
def test_a_text_that_is_no_request_at_all(text, fault):
    assert faults_of(text) == [fault]


def test_a_long_value_is_cut_and_many_faults_are_the_first_ones():
    (fault,) = faults_of(broken(portfolio_snapshot__positions__1__quantity="z" * 500))
    assert len(fault.message) < 100
    request = copy.deepcopy(dict(DEMOS[0].request))
    request["model_portfolio"]["targets"] = [{"instrument_id": "A", "weight": "x"}] * (FAULTS_MAX + 5)
    assert len(faults_of(json.dumps(request))) == FAULTS_MAX


def test_numbers_of_lists_without_a_name_are_counted_from_one():
    assert place_words(("options", "equivalents", "A", 0)) == "options, equivalents, A, number 1"
