"""What happens to a proposal, written down: one event after the other, each with its reason."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from steelyard.proposals.asked import Asked
from steelyard.proposals.lifecycle import Event, State
from steelyard.proposals.tables import EventRow, ProposalRow


def add_event(
    session: AsyncSession,
    proposal: ProposalRow,
    event_type: Event,
    *,
    to_state: State,
    actor_id: str,
    at: datetime,
    reason: bytes,
    related_version_no: int | None = None,
) -> EventRow:
    """Write an event of a locked proposal, and what follows from it for the proposal."""
    event = EventRow(
        id=new_id("pwe"),
        tenant=proposal.tenant,
        proposal_id=proposal.id,
        sequence=proposal.event_count + 1,
        event_type=event_type,
        from_state=proposal.current_state,
        to_state=to_state,
        actor_id=actor_id,
        occurred_at=at,
        reason=reason,
        related_version_no=related_version_no,
    )
    session.add(event)
    if to_state != proposal.current_state:
        proposal.state_since = at
    proposal.current_state, proposal.last_event_at, proposal.event_count = to_state, at, event.sequence
    return event


def reason_bytes(reason: Mapping[str, Any]) -> bytes:
    """The JSON of a reason as it is stored and answered."""
    return json.dumps(reason, ensure_ascii=False, separators=(",", ":")).encode()


def correlation_reason(asked: Asked) -> bytes:
    """The reason of an event that nobody gave one for: the correlation id, where the client sent one."""
    return reason_bytes({"correlation_id": asked.correlation_id} if asked.was_sent else {})


def new_id(kind: str) -> str:
    """``pp``, ``ppv``, ``pwe``, ``pap`` or ``pop`` and 12 hex digits, drawn at random."""
    return f"{kind}_{secrets.token_hex(6)}"
