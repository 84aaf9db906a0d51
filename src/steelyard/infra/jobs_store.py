"""Jobs as their readers see them: the tables, and every statement that touches them.

A job's row says which ``run`` of it is wanted (one more at each resume) and which ``attempt`` at that
has the say (one more each time a worker takes it).  Whoever writes progress or an outcome names its
attempt, so a worker that was given up for dead cannot write over the one that took its place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, Text, and_, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from steelyard.core import clock
from steelyard.infra.columns import Base, UtcDateTime
from steelyard.infra.cursors import cursor_after, position_of

MESSAGE_LENGTH_MAX = 2_000
EVENTS_PAGE = 1_000


class JobStatus(StrEnum):
    """Where a job is in its life."""

    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        """Whether nothing more happens unless someone resumes the job."""
        return self not in (JobStatus.QUEUED, JobStatus.RUNNING)


class JobRow(Base):
    """A job."""

    __tablename__ = "jobs"
    __table_args__ = (Index("ix_jobs_tenant_created_at_id", "tenant", "created_at", "id"),)

    id: Mapped[str] = mapped_column(String(100), primary_key=True)
    tenant: Mapped[str] = mapped_column(String(100))
    kind: Mapped[str] = mapped_column(String(100))
    status: Mapped[str] = mapped_column(String(10), index=True)
    progress: Mapped[int]
    parameters: Mapped[dict[str, Any]] = mapped_column(JSON)
    result_data: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    error_code: Mapped[str | None] = mapped_column(String(100))
    error_message: Mapped[str | None] = mapped_column(Text)
    created_by: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    completed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    cancel_requested: Mapped[bool]
    run: Mapped[int]
    attempt: Mapped[int]
    worker: Mapped[str | None] = mapped_column(String(100), index=True)


class JobEventRow(Base):
    """A report of a job's progress, or the last word on it."""

    __tablename__ = "job_events"

    job_id: Mapped[str] = mapped_column(ForeignKey(JobRow.id), primary_key=True)
    sequence: Mapped[int] = mapped_column(primary_key=True)
    status: Mapped[str] = mapped_column(String(10))
    percent: Mapped[int]
    message: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(UtcDateTime)


@dataclass(frozen=True, slots=True)
class Job:
    """A job as it stands.

    Attributes:
        progress: 0..100.
        result_data: what the handler returned, once completed.
        attempt: how many times a worker has taken it.
    """

    id: str
    tenant: str
    kind: str
    status: JobStatus
    progress: int
    parameters: dict[str, Any]
    result_data: dict[str, Any] | None
    error_code: str | None
    error_message: str | None
    created_by: str
    created_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    run: int
    attempt: int


@dataclass(frozen=True, slots=True)
class JobEvent:
    """One step on a job's way; ``sequence`` counts from 1 without gaps, ``status`` is final on the last."""

    job_id: str
    sequence: int
    status: JobStatus
    percent: int
    message: str
    at: datetime


@dataclass(frozen=True, slots=True)
class JobPage:
    """Some jobs, newest first, and the cursor that continues after them."""

    jobs: tuple[Job, ...]
    next_cursor: str | None


def job_of(row: JobRow) -> Job:
    """The value of a row."""
    values = {name: getattr(row, name) for name in Job.__slots__}
    return Job(**{**values, "status": JobStatus(row.status)})


async def find_row(session: AsyncSession, job_id: str, *, tenant: str | None = None) -> JobRow | None:
    """The row of a job, of ``tenant`` only if given."""
    query = select(JobRow).where(JobRow.id == job_id).execution_options(populate_existing=True)
    if tenant is not None:
        query = query.where(JobRow.tenant == tenant)
    return await session.scalar(query)


async def find_row_to_change(session: AsyncSession, job_id: str, *, tenant: str | None = None) -> JobRow | None:
    """As :func:`find_row`, and nobody else changes it until the transaction ends."""
    query = select(JobRow).where(JobRow.id == job_id).with_for_update().execution_options(populate_existing=True)
    if tenant is not None:
        query = query.where(JobRow.tenant == tenant)
    return await session.scalar(query)


