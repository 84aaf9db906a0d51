"""Runs that wait for a review, the longest first, found without opening results or walking decisions."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Select, false, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from steelyard.rebalance.runs import Shelf
from steelyard.rebalance.tables import DecisionRow, RunRow
from steelyard.rebalance.toggles import Toggles

COUNTED_MAX = 1_000
"""Waiting runs that are counted; of more it is known only that they are."""


async def page_of_waiting(
    session: AsyncSession, shelf: Shelf, toggles: Toggles, *, limit: int, cursor: str | None = None
) -> tuple[Sequence[RunRow], str | None]:
    """Runs whose review has not ended, oldest first, and the id that the next page begins after.

    A cursor may have been decided since; one that is not kept any more ends the list.
    """
    query = waiting(shelf, toggles)
    if cursor is not None:
        last = await session.scalar(shelf.query().where(RunRow.id == cursor))
        if last is None:
            return [], None
        later = (RunRow.created_at == last.created_at) & (RunRow.id > cursor)
        query = query.where(RunRow.created_at >= last.created_at, (RunRow.created_at > last.created_at) | later)
    rows = (await session.scalars(query.order_by(RunRow.created_at, RunRow.id).limit(limit + 1))).all()
    return rows[:limit], rows[limit - 1].id if len(rows) > limit else None


async def count_waiting(session: AsyncSession, shelf: Shelf, toggles: Toggles) -> int:
    """How many runs wait, at most :data:`COUNTED_MAX`."""
    some = waiting(shelf, toggles).with_only_columns(RunRow.id).limit(COUNTED_MAX).subquery()
    return await session.scalar(select(func.count()).select_from(some)) or 0


def waiting(shelf: Shelf, toggles: Toggles) -> Select[RunRow]:
    """The runs whose review has not ended; none where the workflow is off."""
    query = shelf.query().where(RunRow.status.in_(sorted(toggles.workflow_statuses)), RunRow.is_decided == false())
    return query if toggles.workflow else query.where(false())


async def latest_decisions(session: AsyncSession, run_ids: Sequence[str]) -> dict[str, DecisionRow]:
    """The latest decision about each of some runs that have one, by run."""
    query = select(DecisionRow).where(DecisionRow.run_id.in_(run_ids))
    rows = await session.scalars(query.order_by(DecisionRow.decided_at, DecisionRow.id))
    return {row.run_id: row for row in rows}
