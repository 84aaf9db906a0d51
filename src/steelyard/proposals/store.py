"""Stored proposals: found by id or key, listed newest first, with their versions, events and approvals.

Source: contract dpm, sections 2 and 14.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import undefer

from steelyard.core.errors import NotFoundError
from steelyard.proposals.limits import VERSION_NO_MAX
from steelyard.proposals.tables import ApprovalRow, EventRow, ProposalKeyRow, ProposalRow, VersionRow
from steelyard.rebalance.runs import Period, newest_first


async def proposal_by_id(
    session: AsyncSession, tenant: str, proposal_id: str, *, to_change: bool = False
) -> ProposalRow:
    """A proposal; locked until the end of the transaction if ``to_change``.

    Raises:
        NotFoundError: PROPOSAL_NOT_FOUND; another tenant's is none.
    """
    query = select(ProposalRow).where(ProposalRow.id == proposal_id, ProposalRow.tenant == tenant)
    # On SQLite a transaction that may write is the only one.
    row = await session.scalar(query.with_for_update() if to_change else query)
    if row is None:
        raise NotFoundError(f"there is no proposal {proposal_id[:100]!r}", code="PROPOSAL_NOT_FOUND")
    return row


async def page_of_proposals(
    session: AsyncSession,
    tenant: str,
    *,
    period: Period = Period(),  # noqa: B008 - frozen
    limit: int = 20,
    cursor: str | None = None,
    **equals: str | None,
) -> tuple[Sequence[ProposalRow], str | None]:
    """Proposals newest first, and the id that the next page begins after.

    ``equals`` are columns and the values asked for, if any.  A cursor that is not among them is ignored.
    """
    query = select(ProposalRow).where(ProposalRow.tenant == tenant, *period.clauses(ProposalRow.created_at))
    query = query.where(*(getattr(ProposalRow, name) == value for name, value in equals.items() if value is not None))
    if cursor is not None and await session.scalar(query.where(ProposalRow.id == cursor)) is None:
        cursor = None
    return await newest_first(session, query, ProposalRow.created_at, ProposalRow.id, limit=limit, cursor=cursor)


async def version_of(session: AsyncSession, proposal: ProposalRow, version_no: int) -> VersionRow:
    """A version of a proposal with its documents.

    Raises:
        NotFoundError: PROPOSAL_VERSION_NOT_FOUND.
    """
    row = None
    if version_no <= VERSION_NO_MAX:
        query = select(VersionRow).where(VersionRow.proposal_id == proposal.id, VersionRow.version_no == version_no)
        row = await session.scalar(query.options(*(undefer(part) for part in _DOCUMENTS)))
    if row is None:
        message = f"the proposal {proposal.id} has no version {version_no}"
        raise NotFoundError(message, code="PROPOSAL_VERSION_NOT_FOUND")
    return row


_DOCUMENTS = (VersionRow.inputs, VersionRow.result, VersionRow.artifact_head, VersionRow.artifact_tail)


async def current_facts(session: AsyncSession, proposal: ProposalRow) -> VersionRow:
    """The current version of a proposal without its documents."""
    query = select(VersionRow).where(
        VersionRow.proposal_id == proposal.id, VersionRow.version_no == proposal.current_version_no
    )
    return (await session.scalars(query)).one()


async def versions_of(session: AsyncSession, proposal: ProposalRow) -> Sequence[VersionRow]:
    """The versions of a proposal without their documents, oldest first."""
    query = select(VersionRow).where(VersionRow.proposal_id == proposal.id)
    return (await session.scalars(query.order_by(VersionRow.version_no))).all()


async def events_of(session: AsyncSession, proposal: ProposalRow) -> Sequence[EventRow]:
    """What happened to a proposal, oldest first."""
    query = select(EventRow).where(EventRow.proposal_id == proposal.id)
    return (await session.scalars(query.order_by(EventRow.sequence))).all()


async def newest_event(session: AsyncSession, proposal: ProposalRow) -> EventRow:
    """What happened to a proposal last."""
    query = select(EventRow).where(EventRow.proposal_id == proposal.id)
    return (await session.scalars(query.order_by(EventRow.sequence.desc()).limit(1))).one()


async def approvals_of(session: AsyncSession, proposal: ProposalRow) -> Sequence[ApprovalRow]:
    """Approvals and refusals of a proposal, oldest first."""
    query = select(ApprovalRow).where(ApprovalRow.proposal_id == proposal.id)
    return (await session.scalars(query.order_by(ApprovalRow.sequence))).all()


async def key_by_name(session: AsyncSession, tenant: str, key: str) -> ProposalKeyRow:
    """What a key of idempotency stands for.

    Raises:
        NotFoundError: PROPOSAL_IDEMPOTENCY_KEY_NOT_FOUND.
    """
    row = await session.scalar(select(ProposalKeyRow).where(ProposalKeyRow.tenant == tenant, ProposalKeyRow.key == key))
    if row is None:
        raise NotFoundError(f"the key {key[:100]!r} was not used", code="PROPOSAL_IDEMPOTENCY_KEY_NOT_FOUND")
    return row
