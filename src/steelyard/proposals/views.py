"""Proposals as clients read them; what was stored as bytes goes out as those bytes.

Source: contract dpm, section 14.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec import Raw

from steelyard.proposals.documents import artifact_bytes, evidence_bytes
from steelyard.proposals.tables import (
    ApprovalRow,
    EventRow,
    ProposalKeyRow,
    ProposalOperationRow,
    ProposalRow,
    VersionRow,
)
from steelyard.rebalance.service import timestamp


def summary_view(proposal: ProposalRow) -> dict[str, Any]:
    """A proposal as it stands."""
    return {
        "proposal_id": proposal.id,
        "portfolio_id": proposal.portfolio_id,
        "mandate_id": proposal.mandate_id,
        "jurisdiction": proposal.jurisdiction,
        "created_by": proposal.created_by,
        "created_at": timestamp(proposal.created_at),
        "last_event_at": timestamp(proposal.last_event_at),
        "current_state": proposal.current_state,
        "current_version_no": proposal.current_version_no,
        "title": proposal.title,
    }


def version_view(version: VersionRow, *, include_evidence: bool = True) -> dict[str, Any]:
    """A version with its documents."""
    with_evidence = include_evidence and version.has_evidence
    return {
        **lineage_item(version),
        "proposal_id": version.proposal_id,
        "proposal_result": Raw(version.result),
        "artifact": Raw(artifact_bytes(version)),
        "evidence_bundle": Raw(evidence_bytes(version)) if with_evidence else {},
        "gate_decision": Raw(version.gate_decision),
    }


def lineage_item(version: VersionRow) -> dict[str, Any]:
    """A version by its hashes."""
    return {
        "proposal_version_id": version.id,
        "version_no": version.version_no,
        "created_at": timestamp(version.created_at),
        "status_at_creation": version.status_at_creation,
        "request_hash": version.request_hash,
        "simulation_hash": version.simulation_hash,
        "artifact_hash": version.artifact_hash,
    }


def lineage_view(proposal: ProposalRow, versions: Iterable[VersionRow]) -> dict[str, Any]:
    """A proposal and the hashes of everything that was proposed."""
    return {"proposal": summary_view(proposal), "versions": [lineage_item(version) for version in versions]}


def event_view(event: EventRow) -> dict[str, Any]:
    """Something that happened to a proposal."""
    return {
        "event_id": event.id,
        "proposal_id": event.proposal_id,
        "event_type": event.event_type,
        "from_state": event.from_state,
        "to_state": event.to_state,
        "actor_id": event.actor_id,
        "occurred_at": timestamp(event.occurred_at),
        "reason": Raw(event.reason),
        "related_version_no": event.related_version_no,
    }


def timeline_view(proposal: ProposalRow, events: Iterable[EventRow]) -> dict[str, Any]:
    """Everything that happened to a proposal."""
    return {
        "proposal_id": proposal.id,
        "current_state": proposal.current_state,
        "events": [event_view(event) for event in events],
    }


def approval_view(approval: ApprovalRow) -> dict[str, Any]:
    """An approval, or its refusal."""
    return {
        "approval_id": approval.id,
        "proposal_id": approval.proposal_id,
        "approval_type": approval.approval_type,
        "approved": approval.approved,
        "actor_id": approval.actor_id,
        "occurred_at": timestamp(approval.occurred_at),
        "details": Raw(approval.details),
        "related_version_no": approval.related_version_no,
    }


def approvals_view(proposal: ProposalRow, approvals: Iterable[ApprovalRow]) -> dict[str, Any]:
    """Who approved or refused what."""
    return {"proposal_id": proposal.id, "approvals": [approval_view(approval) for approval in approvals]}


def created_view(proposal: ProposalRow, version: VersionRow, event: EventRow) -> dict[str, Any]:
    """A proposal with one of its versions and what happened to it last."""
    return {
        "proposal": summary_view(proposal),
        "version": version_view(version),
        "latest_workflow_event": event_view(event),
    }


def detail_view(proposal: ProposalRow, version: VersionRow, *, include_evidence: bool) -> dict[str, Any]:
    """A proposal with its current version."""
    return {
        "proposal": summary_view(proposal),
        "current_version": version_view(version, include_evidence=include_evidence),
        "last_gate_decision": Raw(version.gate_decision),
    }


def moved_view(proposal: ProposalRow, event: EventRow, approval: ApprovalRow | None) -> dict[str, Any]:
    """What came of a transition or an approval."""
    return {
        "proposal_id": proposal.id,
        "current_state": proposal.current_state,
        "latest_workflow_event": event_view(event),
        "approval": None if approval is None else approval_view(approval),
    }


def key_view(key: ProposalKeyRow) -> dict[str, Any]:
    """What a key of idempotency stands for."""
    return {
        "idempotency_key": key.key,
        "request_hash": key.request_hash,
        "proposal_id": key.proposal_id,
        "proposal_version_no": key.version_no,
        "created_at": timestamp(key.created_at),
    }


def accepted_view(row: ProposalOperationRow) -> dict[str, Any]:
    """An operation as it is accepted."""
    return {
        "operation_id": row.id,
        "operation_type": row.operation_type,
        "status": "PENDING",
        "correlation_id": row.correlation_id,
        "created_at": timestamp(row.created_at),
        "status_url": f"/rebalance/proposals/operations/{row.id}",
    }


def operation_view(row: ProposalOperationRow, version: VersionRow | None) -> dict[str, Any]:
    """An operation with what came of it: the proposal as it was then, and the version that was made or found."""
    result = error = None
    if row.outcome is not None and version is not None:
        outcome = msgspec.json.decode(row.outcome, type=dict[str, Raw])
        result = {
            "proposal": outcome["proposal"],
            "version": version_view(version),
            "latest_workflow_event": outcome["latest_workflow_event"],
        }
    if row.error_code is not None:
        error = {"code": row.error_code, "message": row.error_message or ""}
    return {
        "operation_id": row.id,
        "operation_type": row.operation_type,
        "status": row.status,
        "correlation_id": row.correlation_id,
        "idempotency_key": row.idempotency_key,
        "proposal_id": row.proposal_id,
        "created_by": row.created_by,
        "created_at": timestamp(row.created_at),
        "started_at": row.started_at and timestamp(row.started_at),
        "finished_at": row.finished_at and timestamp(row.finished_at),
        "result": result,
        "error": error,
    }
