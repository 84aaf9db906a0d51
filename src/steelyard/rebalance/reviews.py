"""Decisions about runs: written one after the other, read per run or as a list.

Source: contract dpm, section 11.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Select, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from steelyard.core import clock
from steelyard.core.errors import ConflictError
from steelyard.infra.audit import record
from steelyard.infra.principal import Principal
from steelyard.rebalance.runs import Period, Shelf, newest_first
from steelyard.rebalance.tables import DecisionRow, RunRow
from steelyard.rebalance.toggles import Toggles
from steelyard.rebalance.workflow import Action, WorkflowStatus, decide, workflow_status


def requires_review(toggles: Toggles, run_status: str) -> bool:
    """Whether runs of this status are reviewed."""
    return toggles.workflow and run_status in toggles.workflow_statuses


def status_of(toggles: Toggles, run: RunRow, latest: DecisionRow | None) -> WorkflowStatus:
    """Where the review of a run stands."""
    action = None if latest is None else latest.action
    return workflow_status(requires_review=requires_review(toggles, run.status), latest_action=action)


def has_ended(status: WorkflowStatus) -> bool:
    """Whether nobody waits for a decision."""
    return status in {"APPROVED", "REJECTED"}


async def review(
    session: AsyncSession,
    toggles: Toggles,
    principal: Principal,
    run: RunRow,
    *,
    action: Action,
    reason_code: str,
    comment: str | None,
    actor_id: str,
    correlation_id: str,
    seen: Collection[str] | None = None,
) -> DecisionRow:
    """Write a decision about a run; ``seen`` are the ids of those that the reviewer knows of, if they say so.

    Raises:
        ConflictError: the run needs no review, where it stands forbids the action, or the latest decision
            is not among those seen.
    """
    # Reviewers of one run take turns; on SQLite the one writer's turn sees to it.
    await session.execute(select(RunRow.id).where(RunRow.id == run.id).with_for_update())
    latest = await latest_decision(session, run)
    if seen is not None and latest is not None and latest.id not in seen:
        message = f"{latest.actor_id} decided {latest.action} meanwhile; look at it before you decide"
        raise ConflictError(message, code="DPM_WORKFLOW_DECIDED_MEANWHILE")
    leads_to = decide(status_of(toggles, run, latest), action)
    row = DecisionRow(
        id=f"dwd_{secrets.token_hex(6)}",
        tenant=principal.tenant,
        run_id=run.id,
        action=action,
        reason_code=reason_code,
        comment=comment,
        actor_id=actor_id,
        decided_at=clock.now(),
        correlation_id=correlation_id,
    )
    session.add(row)
    await session.execute(update(RunRow).where(RunRow.id == run.id).values(is_decided=has_ended(leads_to)))
    await session.flush()
    record(session, principal, "rebalance.review", run.id, {"action": action, "reason_code": reason_code})
    return row


async def latest_decision(session: AsyncSession, run: RunRow) -> DecisionRow | None:
    """The newest decision about a run, or None."""
    query = select(DecisionRow).where(DecisionRow.run_id == run.id)
    return await session.scalar(query.order_by(DecisionRow.decided_at.desc(), DecisionRow.id.desc()).limit(1))


async def decisions_of(session: AsyncSession, run: RunRow) -> Sequence[DecisionRow]:
    """Every decision about a run, oldest first."""
    query = select(DecisionRow).where(DecisionRow.run_id == run.id)
    return (await session.scalars(query.order_by(DecisionRow.decided_at, DecisionRow.id))).all()


def decisions(shelf: Shelf) -> Select[DecisionRow]:
    """The decisions about the runs that a reader may see."""
    query = select(DecisionRow).where(DecisionRow.tenant == shelf.tenant)
    if shelf.kept_since is None:
        return query
    kept = shelf.query().with_only_columns(RunRow.id)
    return query.where(DecisionRow.run_id.in_(kept))


async def page_of_decisions(
    session: AsyncSession, shelf: Shelf, *, period: Period, limit: int, cursor: str | None, **equals: str | None
) -> tuple[Sequence[DecisionRow], str | None]:
    """Decisions newest first, and the id that the next page begins after."""
    query = decisions(shelf).where(*period.clauses(DecisionRow.decided_at))
    wanted: dict[str, Any] = {name: value for name, value in equals.items() if value is not None}
    query = query.where(*(getattr(DecisionRow, name) == value for name, value in wanted.items()))
    return await newest_first(session, query, DecisionRow.decided_at, DecisionRow.id, limit=limit, cursor=cursor)
