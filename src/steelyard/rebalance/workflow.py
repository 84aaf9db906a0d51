"""Review of runs: which need it, and what a decision leads to.

Source: contract dpm, section 11.
"""

from __future__ import annotations

from typing import Literal

from steelyard.core.errors import ConflictError

Action = Literal["APPROVE", "REJECT", "REQUEST_CHANGES"]
WorkflowStatus = Literal["NOT_REQUIRED", "PENDING_REVIEW", "APPROVED", "REJECTED"]

_LEADS_TO: dict[str, WorkflowStatus] = {
    "APPROVE": "APPROVED",
    "REJECT": "REJECTED",
    "REQUEST_CHANGES": "PENDING_REVIEW",
}
_ALLOWED: dict[WorkflowStatus, frozenset[str]] = {
    "NOT_REQUIRED": frozenset(),
    "PENDING_REVIEW": frozenset({"APPROVE", "REJECT", "REQUEST_CHANGES"}),
    "APPROVED": frozenset({"REJECT", "REQUEST_CHANGES"}),
    "REJECTED": frozenset({"REQUEST_CHANGES"}),
}


def workflow_status(*, requires_review: bool, latest_action: str | None) -> WorkflowStatus:
    """Where the review of a run stands after its latest decision, if there was one."""
    if not requires_review:
        return "NOT_REQUIRED"
    return "PENDING_REVIEW" if latest_action is None else _LEADS_TO[latest_action]


def allowed(status: WorkflowStatus) -> frozenset[str]:
    """The actions that lead somewhere from ``status``."""
    return _ALLOWED[status]


def decide(status: WorkflowStatus, action: Action) -> WorkflowStatus:
    """Where ``action`` leads from ``status``.

    Raises:
        ConflictError: nowhere.
    """
    if status == "NOT_REQUIRED":
        message = "a run of this status needs no review; there is nothing to decide"
        raise ConflictError(message, code="DPM_WORKFLOW_NOT_REQUIRED_FOR_RUN_STATUS")
    if action not in allowed(status):
        raise ConflictError(f"{action} is not possible when {status}", code="DPM_WORKFLOW_INVALID_TRANSITION")
    return _LEADS_TO[action]
