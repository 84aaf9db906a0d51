"""An artifact is checked against its hashes and against the engine."""

import copy
import json

import pytest

from steelyard.core.canonical import canonical_hash
from steelyard.proposals.artifact import build_proposal_artifact
from steelyard.proposals.evidence import verify
from steelyard.proposals.simulation import ProposalIdentity, simulate_proposal
from steelyard.proposals.wire import read_proposal
from steelyard.rebalance.artifact import hash_without
from tests.proposals.desk import buy, document, reference
from tests.proposals.test_golden import CASES, post

ARTIFACT = document(
    holdings={"A": 50}, prices={"A": 10, "B": 10}, cash=500, trades=[buy("B", 3)], reference=reference({"CASH": "0.5"})
)


def outcome(artifact):
    return {check.part: check.holds for check in verify(artifact).checks}


def rehashed(artifact):
    """As a forger would leave it."""
    artifact["evidence_bundle"]["hashes"]["artifact_hash"] = hash_without(artifact, "created_at", "artifact_hash")
    return artifact


def test_an_artifact_as_it_was_made_holds_after_a_journey_through_json():
    assert outcome(json.loads(json.dumps(ARTIFACT))) == {"artifact_hash": True, "request_hash": True, "replay": True}
    assert verify(ARTIFACT).holds


@pytest.mark.parametrize("case", [one for one in CASES if one["path"].endswith("artifact")], ids=lambda one: one["id"])
def test_every_recorded_proposal_s_artifact_holds(case):
    status, body = post(case)
    assert status != 200 or verify(body).holds


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("summary", "title"), "Proposal for someone else"),
        (("trades_and_funding", "trade_list", 0, "quantity"), "4"),
        (("portfolio_impact", "after", "total_value", "amount"), "1001"),
        (("status",), "BLOCKED"),
    ],
)
def test_a_forged_figure_breaks_the_hash_and_with_a_forged_hash_the_replay_still_tells(path, value):
    forged = copy.deepcopy(ARTIFACT)
    place = forged
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    assert outcome(forged) == {"artifact_hash": False, "request_hash": True, "replay": False}
    assert outcome(rehashed(forged)) == {"artifact_hash": True, "request_hash": True, "replay": False}
    assert path[0] in verify(forged).checks[2].found.split(", ")


def test_a_forged_request_is_found_by_its_hash_and_by_the_replay():
    forged = copy.deepcopy(ARTIFACT)
    inputs = forged["evidence_bundle"]["inputs"]
    inputs["proposed_trades"][0]["quantity"] = "4"
    assert outcome(rehashed(forged)) == {"artifact_hash": True, "request_hash": False, "replay": False}
    forged["evidence_bundle"]["hashes"]["request_hash"] = canonical_hash(inputs)
    assert outcome(rehashed(forged)) == {"artifact_hash": True, "request_hash": True, "replay": False}


def test_the_hash_of_a_request_that_came_in_a_body_covers_the_whole_body():
    envelope = {"created_by": "adviser", "metadata": {"title": None}}
    plain = ARTIFACT["evidence_bundle"]["inputs"]
    request = read_proposal(plain)
    identity = ProposalIdentity("corr", canonical_hash({**envelope, "simulate_request": plain}), "key")
    artifact = build_proposal_artifact(request, simulate_proposal(request, identity), created_at="2026-02-01")
    assert verify(artifact, envelope=envelope).holds
    assert not verify(artifact, envelope={**envelope, "created_by": "another"}).holds
    assert outcome(artifact) == {"artifact_hash": True, "request_hash": False, "replay": True}


def test_when_it_was_made_is_not_part_of_the_evidence():
    assert verify({**ARTIFACT, "created_at": "2001-01-01T00:00:00+00:00"}).holds


@pytest.mark.parametrize("broken", [{}, {"evidence_bundle": []}, {"evidence_bundle": {"inputs": None, "hashes": 1}}])
def test_what_is_no_artifact_holds_nothing(broken):
    assert set(outcome(broken).values()) == {False}


def test_an_artifact_of_another_engine_is_not_replayed():
    older = copy.deepcopy(ARTIFACT)
    older["evidence_bundle"]["engine_version"] = "0.0.9"
    (check,) = [check for check in verify(rehashed(older)).checks if not check.holds]
    assert (check.part, check.promised, check.found) == ("replay", "0.0.9", "this engine is 0.1.0")
