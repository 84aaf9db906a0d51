"""Simulation, rules, reconciliation, gate: what an outcome is judged by."""

from decimal import Decimal

import pytest

from tests.rebalance.desk import cash_after, lot, money, rule, run

RULES = ["CASH_BAND", "SINGLE_POSITION_MAX", "DATA_QUALITY", "MIN_TRADE_SIZE", "NO_SHORTING", "INSUFFICIENT_CASH"]


def plain(**options):
    return run(holdings={"A": 10}, prices={"A": 10, "B": 20}, cash=100, model={"A": "0.5", "B": "0.2"}, **options)


def test_six_rules_in_their_order():
    assert [row.rule_id for row in plain().rule_results] == RULES


def test_after_the_trades_old_positions_come_first_and_new_ones_are_appended():
    result = plain()
    assert [(row.instrument_id, row.quantity) for row in result.after_simulated.positions] == [("A", 10), ("B", 2)]
    assert cash_after(result) == {"CHF": 60}


def test_a_position_sold_to_nothing_stays_listed():
    result = run(holdings={"A": 10}, prices={"A": 10})
    assert [(row.instrument_id, row.quantity) for row in result.after_simulated.positions] == [("A", 0)]


def test_settled_and_pending_cash_are_carried_along():
    result = run(holdings={"A": 1}, prices={"A": 10}, cash={"CHF": {"amount": "5", "settled": "3", "pending": "2"}})
    (row,) = result.after_simulated.cash_balances
    assert (row.amount, row.settled, row.pending) == (15, 3, 2)


@pytest.mark.parametrize(
    ("low", "high", "status"), [("0.3", "0.3", "PASS"), ("0.31", "1", "FAIL"), ("0", "0.29", "FAIL")]
)
def test_cash_outside_its_band_asks_for_a_review(low, high, status):
    result = plain(cash_band_min_weight=low, cash_band_max_weight=high)
    assert (rule(result, "CASH_BAND").status, rule(result, "CASH_BAND").measured) == (status, Decimal("0.3"))
    assert result.status == ("READY" if status == "PASS" else "PENDING_REVIEW")


def test_each_position_above_the_limit_is_a_row_and_blocks():
    result = run(
        holdings={"A": 10, "B": 10},
        prices={"A": 10, "B": 10},
        shelf={"A": "BANNED", "B": "BANNED"},
        single_position_max_weight="0.4",
    )
    rows = [row for row in result.rule_results if row.rule_id == "SINGLE_POSITION_MAX"]
    assert [(row.status, row.measured, row.reason_code) for row in rows] == [
        ("FAIL", Decimal("0.5"), "LIMIT_BREACH")
    ] * 2
    assert result.status == "BLOCKED"


def test_a_limit_that_holds_shows_the_largest_weight():
    assert rule(plain(single_position_max_weight="0.6"), "SINGLE_POSITION_MAX").measured == Decimal("0.5")
    assert rule(plain(), "SINGLE_POSITION_MAX").reason_code == "NO_LIMIT_SET"


def test_selling_more_than_is_held_blocks():
    held = {"A": {"quantity": "10", "market_value": money(200)}}
    result = run(holdings=held, prices={"A": 10})
    assert rule(result, "NO_SHORTING").measured == -10
    assert result.diagnostics.warnings == ["SIMULATION_SAFETY_CHECK_FAILED"]
    assert (result.status, result.reconciliation) == ("BLOCKED", None)


def test_the_fx_buffer_of_a_foreign_model_overdraws_base_and_blocks():
    result = run(prices={"A": (10, "USD")}, fx={"USD/CHF": "1"}, cash=1000, model={"A": "1"})
    assert rule(result, "INSUFFICIENT_CASH").measured == -10
    assert result.status == "BLOCKED"


def test_missing_data_is_counted_as_often_as_it_is_missed():
    result = run(holdings={"A": 1, "B": 1}, prices={"A": 10}, cash=10)
    assert rule(result, "DATA_QUALITY").measured == 1
    assert result.explanation.summary == "Blocked"
    assert result.universe.coverage.price_coverage_pct == 0
    open_run = run(holdings={"A": 1, "B": 1}, prices={"A": 10}, cash=10, block_on_missing_prices=False)
    assert open_run.diagnostics.data_quality.price_missing == ["B"] * 3
    assert rule(open_run, "DATA_QUALITY").status == "PASS"


def test_suppressed_trades_are_counted_and_never_fail():
    result = plain(min_trade_notional=money(1000))
    row = rule(result, "MIN_TRADE_SIZE")
    assert (row.status, row.measured, row.reason_code) == ("PASS", 2, "INTENTS_SUPPRESSED")


def test_value_before_and_after_is_reconciled():
    check = plain().reconciliation
    assert (check.delta.amount, check.tolerance.amount, check.status) == (0, Decimal("0.6"), "OK")


def test_trusted_values_off_the_market_end_in_a_mismatch():
    held = {"A": {"quantity": "10", "market_value": money(500)}}
    result = run(holdings=held, prices={"A": 10}, shelf={"A": "BANNED"}, valuation_mode="TRUST_SNAPSHOT")
    assert result.status == "BLOCKED"
    assert result.reconciliation.status == "MISMATCH"
    assert result.rule_results[-1].rule_id == "RECONCILIATION"
    assert result.rule_results[-1].measured == 400


@pytest.mark.parametrize(
    ("options", "gate", "step"),
    [
        ({}, "EXECUTION_READY", "EXECUTE"),
        ({"workflow_requires_client_consent": True}, "CLIENT_CONSENT_REQUIRED", "REQUEST_CLIENT_CONSENT"),
        (
            {"workflow_requires_client_consent": True, "client_consent_already_obtained": True},
            "EXECUTION_READY",
            "EXECUTE",
        ),
        ({"cash_band_max_weight": "0.1"}, "RISK_REVIEW_REQUIRED", "RISK_REVIEW"),
        ({"single_position_max_weight": "0.001"}, "BLOCKED", "FIX_INPUT"),
    ],
)
def test_the_first_gate_that_matches_decides(options, gate, step):
    decision = plain(**options).gate_decision
    assert (decision.gate, decision.recommended_next_step) == (gate, step)


def test_a_failed_rule_is_a_reason():
    (reason,) = plain(cash_band_max_weight="0.1").gate_decision.reasons
    assert (reason.reason_code, reason.severity, reason.source) == ("SOFT_RULE_FAIL:CASH_BAND", "MEDIUM", "RULE_ENGINE")
    assert reason.details == {"reason_code": "THRESHOLD_BREACH"}


def test_missing_data_is_a_reason_even_where_it_does_not_block():
    decision = run(holdings={"A": 1}, cash=1, block_on_missing_prices=False).gate_decision
    assert [(reason.reason_code, reason.details) for reason in decision.reasons] == [
        ("DATA_QUALITY_MISSING_PRICE", {"count": "3"})
    ]
    assert decision.gate == "EXECUTION_READY"


def test_a_review_of_the_targets_alone_still_gates_ready():
    result = plain(min_cash_buffer_pct="0.4")
    assert (result.status, result.gate_decision.gate, result.gate_decision.reasons) == (
        "PENDING_REVIEW",
        "EXECUTION_READY",
        [],
    )


def test_the_gate_can_be_switched_off():
    assert plain(enable_workflow_gates=False).gate_decision is None


def test_lots_that_do_not_block_leave_the_tax_impact_out_of_an_early_block():
    held = {"A": {"quantity": "1", "lots": [lot("l", 1, 1)]}}
    assert run(holdings=held, enable_tax_awareness=True).tax_impact is None