async def page_of_jobs(
    session: AsyncSession,
    tenant: str,
    *,
    limit: int,
    cursor: str | None,
    status: JobStatus | None,
    kinds: Sequence[str],
) -> JobPage:
    """Jobs of ``tenant`` and ``kinds``, newest first."""
    query = select(JobRow).where(JobRow.tenant == tenant, JobRow.kind.in_(kinds))
    if status is not None:
        query = query.where(JobRow.status == status)
    if cursor is not None:
        at, last_id = position_of(cursor)
        query = query.where(or_(JobRow.created_at < at, and_(JobRow.created_at == at, JobRow.id < last_id)))
    query = query.order_by(JobRow.created_at.desc(), JobRow.id.desc()).limit(limit + 1)
    rows = list(await session.scalars(query))
    jobs = tuple(job_of(row) for row in rows[:limit])
    return JobPage(jobs, cursor_after(jobs[-1].created_at, jobs[-1].id) if len(rows) > limit else None)


async def count_queued(session: AsyncSession, *, at_most: int, kinds: Sequence[str] | None = None) -> int:
    """How many jobs (of ``kinds`` if given) wait, counted no further than ``at_most``."""
    waiting = select(JobRow.id).where(JobRow.status == JobStatus.QUEUED)
    if kinds is not None:
        waiting = waiting.where(JobRow.kind.in_(kinds))
    some = waiting.limit(at_most).subquery()
    return await session.scalar(select(func.count()).select_from(some)) or 0


async def claim(session: AsyncSession, job_id: str, run: int, worker: str) -> Job | None:
    """Take a waiting job for ``worker``; None if that run of it does not wait any more."""
    row = await find_row_to_change(session, job_id)
    if row is None or row.run != run or row.status != JobStatus.QUEUED:
        return None
    row.status, row.worker = JobStatus.RUNNING, worker
    row.attempt += 1
    row.started_at = row.started_at or clock.now()
    await session.flush()
    return job_of(row)


async def put_back(session: AsyncSession, row: JobRow) -> Job:
    """Let a running job wait again, as a new run; who ran it so far has lost its say."""
    row.status, row.worker, row.run = JobStatus.QUEUED, None, row.run + 1
    await session.flush()
    return job_of(row)


async def rows_of_worker(session: AsyncSession, worker: str) -> Sequence[JobRow]:
    """What ``worker`` runs, locked."""
    query = select(JobRow).where(JobRow.worker == worker, JobRow.status == JobStatus.RUNNING).with_for_update()
    return (await session.scalars(query)).all()


async def add_report(session: AsyncSession, job: Job, percent: int, message: str) -> bool | None:
    """Note progress; whether a cancellation is wanted, or None if the attempt has lost its say."""
    wanted: bool | None = await session.scalar(
        update(JobRow)
        .where(JobRow.id == job.id, JobRow.attempt == job.attempt, JobRow.status == JobStatus.RUNNING)
        .values(progress=percent)
        .returning(JobRow.cancel_requested)
    )
    if wanted is not None:
        await add_event(session, job.id, JobStatus.RUNNING, percent, message)
    return wanted


async def add_event(session: AsyncSession, job_id: str, status: JobStatus, percent: int, message: str) -> None:
    """Append to a job's events; the caller holds the lock on its row, so the sequence has no gaps."""
    last = await session.scalar(select(func.max(JobEventRow.sequence)).where(JobEventRow.job_id == job_id))
    event = JobEventRow(
        job_id=job_id,
        sequence=(last or 0) + 1,
        status=status,
        percent=percent,
        message=message[:MESSAGE_LENGTH_MAX],
        at=clock.now(),
    )
    session.add(event)
    await session.flush()


async def events_after(session: AsyncSession, job_id: str, sequence: int) -> list[JobEvent]:
    """The events after ``sequence``, at most ``EVENTS_PAGE``."""
    query = (
        select(JobEventRow)
        .where(JobEventRow.job_id == job_id, JobEventRow.sequence > sequence)
        .order_by(JobEventRow.sequence)
        .limit(EVENTS_PAGE)
    )
    return [
        JobEvent(row.job_id, row.sequence, JobStatus(row.status), row.percent, row.message, row.at)
        for row in await session.scalars(query)
    ]


async def ids_to_stop(session: AsyncSession, running: Sequence[Job]) -> set[str]:
    """Which of ``running`` were cancelled, or taken over by another attempt."""
    rows = await session.execute(
        select(JobRow.id, JobRow.attempt, JobRow.cancel_requested).where(JobRow.id.in_([job.id for job in running]))
    )
    attempts = {job.id: job.attempt for job in running}
    return {job_id for job_id, attempt, cancelled in rows if cancelled or attempt != attempts[job_id]}
