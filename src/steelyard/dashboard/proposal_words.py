"""States, events and moves of a proposal as a person reads them, and which moves a state allows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from steelyard.dashboard.shell import Tone
from steelyard.proposals.lifecycle import ApprovalType, Event, State

STATES: Mapping[str, str] = {
    "DRAFT": "Draft",
    "RISK_REVIEW": "With risk management",
    "COMPLIANCE_REVIEW": "With compliance",
    "AWAITING_CLIENT_CONSENT": "Waiting for the client",
    "EXECUTION_READY": "Ready to execute",
    "EXECUTED": "Executed",
    "REJECTED": "Rejected",
    "CANCELLED": "Cancelled",
    "EXPIRED": "Expired",
}
STATE_TONES: Mapping[str, Tone] = {
    "DRAFT": "neutral", "RISK_REVIEW": "doubtful", "COMPLIANCE_REVIEW": "doubtful",
    "AWAITING_CLIENT_CONSENT": "busy", "EXECUTION_READY": "busy", "EXECUTED": "good", "REJECTED": "bad",
    "CANCELLED": "neutral", "EXPIRED": "neutral",
}  # fmt: skip
EVENTS: Mapping[str, str] = {
    "CREATED": "Created",
    "NEW_VERSION_CREATED": "New version",
    "SUBMITTED_FOR_RISK_REVIEW": "Sent to risk management",
    "SUBMITTED_FOR_COMPLIANCE_REVIEW": "Sent to compliance",
    "RISK_APPROVED": "Approved by risk management",
    "COMPLIANCE_APPROVED": "Approved by compliance",
    "CLIENT_CONSENT_RECORDED": "The client consented",
    "EXECUTED": "Executed",
    "REJECTED": "Rejected",
    "CANCELLED": "Cancelled",
    "EXPIRED": "Expired",
}
STANDING: Mapping[str, str] = {
    "DRAFT": "It can still be worked on. Send it to a review when it is complete.",
    "RISK_REVIEW": "Risk management decides whether it goes to the client.",
    "COMPLIANCE_REVIEW": "Compliance decides whether it goes to the client.",
    "AWAITING_CLIENT_CONSENT": "It was approved. The client's answer is recorded here.",
    "EXECUTION_READY": "The client agreed. Record it when the trades are done.",
    "EXECUTED": "The trades are done. Nothing more happens to it.",
    "REJECTED": "It was turned down. Nothing more happens to it.",
    "CANCELLED": "It was withdrawn. Nothing more happens to it.",
    "EXPIRED": "It was not executed in time. Nothing more happens to it.",
}


@dataclass(frozen=True, slots=True)
class Move:
    """Something that may be done to a proposal.

    Attributes:
        label: on its button.
        question: what the dialog asks.
        event: what happens, where it is a transition.
        approval, approved: what is decided, where it is an approval.
        kind: ``primary`` goes on, ``quiet`` is another way, ``danger`` ends it.
    """

    label: str
    question: str
    event: Event | None = None
    approval: ApprovalType | None = None
    approved: bool = False
    kind: str = "quiet"

    @property
    def approves(self) -> bool:
        """Whether it says yes to a review or for the client."""
        return self.approval is not None and self.approved


_CANCEL = Move("Cancel the proposal", "Withdraw this proposal? That is final.", "CANCELLED", kind="danger")
MOVES: Mapping[State, tuple[Move, ...]] = {
    "DRAFT": (
        Move(
            "Send to risk management", "Send this proposal to risk management?", "SUBMITTED_FOR_RISK_REVIEW",
            kind="primary",
        ),
        Move("Send to compliance", "Send this proposal to compliance?", "SUBMITTED_FOR_COMPLIANCE_REVIEW"),
        _CANCEL,
    ),
    "RISK_REVIEW": (
        Move(
            "Approve for risk", "Approve this proposal as risk management? It then goes to the client.",
            approval="RISK", approved=True, kind="primary",
        ),
        Move("Reject", "Reject this proposal as risk management? That is final.", approval="RISK", kind="danger"),
        _CANCEL,
    ),
    "COMPLIANCE_REVIEW": (
        Move(
            "Approve for compliance", "Approve this proposal as compliance? It then goes to the client.",
            approval="COMPLIANCE", approved=True, kind="primary",
        ),
        Move("Reject", "Reject this proposal as compliance? That is final.", approval="COMPLIANCE", kind="danger"),
        _CANCEL,
    ),
    "AWAITING_CLIENT_CONSENT": (
        Move(
            "Record consent", "Has the client agreed to exactly this proposal?",
            approval="CLIENT_CONSENT", approved=True, kind="primary",
        ),
        Move(
            "Client declined", "Has the client declined? The proposal is rejected then, and that is final.",
            approval="CLIENT_CONSENT", kind="danger",
        ),
        _CANCEL,
    ),
    "EXECUTION_READY": (
        Move("Mark as executed", "Are all trades of this proposal done?", "EXECUTED", kind="primary"),
        Move("Let it expire", "Close this proposal as not executed in time? That is final.", "EXPIRED", kind="danger"),
        _CANCEL,
    ),
}  # fmt: skip
"""What may be done in each state that has not ended; an approving event always as an approval, so that it counts."""


def said_of(meanings: Mapping[str, str], code: str) -> str:
    """The words of a code; of an unknown one, the code."""
    return meanings.get(code, code)
