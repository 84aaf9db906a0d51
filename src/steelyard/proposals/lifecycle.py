"""The life of a proposal: which event leads from which state to which.

    DRAFT -> RISK_REVIEW | COMPLIANCE_REVIEW -> AWAITING_CLIENT_CONSENT -> EXECUTION_READY -> EXECUTED

A review or the client may reject it, an executable one may expire, and whatever has not ended may be
cancelled.  Gates advise only: a proposal of any status goes this way.

Source: contract dpm, section 14.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from steelyard.core.errors import ConflictError, InvalidInputError

State = Literal[
    "DRAFT",
    "RISK_REVIEW",
    "COMPLIANCE_REVIEW",
    "AWAITING_CLIENT_CONSENT",
    "EXECUTION_READY",
    "EXECUTED",
    "REJECTED",
    "CANCELLED",
    "EXPIRED",
]
Event = Literal[
    "CREATED",
    "NEW_VERSION_CREATED",
    "SUBMITTED_FOR_RISK_REVIEW",
    "RISK_APPROVED",
    "SUBMITTED_FOR_COMPLIANCE_REVIEW",
    "COMPLIANCE_APPROVED",
    "CLIENT_CONSENT_RECORDED",
    "EXECUTION_REQUESTED",
    "EXECUTED",
    "REJECTED",
    "EXPIRED",
    "CANCELLED",
]
ApprovalType = Literal["RISK", "COMPLIANCE", "CLIENT_CONSENT"]

OPEN: frozenset[State] = frozenset(
    {"DRAFT", "RISK_REVIEW", "COMPLIANCE_REVIEW", "AWAITING_CLIENT_CONSENT", "EXECUTION_READY"}
)
"""States from which a proposal goes on; in every other it has ended."""


@dataclass(frozen=True, slots=True)
class Rule:
    """``event`` leads from each of ``sources`` to ``target``."""

    event: Event
    sources: frozenset[State]
    target: State


@dataclass(frozen=True, slots=True)
class ApprovalRule:
    """An approval of this kind is given in ``source``, and is ``event``."""

    approval_type: ApprovalType
    source: State
    event: Event


_REJECTABLE: frozenset[State] = frozenset({"RISK_REVIEW", "COMPLIANCE_REVIEW", "AWAITING_CLIENT_CONSENT"})

RULES: tuple[Rule, ...] = (
    Rule("SUBMITTED_FOR_RISK_REVIEW", frozenset({"DRAFT"}), "RISK_REVIEW"),
    Rule("SUBMITTED_FOR_COMPLIANCE_REVIEW", frozenset({"DRAFT"}), "COMPLIANCE_REVIEW"),
    Rule("RISK_APPROVED", frozenset({"RISK_REVIEW"}), "AWAITING_CLIENT_CONSENT"),
    Rule("COMPLIANCE_APPROVED", frozenset({"COMPLIANCE_REVIEW"}), "AWAITING_CLIENT_CONSENT"),
    Rule("CLIENT_CONSENT_RECORDED", frozenset({"AWAITING_CLIENT_CONSENT"}), "EXECUTION_READY"),
    Rule("EXECUTED", frozenset({"EXECUTION_READY"}), "EXECUTED"),
    Rule("EXPIRED", frozenset({"EXECUTION_READY"}), "EXPIRED"),
    Rule("REJECTED", _REJECTABLE, "REJECTED"),
    Rule("CANCELLED", OPEN, "CANCELLED"),
)

APPROVALS: tuple[ApprovalRule, ...] = (
    ApprovalRule("RISK", "RISK_REVIEW", "RISK_APPROVED"),
    ApprovalRule("COMPLIANCE", "COMPLIANCE_REVIEW", "COMPLIANCE_APPROVED"),
    ApprovalRule("CLIENT_CONSENT", "AWAITING_CLIENT_CONSENT", "CLIENT_CONSENT_RECORDED"),
)

APPROVING: frozenset[Event] = frozenset(rule.event for rule in APPROVALS)
"""Events that say yes."""


def next_state(state: State, event: Event) -> State:
    """Where ``event`` leads from ``state``.

    Raises:
        InvalidInputError: INVALID_TRANSITION, nowhere.
    """
    for rule in RULES:
        if rule.event == event and state in rule.sources:
            return rule.target
    possible = ", ".join(rule.event for rule in RULES if state in rule.sources) or "nothing; it has ended"
    message = f"{event} is not possible when the proposal is {state}; possible is {possible}"
    raise InvalidInputError(message, code="INVALID_TRANSITION")


def event_of_approval(state: State, approval_type: ApprovalType, *, approved: bool) -> Event:
    """The event that an approval, or its refusal, is in ``state``.

    Raises:
        InvalidInputError: INVALID_APPROVAL_STATE, nobody asks for this approval now.
    """
    rule = next(rule for rule in APPROVALS if rule.approval_type == approval_type)
    if rule.source != state:
        message = f"{approval_type} is approved when the proposal is {rule.source}; it is {state}"
        raise InvalidInputError(message, code="INVALID_APPROVAL_STATE")
    return rule.event if approved else "REJECTED"


def require_expected(state: State, expected: State | None, *, is_required: bool) -> None:
    """Refuse a client that has not seen where the proposal stands.

    Raises:
        ConflictError: STATE_CONFLICT, it names another state, or none where one is required.
    """
    if expected is None and is_required:
        details = {"reason": "expected_state is required"}
        message = f"`expected_state` was not given; say where you saw the proposal, it is {state} now"
        raise ConflictError(message, code="STATE_CONFLICT", details=details)
    if expected is not None and expected != state:
        message = f"`expected_state` was {expected}; the proposal is {state} by now"
        raise ConflictError(message, code="STATE_CONFLICT", details={"reason": "expected_state mismatch"})


def require_open(state: State) -> None:
    """Refuse where a proposal has ended.

    Raises:
        InvalidInputError: PROPOSAL_TERMINAL_STATE.
    """
    if state not in OPEN:
        message = f"the proposal is {state}; it has ended and takes no new version"
        raise InvalidInputError(message, code="PROPOSAL_TERMINAL_STATE", details={"reason": state})
