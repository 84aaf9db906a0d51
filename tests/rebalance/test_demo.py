"""The demo requests: each gives what it promises, and shows what it says."""

import json
from typing import Any

import pytest

from steelyard.rebalance.api import analyze, simulate
from steelyard.rebalance.demo import DEMOS, SCENARIO_BASE, SCENARIOS, demo_named
from steelyard.rebalance.wire import quick_request, read_batch, read_request


def run(name: str) -> dict[str, Any]:
    demo = demo_named(name)
    assert demo is not None
    return simulate(read_request(demo.request)).to_dict()


@pytest.mark.parametrize("demo", DEMOS, ids=lambda demo: demo.name)
def test_a_demo_is_well_formed_and_has_the_status_it_promises(demo):
    request = quick_request(json.dumps(demo.request).encode())
    assert request is not None
    assert simulate(request).status == demo.status


def test_names_are_different_and_every_status_is_shown():
    assert len({demo.name for demo in DEMOS}) == len(DEMOS)
    assert {demo.status for demo in DEMOS} == {"READY", "PENDING_REVIEW", "BLOCKED"}
    assert demo_named("nobody") is None


def test_the_group_cap_binds():
    (event,) = run("tech-cap")["diagnostics"]["group_constraint_events"]
    assert (event["constraint_key"], event["status"]) == ("sector:TECH", "CAPPED")


def test_the_missing_price_is_named():
    assert run("missing-price")["diagnostics"]["data_quality"]["price_missing"] == ["GOLD-ETF"]


def test_three_currencies_are_exchanged_and_settle():
    result = run("currencies")
    assert {one["pair"] for one in result["intents"] if one["intent_type"] == "FX_SPOT"} == {"USD/CHF", "EUR/CHF"}
    assert {point["currency"] for point in result["diagnostics"]["cash_ladder"]} == {"CHF", "EUR", "USD"}
    assert result["diagnostics"]["cash_ladder_breaches"] == []


def test_purchases_before_sales_breach_the_ladder():
    (breach,) = run("settlement")["diagnostics"]["cash_ladder_breaches"]
    assert (breach["currency"], breach["reason_code"]) == ("USD", "OVERDRAFT_ON_T_PLUS_1")


def test_the_tax_budget_is_used_up_and_cuts_a_sale():
    result = run("tax")
    assert result["tax_impact"]["budget_used"] == result["tax_impact"]["budget_limit"]
    assert [one["instrument_id"] for one in result["diagnostics"]["tax_budget_constraint_events"]] == ["ROG"]


def test_the_second_opinion_differs():
    compared = run("solver")["explanation"]["target_method_comparison"]
    assert (compared["primary_method"], compared["alternate_method"]) == ("SOLVER", "HEURISTIC")
    assert compared["differing_instruments"]


def test_the_turnover_limit_leaves_trades_out():
    result = run("turnover")
    assert result["diagnostics"]["dropped_intents"]
    assert {one["reason_code"] for one in result["universe"]["excluded"]} == {
        "SHELF_STATUS_SUSPENDED",
        "LOCKED_DUE_TO_SUSPENDED",
    }


def test_the_scenarios_all_run_and_come_to_different_ends():
    body = {name: value for name, value in SCENARIO_BASE.request.items() if name != "options"}
    batch = analyze(read_batch({**body, "scenarios": SCENARIOS}))
    assert batch.failed_scenarios == {}
    assert set(batch.results) == set(SCENARIOS)
    assert len({metric.gross_turnover_notional_base.amount for metric in batch.comparison_metrics.values()}) == 3
