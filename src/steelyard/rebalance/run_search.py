"""Runs by whatever name of theirs one has at hand."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Select, select, union_all
from sqlalchemy.ext.asyncio import AsyncSession

from steelyard.rebalance.runs import Period, Shelf, newest_first
from steelyard.rebalance.tables import RunRow

NAMES = (RunRow.portfolio_id, RunRow.correlation_id, RunRow.idempotency_key, RunRow.request_hash, RunRow.id)
"""Each has an index, so that nothing else is read."""


async def search_runs(
    session: AsyncSession,
    shelf: Shelf,
    *,
    text: str | None = None,
    status: str | None = None,
    period: Period | None = None,
    limit: int,
    cursor: str | None = None,
) -> tuple[Sequence[RunRow], str | None]:
    """Runs newest first, without results, and the id that the next page begins after.

    ``text`` is the whole of their portfolio, correlation id, key of idempotency, request hash or run id.
    """
    query = shelf.query()
    if text:
        query = query.where(RunRow.id.in_(_called(shelf.tenant, text)))
    if status:
        query = query.where(RunRow.status == status)
    if period is not None:
        query = query.where(*period.clauses(RunRow.created_at))
    return await newest_first(session, query, RunRow.created_at, RunRow.id, limit=limit, cursor=cursor)


def _called(tenant: str, text: str) -> Select[tuple[str]]:
    found = union_all(*(select(RunRow.id).where(RunRow.tenant == tenant, name == text) for name in NAMES))
    return select(found.subquery().c.id)
