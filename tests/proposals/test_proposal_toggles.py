"""Switches of proposals as deployments set them."""

import dataclasses

import pytest

from steelyard.proposals.toggles import ProposalToggles

NAMES = {
    "lifecycle": "PROPOSAL_WORKFLOW_LIFECYCLE_ENABLED",
    "support_apis": "PROPOSAL_SUPPORT_APIS_ENABLED",
    "async_operations": "PROPOSAL_ASYNC_OPERATIONS_ENABLED",
    "store_evidence_bundle": "PROPOSAL_STORE_EVIDENCE_BUNDLE",
    "require_expected_state": "PROPOSAL_REQUIRE_EXPECTED_STATE",
    "allow_portfolio_change": "PROPOSAL_ALLOW_PORTFOLIO_CHANGE_ON_NEW_VERSION",
    "require_simulation_flag": "PROPOSAL_REQUIRE_SIMULATION_FLAG",
    "four_eyes": "PROPOSAL_FOUR_EYES_REQUIRED",
    "override_note_required": "PROPOSAL_OVERRIDE_NOTE_REQUIRED",
}
OFF = {"allow_portfolio_change", "four_eyes", "override_note_required"}


def test_the_defaults_are_those_of_the_contract_and_ours_are_off():
    default = ProposalToggles.read({})
    assert {name for name in NAMES if not getattr(default, name)} == OFF
    assert default.expiry_days == 0


@pytest.mark.parametrize("name", NAMES)
def test_each_switch_turns_itself_only(name):
    default = ProposalToggles.read({})
    turned = ProposalToggles.read({NAMES[name]: "no" if getattr(default, name) else "yes"})
    assert turned == dataclasses.replace(default, **{name: not getattr(default, name)})


@pytest.mark.parametrize(("text", "days"), [("30", 30), ("0", 0), ("-1", 0), ("soon", 0), ("9" * 30, 100_000)])
def test_the_days_of_expiry(text, days):
    assert ProposalToggles.read({"PROPOSAL_EXECUTION_READY_EXPIRY_DAYS": text}).expiry_days == days
