"""A proposal's bytes: written once, put together to what the artifact says, hashed as anyone can."""

import json
from typing import Any

import msgspec
import pytest

from steelyard.core.canonical import canonical_hash
from steelyard.proposals.artifact import build_proposal_artifact
from steelyard.proposals.documents import artifact_bytes, document_of, documented, evidence_bytes
from steelyard.proposals.simulation import ProposalIdentity, simulate_proposal
from steelyard.proposals.values import ProposalResult
from steelyard.proposals.wire import read_proposal
from tests.proposals.desk import buy, proposal, reference, sell

AT = "2026-02-03T10:15:30.123456+00:00"
IDENTITY = ProposalIdentity("corr", "sha256:0", "key")
OURS = {"A": {"attributes": {"created_at": "x", "artifact_hash": "y"}}}
BUYING: dict[str, Any] = {"prices": {"A": 10}, "cash": 500, "trades": [buy("A", 4)]}
BOOKS = {
    "ready": proposal(holdings={"A": 10}, prices={"A": 10, "B": 20}, cash=500, trades=[sell("A", 3), buy("B", 4)]),
    "drift": proposal(**BUYING, flows=[("CHF", 9)], reference=reference({"CASH": 1})),
    "blocked": proposal(prices={}, cash=5, trades=[buy("Z", 4)]),
    "umlauts": proposal(prices={"Ä": 10}, cash=500, trades=[buy("Ä", 4)]),
    "keys named as ours": proposal(**BUYING, shelf=OURS),
    "gates off": proposal(**BUYING, enable_workflow_gates=False),
}


def without(value, *keys):
    if isinstance(value, dict):
        return {key: without(item, *keys) for key, item in value.items() if key not in keys}
    return [without(item, *keys) for item in value] if isinstance(value, list) else value


@pytest.fixture(params=BOOKS)
def request_(request):
    return read_proposal(json.dumps(BOOKS[request.param]).encode())


def test_the_parts_make_up_the_artifact_and_its_evidence(request_):
    document = document_of(request_, IDENTITY, created_at=AT)
    artifact = json.loads(artifact_bytes(document))
    result = simulate_proposal(request_, IDENTITY)
    assert artifact == build_proposal_artifact(request_, result, created_at=AT)
    assert json.loads(evidence_bytes(document)) == artifact["evidence_bundle"]
    assert document.result == result.to_bytes()


def test_anyone_can_recompute_the_hashes_from_the_bytes(request_):
    document = document_of(request_, IDENTITY, created_at=AT)
    artifact = json.loads(artifact_bytes(document))
    assert document.simulation_hash == canonical_hash(json.loads(document.result))
    assert document.artifact_hash == artifact["evidence_bundle"]["hashes"]["artifact_hash"]
    assert document.artifact_hash == canonical_hash(without(artifact, "created_at", "artifact_hash"))


def test_documents_of_a_stored_result_are_the_first_ones_byte_for_byte(request_):
    first = document_of(request_, IDENTITY, created_at=AT)
    stored = msgspec.json.decode(first.result, type=ProposalResult)
    again = documented(request_, stored, created_at=AT)
    assert artifact_bytes(again) == artifact_bytes(first)
    assert again.result == first.result


def test_what_can_be_overridden_is_what_asks_for_a_review_and_does_not_block():
    plain = proposal(holdings={"A": 10}, prices={"A": 10}, cash=500, trades=[sell("A", 1)], cash_band_max_weight="0.05")
    document = document_of(read_proposal(plain), IDENTITY, created_at=AT)
    assert "SOFT_RULE_FAIL:CASH_BAND" in json.loads(document.soft_breaches)
    blocked = document_of(read_proposal(BOOKS["blocked"]), IDENTITY, created_at=AT)
    assert not [code for code in json.loads(blocked.soft_breaches) if code.startswith("HARD")]
    assert json.loads(blocked.gate_decision)["gate"] == "BLOCKED"


def test_without_gates_there_is_no_decision_and_breaches_are_known_all_the_same():
    document = document_of(read_proposal(BOOKS["gates off"]), IDENTITY, created_at=AT)
    assert document.gate_decision == b"null"
    assert json.loads(document.soft_breaches)
