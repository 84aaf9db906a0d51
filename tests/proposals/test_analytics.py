"""Drift and suitability."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.proposals.desk import buy, reference, run, sell

HALF = {"holdings": {"A": 50}, "prices": {"A": 10, "B": 10}, "cash": 500}
EQUITY = {"A": {"asset_class": "EQUITY"}, "B": {"asset_class": "BOND"}}


def test_drift_is_half_the_sum_of_the_distances_by_asset_class():
    drift = run(
        **HALF,
        shelf=EQUITY,
        trades=[buy("B", 30)],
        reference=reference({"EQUITY": "0.4", "BOND": "0.4", "CASH": "0.2"}),
    ).drift_analysis
    assert [bucket.bucket for bucket in drift.asset_class.buckets] == ["BOND", "CASH", "EQUITY"]
    assert drift.asset_class.drift_total_before == Decimal("0.4")
    assert drift.asset_class.drift_total_after == Decimal("0.1")
    assert drift.asset_class.drift_total_delta == Decimal("-0.3")
    assert drift.instrument is None
    assert [row.bucket for row in drift.highlights.largest_improvements] == ["BOND", "CASH"]


def test_instruments_are_compared_when_the_model_names_some():
    words = {
        **HALF,
        "trades": [sell("A", 10), buy("B", 10)],
        "reference": reference({"CASH": "0.5"}, {"A": "0.3"}),
    }
    drift = run(**words, drift_unmodeled_exposure_threshold="0.1").drift_analysis
    assert [bucket.bucket for bucket in drift.instrument.buckets] == ["A", "B"]
    assert [row.bucket for row in drift.highlights.unmodeled_exposures] == ["B"]
    assert [row.bucket for row in drift.highlights.largest_deteriorations] == ["B"]
    assert run(**words, enable_instrument_drift=False).drift_analysis.instrument is None


def test_the_lists_have_the_length_asked_for():
    drift = run(**HALF, reference=reference({"X": "0.2", "Y": "0.3"}), drift_top_contributors_limit=1).drift_analysis
    assert [bucket.bucket for bucket in drift.asset_class.top_contributors_before] == ["CASH"]


def test_a_model_in_another_currency_is_no_use():
    result = run(**HALF, reference=reference({"CASH": 1}, currency="USD"))
    assert (result.drift_analysis, result.diagnostics.warnings) == (None, ["REFERENCE_MODEL_BASE_CURRENCY_MISMATCH"])


def test_drift_can_be_switched_off():
    assert run(**HALF, reference=reference({"CASH": 1}), enable_drift_analytics=False).drift_analysis is None


@given(st.integers(0, 50), st.integers(0, 100), st.integers(0, 100))
def test_improvements_add_up_to_the_fall_of_the_drift(units, first, second):
    model = {"EQUITY": Decimal(first) / 200, "CASH": Decimal(second) / 200}
    drift = run(
        **HALF, shelf=EQUITY, trades=[buy("B", units)] if units else [], reference=reference(model)
    ).drift_analysis
    total = sum(bucket.improvement for bucket in drift.asset_class.buckets)
    assert abs(total + 2 * drift.asset_class.drift_total_delta) < Decimal("1E-20")


# Suitability

RICH = {"issuer_id": "I", "liquidity_tier": "L1"}
LIMITS = {
    "single_position_max_weight": "0.5",
    "issuer_max_weight": "0.5",
    "max_weight_by_liquidity_tier": {"L5": "0.2"},
    "cash_band_min_weight": "0",
    "cash_band_max_weight": "1",
}


def issues(*, limits=None, **words):
    scan = run(**words, suitability_thresholds={**LIMITS, **(limits or {})}).suitability
    return {(issue.issue_key, issue.status_change, issue.severity) for issue in scan.issues}


@pytest.mark.parametrize(("units", "severity"), [(51, "MEDIUM"), (62, "MEDIUM"), (63, "HIGH")])
def test_a_concentration_is_grave_from_a_quarter_above_its_limit(units, severity):
    found = issues(
        prices={"A": 10}, cash=1000, shelf={"A": {"liquidity_tier": "L1", "issuer_id": None}}, trades=[buy("A", units)]
    )
    assert ("SINGLE_POSITION_MAX|A", "NEW", severity) in found


def test_an_issue_is_new_persistent_or_resolved():
    words = {"prices": {"A": 10}, "shelf": {"A": RICH}, "limits": {"issuer_max_weight": "1"}}
    key = "SINGLE_POSITION_MAX|A"
    assert issues(**words, cash=1000, trades=[buy("A", 60)]) == {(key, "NEW", "MEDIUM")}
    assert issues(**words, holdings={"A": 60}, cash=400) == {(key, "PERSISTENT", "MEDIUM")}
    assert issues(**words, holdings={"A": 60}, cash=400, trades=[sell("A", 20)]) == {(key, "RESOLVED", "MEDIUM")}


def test_issuers_and_tiers_are_added_up():
    shelf = {name: {"issuer_id": "I", "liquidity_tier": "L5"} for name in "AB"}
    found = issues(holdings={"A": 30, "B": 30}, prices={"A": 10, "B": 10}, cash=400, shelf=shelf)
    assert found == {("ISSUER_MAX|I", "PERSISTENT", "MEDIUM"), ("LIQUIDITY_MAX|L5", "PERSISTENT", "HIGH")}


@pytest.mark.parametrize(
    ("status", "options", "severity"),
    [
        ("SELL_ONLY", {}, "HIGH"),
        ("RESTRICTED", {}, "HIGH"),
        ("RESTRICTED", {"allow_restricted": True}, "MEDIUM"),
    ],
)
def test_a_purchase_of_what_is_restricted_is_an_issue_even_if_it_was_blocked(status, options, severity):
    words = {"prices": {"A": 10}, "cash": 1000, "shelf": {"A": {**RICH, "status": status}}}
    assert issues(**words, **options, trades=[buy("A", 1)]) == {(f"GOVERNANCE|A|{status}", "NEW", severity)}


def test_holding_what_is_closed_is_an_issue():
    words = {"prices": {"A": 10}, "holdings": {"A": 1}, "cash": 1000}
    for status in ("BANNED", "SUSPENDED"):
        found = issues(**words, shelf={"A": {**RICH, "status": status}})
        assert found == {(f"GOVERNANCE|A|{status}", "PERSISTENT", "HIGH")}
    assert issues(**words, shelf={"A": {**RICH, "status": "RESTRICTED"}}) == set()


def test_cash_outside_its_band_and_missing_data_are_issues():
    assert issues(cash=100, limits={"cash_band_max_weight": "0.05"}) == {("CASH_BAND", "PERSISTENT", "MEDIUM")}
    found = issues(
        holdings={"A": 1, "B": 1},
        prices={"A": 10, "B": 10},
        cash=1000,
        shelf={"B": None},
        limits={"data_quality_issue_severity": "LOW"},
    )
    assert found == {
        ("DQ|MISSING_ISSUER|A", "PERSISTENT", "LOW"),
        ("DQ|MISSING_LIQUIDITY_TIER|A", "PERSISTENT", "LOW"),
        ("DQ|MISSING_SHELF|B", "PERSISTENT", "LOW"),
    }


def test_new_issues_decide_the_gate():
    words = {
        "prices": {"A": 10},
        "cash": 1000,
        "shelf": {"A": {"liquidity_tier": "L1"}},
        "suitability_thresholds": LIMITS,
    }
    grave = run(**words, trades=[buy("A", 80)])
    assert grave.suitability.recommended_gate == "COMPLIANCE_REVIEW"
    assert grave.gate_decision.gate == "COMPLIANCE_REVIEW_REQUIRED"
    assert run(**words, trades=[buy("A", 55)]).gate_decision.gate == "RISK_REVIEW_REQUIRED"
    assert run(**words, enable_suitability_scanner=False).suitability is None
