"""The life of a proposal as a table: what leads where, and everything else nowhere."""

import itertools
from typing import get_args

import pytest

from steelyard.core.errors import ConflictError, InvalidInputError
from steelyard.proposals.lifecycle import (
    APPROVALS,
    OPEN,
    RULES,
    ApprovalType,
    Event,
    State,
    event_of_approval,
    next_state,
    require_expected,
    require_open,
)

STATES, EVENTS = get_args(State), get_args(Event)
TABLE = {
    ("DRAFT", "SUBMITTED_FOR_RISK_REVIEW"): "RISK_REVIEW",
    ("DRAFT", "SUBMITTED_FOR_COMPLIANCE_REVIEW"): "COMPLIANCE_REVIEW",
    ("DRAFT", "CANCELLED"): "CANCELLED",
    ("RISK_REVIEW", "RISK_APPROVED"): "AWAITING_CLIENT_CONSENT",
    ("RISK_REVIEW", "REJECTED"): "REJECTED",
    ("RISK_REVIEW", "CANCELLED"): "CANCELLED",
    ("COMPLIANCE_REVIEW", "COMPLIANCE_APPROVED"): "AWAITING_CLIENT_CONSENT",
    ("COMPLIANCE_REVIEW", "REJECTED"): "REJECTED",
    ("COMPLIANCE_REVIEW", "CANCELLED"): "CANCELLED",
    ("AWAITING_CLIENT_CONSENT", "CLIENT_CONSENT_RECORDED"): "EXECUTION_READY",
    ("AWAITING_CLIENT_CONSENT", "REJECTED"): "REJECTED",
    ("AWAITING_CLIENT_CONSENT", "CANCELLED"): "CANCELLED",
    ("EXECUTION_READY", "EXECUTED"): "EXECUTED",
    ("EXECUTION_READY", "EXPIRED"): "EXPIRED",
    ("EXECUTION_READY", "CANCELLED"): "CANCELLED",
}
"""The contract's table, written out."""

APPROVAL_TABLE = {
    ("RISK_REVIEW", "RISK"): ("RISK_APPROVED", "AWAITING_CLIENT_CONSENT"),
    ("COMPLIANCE_REVIEW", "COMPLIANCE"): ("COMPLIANCE_APPROVED", "AWAITING_CLIENT_CONSENT"),
    ("AWAITING_CLIENT_CONSENT", "CLIENT_CONSENT"): ("CLIENT_CONSENT_RECORDED", "EXECUTION_READY"),
}


@pytest.mark.parametrize(("state", "event"), list(itertools.product(STATES, EVENTS)))
def test_an_event_leads_where_the_table_says_and_nowhere_else(state, event):
    if (state, event) in TABLE:
        assert next_state(state, event) == TABLE[state, event]
        return
    with pytest.raises(InvalidInputError, match=f"{event} is not possible when the proposal is {state}") as refused:
        next_state(state, event)
    assert refused.value.code == "INVALID_TRANSITION"


@pytest.mark.parametrize(("state", "kind"), list(itertools.product(STATES, get_args(ApprovalType))))
def test_an_approval_is_an_event_of_one_state(state, kind):
    if (state, kind) in APPROVAL_TABLE:
        event, target = APPROVAL_TABLE[state, kind]
        assert event_of_approval(state, kind, approved=True) == event
        assert next_state(state, event) == target
        assert next_state(state, event_of_approval(state, kind, approved=False)) == "REJECTED"
        return
    for approved in (True, False):
        with pytest.raises(InvalidInputError) as refused:
            event_of_approval(state, kind, approved=approved)
        assert refused.value.code == "INVALID_APPROVAL_STATE"


def test_no_two_rules_disagree_and_no_rule_leaves_an_end():
    seen = [(source, rule.event) for rule in RULES for source in rule.sources]
    assert len(seen) == len(set(seen)) == len(TABLE)
    assert {source for source, _ in seen} == OPEN
    assert {rule.source for rule in APPROVALS} <= OPEN


def test_every_way_ends_and_every_state_is_reached():
    ends = {state for state in STATES if state not in OPEN}
    assert ends == {"EXECUTED", "REJECTED", "CANCELLED", "EXPIRED"}
    reached = {"DRAFT"}
    while grown := {TABLE[state, event] for state, event in TABLE if state in reached} - reached:
        reached |= grown
    assert reached == set(STATES)


@pytest.mark.parametrize(("expected", "required", "reason"), [
    (None, True, "expected_state is required"),
    ("RISK_REVIEW", True, "expected_state mismatch"),
    ("RISK_REVIEW", False, "expected_state mismatch"),
])  # fmt: skip
def test_who_has_not_seen_the_state_is_refused(expected, required, reason):
    with pytest.raises(ConflictError) as refused:
        require_expected("DRAFT", expected, is_required=required)
    assert (refused.value.code, refused.value.details) == ("STATE_CONFLICT", {"reason": reason})


@pytest.mark.parametrize(("expected", "required"), [("DRAFT", True), ("DRAFT", False), (None, False)])
def test_who_has_seen_it_or_need_not_goes_on(expected, required):
    require_expected("DRAFT", expected, is_required=required)


@pytest.mark.parametrize("state", STATES)
def test_only_what_has_not_ended_takes_a_version(state):
    if state in OPEN:
        require_open(state)
        return
    with pytest.raises(InvalidInputError, match=state) as refused:
        require_open(state)
    assert refused.value.code == "PROPOSAL_TERMINAL_STATE"
