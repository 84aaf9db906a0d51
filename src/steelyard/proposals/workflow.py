"""Moving a proposal: a transition or an approval, checked in the contract's order and written with its event.

Whoever moves one proposal takes turns, so of two that expect the same state one finds another.

Source: contract dpm, section 14.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from steelyard.core import clock
from steelyard.infra.audit import record
from steelyard.infra.principal import Principal
from steelyard.proposals import lifecycle, review
from steelyard.proposals.events import add_event, new_id, reason_bytes
from steelyard.proposals.lifecycle import ApprovalType, Event, State
from steelyard.proposals.store import current_facts, proposal_by_id
from steelyard.proposals.tables import ApprovalRow, EventRow, ProposalRow, VersionRow
from steelyard.proposals.toggles import ProposalToggles

OVERRIDE = "override"
"""The key of an event's reason under which an override stands."""

FOUR_EYES = "four_eyes"
"""The key of an event's reason under which the tally of approvals stands."""


@dataclass(frozen=True, slots=True)
class Transition:
    """What a client wants to happen."""

    event_type: Event
    actor_id: str
    expected_state: State | None = None
    reason: Mapping[str, Any] = field(default_factory=dict)
    related_version_no: int | None = None
    override_note: str | None = None


@dataclass(frozen=True, slots=True)
class Approval:
    """What somebody approves or refuses."""

    approval_type: ApprovalType
    approved: bool
    actor_id: str
    expected_state: State | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    related_version_no: int | None = None
    override_note: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Moved:
    """A proposal after a move, the event of it, and the approval if it was one."""

    proposal: ProposalRow
    event: EventRow
    approval: ApprovalRow | None


async def transition(
    session: AsyncSession, toggles: ProposalToggles, principal: Principal, proposal_id: str, wanted: Transition
) -> Moved:
    """Let an event happen.

    Raises:
        NotFoundError: PROPOSAL_NOT_FOUND.
        ConflictError: STATE_CONFLICT.
        InvalidInputError: INVALID_TRANSITION, or one of ``review``.
    """
    proposal = await proposal_by_id(session, principal.tenant, proposal_id, to_change=True)
    state = cast("State", proposal.current_state)
    lifecycle.require_expected(state, wanted.expected_state, is_required=toggles.require_expected_state)
    target = lifecycle.next_state(state, wanted.event_type)
    if toggles.four_eyes:
        review.require_approval(wanted.event_type)
    version = await current_facts(session, proposal)
    reason = dict(wanted.reason) | _override(toggles, version, wanted.event_type, wanted.override_note)
    event = add_event(
        session,
        proposal,
        wanted.event_type,
        to_state=target,
        actor_id=wanted.actor_id,
        at=clock.now(),
        reason=reason_bytes(reason),
        related_version_no=wanted.related_version_no,
    )
    details = {"event_type": wanted.event_type, "from": state, "to": target, "actor_id": wanted.actor_id}
    record(session, principal, "proposal.transition", proposal.id, details)
    await session.flush()
    return Moved(proposal, event, None)


async def approve(
    session: AsyncSession, toggles: ProposalToggles, principal: Principal, proposal_id: str, wanted: Approval
) -> Moved:
    """Write an approval or its refusal, and the event that it is.

    Raises:
        NotFoundError: PROPOSAL_NOT_FOUND.
        ConflictError: STATE_CONFLICT, FOUR_EYES_SAME_APPROVER.
        InvalidInputError: INVALID_APPROVAL_STATE, or one of ``review``.
    """
    proposal = await proposal_by_id(session, principal.tenant, proposal_id, to_change=True)
    state = cast("State", proposal.current_state)
    lifecycle.require_expected(state, wanted.expected_state, is_required=toggles.require_expected_state)
    event_type = lifecycle.event_of_approval(state, wanted.approval_type, approved=wanted.approved)
    target = lifecycle.next_state(state, event_type)
    version = await current_facts(session, proposal)
    said = dict(wanted.details) | _override(toggles, version, event_type, wanted.override_note)
    if toggles.four_eyes and wanted.approved:
        tally = await _tally(session, proposal, version, wanted)
        said[FOUR_EYES] = {"given": tally.given, "needed": tally.needed}
        target = target if tally.is_complete else state
    details, at = reason_bytes(said), clock.now()
    event = add_event(
        session,
        proposal,
        event_type,
        to_state=target,
        actor_id=wanted.actor_id,
        at=at,
        reason=details,
        related_version_no=wanted.related_version_no,
    )
    approval = ApprovalRow(
        id=new_id("pap"),
        tenant=proposal.tenant,
        proposal_id=proposal.id,
        sequence=event.sequence,
        version_no=version.version_no,
        approval_type=wanted.approval_type,
        approved=wanted.approved,
        actor_id=wanted.actor_id,
        occurred_at=at,
        details=details,
        related_version_no=wanted.related_version_no,
    )
    session.add(approval)
    noted = {"approval_type": wanted.approval_type, "approved": wanted.approved, "actor_id": wanted.actor_id}
    record(session, principal, "proposal.approve", proposal.id, noted | {"from": state, "to": target})
    await session.flush()
    return Moved(proposal, event, approval)


def _override(toggles: ProposalToggles, version: VersionRow, event: Event, note: str | None) -> dict[str, Any]:
    breaches = msgspec.json.decode(version.soft_breaches, type=list[str])
    is_required = toggles.override_note_required
    said = review.override_of(event, note, breaches, version_no=version.version_no, is_required=is_required)
    return {} if said is None else {OVERRIDE: said}


async def _tally(session: AsyncSession, proposal: ProposalRow, version: VersionRow, wanted: Approval) -> review.Tally:
    query = select(ApprovalRow.actor_id).where(
        ApprovalRow.proposal_id == proposal.id,
        ApprovalRow.version_no == version.version_no,  # what was said of an older version does not count
        ApprovalRow.approval_type == wanted.approval_type,
        ApprovalRow.approved,
    )
    approvers = (await session.scalars(query)).all()
    authors = {proposal.created_by, version.created_by}
    return review.count_eyes(wanted.approval_type, wanted.actor_id, authors=authors, approvers=approvers)
