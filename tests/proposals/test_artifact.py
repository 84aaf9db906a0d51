"""The document made of a proposal."""

import hashlib
import json
from datetime import UTC, datetime

import pytest

from steelyard.core.clock import frozen_at
from tests.conformance.compare import without
from tests.proposals.desk import buy, document, reference, run, sell

WORDS = {
    "holdings": {"A": 50, "B": 10},
    "prices": {"A": 10, "B": (10, "USD"), "C": (10, "USD")},
    "fx": {"USD/CHF": "0.9"},
    "cash": 500,
    "trades": [sell("A", 10), buy("C", 20)],
    "client_consent_already_obtained": True,
    "enable_suitability_scanner": False,
}


ODD_SHELVES = [{}, {"created_at": "x"}, {"artifact_hash": "x", "y": "created_at"}, {"\x7f": "\u00e9\u2028\U0001f600"}]


@pytest.mark.parametrize("attributes", ODD_SHELVES)
def test_a_client_can_recompute_its_hash(attributes):
    artifact = document(**WORDS, shelf={"A": {"attributes": attributes}})
    plain = without(artifact, frozenset({"created_at", "artifact_hash"}))
    canonical = json.dumps(plain, sort_keys=True, separators=(",", ":")).encode()
    assert artifact["evidence_bundle"]["hashes"]["artifact_hash"] == "sha256:" + hashlib.sha256(canonical).hexdigest()


def test_a_replay_has_the_same_hash_whenever_it_is_made():
    hashes = set()
    for day in (1, 2):
        with frozen_at(datetime(2026, 2, day, tzinfo=UTC)):
            artifact = document(**WORDS)
            assert artifact["created_at"] == f"2026-02-0{day}T00:00:00.000000+00:00"
            hashes.add(artifact["evidence_bundle"]["hashes"]["artifact_hash"])
    assert len(hashes) == 1


def test_its_numbers_are_those_of_the_simulation():
    artifact, result = document(**WORDS), run(**WORDS).to_dict()
    assert artifact["evidence_bundle"]["engine_outputs"]["proposal_result"] == result
    assert artifact["portfolio_impact"]["reconciliation"] == result["reconciliation"]
    assert [row["intent_id"] for row in artifact["trades_and_funding"]["trade_list"]] == ["oi_1", "oi_2"]
    assert artifact["trades_and_funding"]["fx_list"] == [
        {
            "intent_id": "oi_fx_1",
            "pair": "USD/CHF",
            "buy_amount": "200",
            "sell_amount_estimated": "180",
            "rate": "0.9000",
        }
    ]


def test_the_largest_changes_of_weight_come_first():
    changes = document(**WORDS)["portfolio_impact"]["delta"]["largest_weight_changes"]
    assert [(row["bucket_id"], row["delta"]) for row in changes] == [("C", "0.1651"), ("A", "-0.0917")]


def test_what_it_is_for_and_what_comes_next():
    summary = document(**WORDS)["summary"]
    assert summary["title"] == "Proposal for pf"
    assert summary["objective_tags"] == ["RISK_ALIGNMENT"]
    assert summary["recommended_next_step"] == "EXECUTION_READY"
    assert document(cash=1)["summary"]["objective_tags"] == ["PORTFOLIO_MAINTENANCE"]
    nearer = document(**WORDS, flows=[("CHF", 10)], reference=reference({"UNKNOWN": "1"}))
    assert nearer["summary"]["objective_tags"] == ["RISK_ALIGNMENT", "CASH_DEPLOYMENT", "DRIFT_REDUCTION"]


def test_a_blocked_proposal_goes_to_risk_or_to_compliance():
    assert (
        document(cash=1, flows=[("CHF", -5)], enable_suitability_scanner=False)["summary"]["recommended_next_step"]
        == "RISK_REVIEW"
    )
    banned = document(prices={"A": 10}, cash=100, shelf={"A": "SELL_ONLY"}, trades=[buy("A", 1)])
    assert banned["summary"]["recommended_next_step"] == "COMPLIANCE_REVIEW"


def test_the_gate_is_decided_even_if_gates_are_off():
    words = {**WORDS, "enable_workflow_gates": False}
    assert run(**words).gate_decision is None
    assert document(**words)["gate_decision"]["gate"] == "EXECUTION_READY"


def test_it_says_what_is_not_in_the_figures():
    limits = document(**WORDS)["assumptions_and_limits"]
    assert [limits[name]["included"] for name in ("costs_and_fees", "tax", "execution")] == [False] * 3
    assert document(**WORDS)["suitability_summary"]["status"] == "NOT_AVAILABLE"
    assert [row["instrument_id"] for row in document(**WORDS)["disclosures"]["product_docs"]] == ["A", "C"]
