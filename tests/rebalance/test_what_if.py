"""Scenarios side by side, and the Python API."""

import json
from datetime import UTC, datetime

import pytest

from steelyard.core.clock import frozen_at
from steelyard.core.errors import InvalidInputError
from steelyard.rebalance.api import analyze, simulate
from steelyard.rebalance.engine import rebalance
from tests.rebalance.desk import book

BOOK = book(holdings={"A": 10}, prices={"A": 10, "B": 20}, cash=100, model={"A": "0.3", "B": "0.5"})


def batch(scenarios, **snapshots):
    shared = {key: value for key, value in BOOK.items() if key != "options"}
    return {**shared, **snapshots, "scenarios": {name: {"options": options} for name, options in scenarios.items()}}


def test_each_scenario_is_the_simulation_with_its_options():
    result = analyze(batch({"base": {}, "calm": {"max_turnover_pct": "0.2"}}))
    for name, options in {"base": {}, "calm": {"max_turnover_pct": "0.2"}}.items():
        assert result.results[name].intents == simulate({**BOOK, "options": options}).intents
    assert list(result.results) == ["base", "calm"]
    assert result.warnings == []


def test_they_are_compared_by_status_trades_and_turnover():
    metrics = analyze(batch({"base": {}, "none": {"max_turnover_pct": "0"}})).comparison_metrics
    assert (metrics["base"].security_intent_count, metrics["base"].gross_turnover_notional_base.amount) == (2, 140)
    assert (metrics["none"].security_intent_count, metrics["none"].gross_turnover_notional_base.amount) == (0, 0)


def test_bad_options_spoil_only_their_scenario():
    result = analyze(batch({"bad": {"max_turnover_pct": "2"}, "good": {}}))
    assert list(result.results) == ["good"]
    assert result.failed_scenarios["bad"].startswith("INVALID_OPTIONS: ")
    assert "2" in result.failed_scenarios["bad"]
    assert result.warnings == ["PARTIAL_BATCH_FAILURE"]


def test_a_defect_spoils_only_its_scenario(monkeypatch):
    def sometimes(request, identity, **shared):
        if identity.correlation_id.endswith(":bad"):
            raise ZeroDivisionError
        return rebalance(request, identity, **shared)

    monkeypatch.setattr("steelyard.rebalance.what_if.rebalance", sometimes)
    result = analyze(batch({"bad": {}, "good": {}}))
    assert result.failed_scenarios == {"bad": "SCENARIO_EXECUTION_ERROR: ZeroDivisionError"}
    assert list(result.results) == ["good"]


def test_snapshots_are_named_by_their_id_or_by_default():
    assert analyze(batch({"base": {}})).base_snapshot_ids == {
        "portfolio_snapshot_id": "pf",
        "market_data_snapshot_id": "md",
    }
    named = batch(
        {"base": {}},
        portfolio_snapshot={**BOOK["portfolio_snapshot"], "snapshot_id": "ps-1"},
        market_data_snapshot={**BOOK["market_data_snapshot"], "snapshot_id": "md-1"},
    )
    assert set(analyze(named).base_snapshot_ids.values()) == {"ps-1", "md-1"}


def test_runs_carry_the_correlation_and_the_scenario():
    result = analyze(batch({"base": {}}), correlation_id="corr-7").results["base"]
    assert result.correlation_id == "corr-7:base"
    anonymous = analyze(batch({"base": {}}))
    assert anonymous.results["base"].correlation_id == f"{anonymous.batch_run_id}:base"
    assert anonymous.results["base"].lineage.request_hash == f"{anonymous.batch_run_id}:base"


def test_it_says_when_it_ran():
    with frozen_at(datetime(2026, 2, 3, 10, tzinfo=UTC)):
        assert analyze(batch({"base": {}})).run_at_utc == "2026-02-03T10:00:00.000000+00:00"


def test_one_request_in_any_form_gives_one_result():
    from_plain, from_bytes = simulate(BOOK), simulate(json.dumps(BOOK).encode())
    assert from_plain.to_bytes() == from_bytes.to_bytes()
    assert json.loads(from_bytes.to_bytes()) == from_plain.to_dict()
    assert from_plain.correlation_id == "c_none"
    assert simulate(BOOK, correlation_id="").correlation_id == "c_none"


def test_a_malformed_request_is_an_error_that_lists_its_faults():
    with pytest.raises(InvalidInputError) as refusal:
        simulate({**BOOK, "options": {"target_method": "GUESS"}})
    assert refusal.value.code == "MALFORMED_REQUEST"
    assert refusal.value.details["errors"][0]["loc"] == ("body", "options", "target_method")
    with pytest.raises(InvalidInputError):
        analyze({"scenarios": {}})
