"""Proposals that may be executed and are not: after so many days the clock expires them.

Several workers may do it at once, and an adviser may act at the same moment: whoever has locked a
proposal first has the say, and each proposal has one end.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import structlog
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from steelyard.core import clock
from steelyard.infra.audit import record
from steelyard.infra.database import Database
from steelyard.infra.principal import Principal
from steelyard.proposals.events import add_event, reason_bytes
from steelyard.proposals.lifecycle import next_state
from steelyard.proposals.tables import ProposalRow
from steelyard.proposals.toggles import ProposalToggles

EXPIRY_INTERVAL_S = 60
PROPOSALS_PER_TRANSACTION_MAX = 100

SYSTEM = "system"
"""The actor of what no person does."""

log = structlog.get_logger(__name__)


async def expire_regularly(database: Database, toggles: ProposalToggles) -> None:
    """Expire what is due now and every minute, until cancelled; a database that is away changes nothing."""
    while toggles.expiry_days:
        try:
            await expire(database, toggles)
        except Exception:
            log.exception("proposal_expiry_failed")
        await asyncio.sleep(EXPIRY_INTERVAL_S)


async def expire(database: Database, toggles: ProposalToggles) -> int:
    """Expire every proposal that has been executable for the days of the setting; how many."""
    if not toggles.expiry_days:
        return 0
    total = 0
    while True:
        now = clock.now()
        async with database.transaction() as session:
            expired = await _expire_some(session, now, toggles.expiry_days)
        total += expired
        if expired < PROPOSALS_PER_TRANSACTION_MAX:
            return total


async def _expire_some(session: AsyncSession, now: datetime, days: int) -> int:
    due = select(ProposalRow).where(
        ProposalRow.current_state == "EXECUTION_READY", ProposalRow.state_since <= now - timedelta(days=days)
    )
    oldest = due.order_by(ProposalRow.state_since).limit(PROPOSALS_PER_TRANSACTION_MAX)
    # One that somebody has locked is theirs; should they leave it executable, it is found the next time.
    proposals = (await session.scalars(oldest.with_for_update(skip_locked=True))).all()
    for proposal in proposals:
        target = next_state("EXECUTION_READY", "EXPIRED")
        reason = reason_bytes({"executable_since": proposal.state_since.isoformat(), "expiry_days": days})
        add_event(session, proposal, "EXPIRED", to_state=target, actor_id=SYSTEM, at=now, reason=reason)
        details = {"event_type": "EXPIRED", "from": "EXECUTION_READY", "to": target, "actor_id": SYSTEM}
        record(session, Principal(proposal.tenant, SYSTEM, frozenset()), "proposal.transition", proposal.id, details)
    await session.flush()
    return len(proposals)
