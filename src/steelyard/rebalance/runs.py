"""Stored runs: written once, found by id, correlation, request or key, listed newest first.

Source: contract dpm, sections 2 and 11.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import undefer

from steelyard.core.errors import NotFoundError
from steelyard.rebalance.tables import DecisionRow, ReplayRow, RunRow

_RUNS: Table = RunRow.__table__  # type: ignore[assignment]
_COLUMNS = tuple(column.name for column in _RUNS.columns)


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """A computed rebalance, ready to be stored.

    Attributes:
        result: the bytes of the answer.
        artifact: the document, where it is stored rather than derived.
        trades: its orders for instruments.
    """

    id: str
    tenant: str
    correlation_id: str
    request_hash: str
    idempotency_key: str | None
    portfolio_id: str
    status: str
    created_at: datetime
    result: bytes
    artifact: bytes | None = None
    trades: int | None = None
    is_decided: bool = False


@dataclass(frozen=True, slots=True)
class Period:
    """From a time to a time, both inclusive and each optional."""

    start: datetime | None = None
    end: datetime | None = None

    def clauses(self, column: Any) -> list[ColumnElement[bool]]:
        """What a query says so with."""
        found = []
        if self.start is not None:
            found.append(column >= self.start)
        if self.end is not None:
            found.append(column <= self.end)
        return found


@dataclass(frozen=True, slots=True)
class Shelf:
    """The runs that a reader may see: those of a tenant that are still kept."""

    tenant: str
    kept_since: datetime | None

    def query(self) -> Select[RunRow]:
        """All of them."""
        query = select(RunRow).where(RunRow.tenant == self.tenant)
        return query if self.kept_since is None else query.where(RunRow.created_at >= self.kept_since)


async def insert_runs(session: AsyncSession, runs: Sequence[Run]) -> None:
    """Store runs."""
    if runs:
        await session.execute(insert(_RUNS), [{name: getattr(run, name) for name in _COLUMNS} for run in runs])


async def taken_ids(session: AsyncSession, ids: Sequence[str]) -> set[str]:
    """Those of ``ids`` that runs of any tenant have."""
    return set(await session.scalars(select(RunRow.id).where(RunRow.id.in_(ids))))


async def run_by_id(session: AsyncSession, shelf: Shelf, run_id: str) -> RunRow:
    """The run of this id, with its result.

    Raises:
        NotFoundError: DPM_RUN_NOT_FOUND.
    """
    return await _latest(session, shelf, RunRow.id == run_id, f"there is no run {run_id[:100]!r}")


async def run_by_correlation(session: AsyncSession, shelf: Shelf, correlation_id: str) -> RunRow:
    """The latest run of this correlation id, with its result.

    Raises:
        NotFoundError: DPM_RUN_NOT_FOUND.
    """
    missing = f"there is no run with the correlation id {correlation_id[:100]!r}"
    return await _latest(session, shelf, RunRow.correlation_id == correlation_id, missing)


async def run_by_request_hash(session: AsyncSession, shelf: Shelf, request_hash: str) -> RunRow:
    """The latest run of this request, with its result.

    Raises:
        NotFoundError: DPM_RUN_NOT_FOUND.
    """
    missing = f"there is no run with the request hash {request_hash[:100]!r}"
    return await _latest(session, shelf, RunRow.request_hash == request_hash, missing)


async def run_by_key(session: AsyncSession, shelf: Shelf, key: str) -> RunRow:
    """The run that a key of idempotency stands for, with its result.

    Raises:
        NotFoundError: DPM_IDEMPOTENCY_KEY_NOT_FOUND.
    """
    missing = f"the key {key[:100]!r} was not used"
    return await _latest(session, shelf, RunRow.idempotency_key == key, missing, "DPM_IDEMPOTENCY_KEY_NOT_FOUND")


async def runs_of_key(session: AsyncSession, shelf: Shelf, key: str) -> Sequence[RunRow]:
    """Every run that was computed under a key, oldest first, without results."""
    query = shelf.query().where(RunRow.idempotency_key == key).order_by(RunRow.created_at, RunRow.id)
    return (await session.scalars(query)).all()


async def page_of_runs(
    session: AsyncSession,
    shelf: Shelf,
    *,
    period: Period,
    limit: int,
    cursor: str | None = None,
    **equals: str | None,
) -> tuple[Sequence[RunRow], str | None]:
    """Runs newest first, without results, and the id that the next page begins after.

    ``equals`` are columns and the values asked for, if any.  A cursor that is not among them ends the list.
    """
    query = shelf.query().where(*period.clauses(RunRow.created_at))
    query = query.where(*(getattr(RunRow, name) == value for name, value in equals.items() if value is not None))
    return await newest_first(session, query, RunRow.created_at, RunRow.id, limit=limit, cursor=cursor)


async def newest_first(
    session: AsyncSession, query: Select[Any], at: Any, name: Any, *, limit: int, cursor: str | None
) -> tuple[Sequence[Any], str | None]:
    """A page of ``query`` by (time, id) descending, and the cursor to the next one."""
    if cursor is not None:
        last = (await session.scalars(query.where(name == cursor))).one_or_none()
        if last is None:
            return [], None
        moment = getattr(last, at.key)
        query = query.where((at < moment) | ((at == moment) & (name < cursor)))
    rows = (await session.scalars(query.order_by(at.desc(), name.desc()).limit(limit + 1))).all()
    page = rows[:limit]
    return page, page[-1].id if len(rows) > limit else None


async def counts_by(session: AsyncSession, query: Select[Any], column: Any) -> dict[str, int]:
    """How many rows of ``query`` have each value of ``column``."""
    counted = query.with_only_columns(column, func.count()).group_by(column).order_by(column)
    return dict((await session.execute(counted)).all())


async def purge_runs(session: AsyncSession, before: datetime, *, at_most: int) -> int:
    """Remove runs made before ``before`` with their decisions and keys, the oldest first; how many."""
    oldest = select(RunRow.id).where(RunRow.created_at < before).order_by(RunRow.created_at).limit(at_most)
    ids = list(await session.scalars(oldest))
    if ids:
        await session.execute(delete(DecisionRow).where(DecisionRow.run_id.in_(ids)))
        await session.execute(delete(ReplayRow).where(ReplayRow.run_id.in_(ids)))
        await session.execute(delete(RunRow).where(RunRow.id.in_(ids)))
    return len(ids)


async def _latest(
    session: AsyncSession, shelf: Shelf, clause: Any, missing: str, code: str = "DPM_RUN_NOT_FOUND"
) -> RunRow:
    query = shelf.query().where(clause).order_by(RunRow.created_at.desc(), RunRow.id.desc()).limit(1)
    row = await session.scalar(query.options(undefer(RunRow.result), undefer(RunRow.artifact)))
    if row is None:
        raise NotFoundError(missing, code=code)
    return row
