"""Jobs over HTTP: how far they are, pushed or asked for, and how to stop one."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.sse import EventSourceResponse, ServerSentEvent

from steelyard.core import clock
from steelyard.core.errors import NotFoundError, SteelyardError
from steelyard.infra.audit import record
from steelyard.infra.database import Database
from steelyard.infra.jobs import Job, JobEvent, Jobs, JobStatus
from steelyard.infra.principal import Principal
from steelyard.infra.settings import Settings
from steelyard.infra.web import CurrentPrincipal, Session, require, require_unless_open
from steelyard.infra.webhooks import Webhooks
from steelyard.models.book_job import BOOK
from steelyard.rebalance.book_job import DPM_BOOK

JOBS_MAX = 500

Reader = Annotated[Principal, Depends(require("sweeps:read"))]
BookReader = Annotated[Principal, Depends(require_unless_open("models:read"))]
DpmBookReader = Annotated[Principal, Depends(require_unless_open("rebalance:read"))]

router = APIRouter(prefix="/api/v1/jobs", tags=["jobs"])
dpm_books = APIRouter(prefix="/rebalance/book", tags=["Whole Books"])
books = APIRouter(prefix="/api/v1/rebalance-batches", tags=["rebalance batches"])
proxy = APIRouter(prefix="/sse-proxy/jobs", tags=["jobs"])


class TooManyStreamsError(SteelyardError):
    """One credential holds as many event streams as it may."""

    http_status = 429
    default_code = "TOO_MANY_STREAMS"


@router.get("")
async def list_jobs(
    *,
    principal: Reader,
    request: Request,
    session: Session,
    limit: Annotated[int, Query(ge=1, le=JOBS_MAX)] = 50,
    cursor: Annotated[str | None, Query(max_length=300)] = None,
    status: JobStatus | None = None,
) -> dict[str, Any]:
    """The tenant's jobs, newest first; `next_cursor` goes on where the page ends."""
    jobs: Jobs = request.app.state.jobs
    page = await jobs.list(session, tenant=principal.tenant, limit=limit, cursor=cursor, status=status)
    return {"jobs": [job_view(job) for job in page.jobs], "returned": len(page.jobs), "next_cursor": page.next_cursor}


@router.get("/{job_id}")
async def read_job(job_id: str, principal: Reader, request: Request, session: Session) -> dict[str, Any]:
    """One job."""
    jobs: Jobs = request.app.state.jobs
    return job_view(await jobs.get(session, job_id, tenant=principal.tenant))


@router.delete("/{job_id}")
async def cancel_job(job_id: str, principal: CurrentPrincipal, request: Request, session: Session) -> dict[str, Any]:
    """Cancel: at once if it waits, within a second if it runs; a job that has ended stays as it is.

    It takes the scope that it takes to begin such a job.
    """
    jobs: Jobs = request.app.state.jobs
    principal.require(jobs.write_scope((await jobs.get(session, job_id, tenant=principal.tenant)).kind))
    job = await jobs.cancel(session, job_id, tenant=principal.tenant)
    record(session, principal, "job.cancel", job.id)
    return job_view(job)


@router.get("/{job_id}/webhooks")
async def read_webhooks(job_id: str, principal: Reader, request: Request, session: Session) -> dict[str, Any]:
    """The callbacks of a job, with every attempt to deliver them."""
    await request.app.state.jobs.get(session, job_id, tenant=principal.tenant)
    webhooks: Webhooks = request.app.state.webhooks
    deliveries = await webhooks.deliveries(session, tenant=principal.tenant, subject=job_id)
    return {"webhooks": [asdict(delivery) for delivery in deliveries]}


async def open_stream(job_id: str, principal: Reader, request: Request) -> AsyncIterator[Job]:
    """The job to stream, once it is known to be there and the credential may hold one more stream."""
    async with _streaming(job_id, principal, request) as job:
        yield job


async def open_book_stream(batch_id: str, principal: BookReader, request: Request) -> AsyncIterator[Job]:
    """As :func:`open_stream`, of a rebalance batch, for who may read those."""
    async with _streaming(batch_id, principal, request) as job:
        if job.kind != BOOK:
            raise NotFoundError(f"there is no rebalance batch `{batch_id[:100]}`", code="BATCH_NOT_FOUND")
        yield job


async def open_dpm_book_stream(book_id: str, principal: DpmBookReader, request: Request) -> AsyncIterator[Job]:
    """As :func:`open_stream`, of a DPM book, for who may read those."""
    if "\0" in book_id:  # which PostgreSQL cannot even look for
        raise _no_dpm_book(book_id)
    try:
        async with _streaming(book_id, principal, request) as job:
            if job.kind != DPM_BOOK:
                raise _no_dpm_book(book_id)
            yield job
    except NotFoundError:
        raise _no_dpm_book(book_id) from None


def _no_dpm_book(book_id: str) -> NotFoundError:
    return NotFoundError(f"there is no book {book_id[:100]!r}", code="DPM_BOOK_NOT_FOUND")


@asynccontextmanager
async def _streaming(job_id: str, principal: Principal, request: Request) -> AsyncIterator[Job]:
    database: Database = request.app.state.database
    settings: Settings = request.app.state.settings
    open_streams: Counter[str] = request.app.state.open_streams
    async with database.reading() as session:
        job = await request.app.state.jobs.get(session, job_id, tenant=principal.tenant)
    holder = f"{principal.tenant} {principal.subject}"
    if open_streams[holder] >= settings.streams_per_credential_max:
        message = f"{open_streams[holder]} event streams are open for this credential, as many as it may hold"
        raise TooManyStreamsError(message)
    open_streams[holder] += 1
    try:
        yield job
    finally:
        open_streams[holder] -= 1


@proxy.get("/{job_id}/stream", response_class=EventSourceResponse)
@router.get("/{job_id}/stream", response_class=EventSourceResponse)
async def stream_job(
    request: Request,
    job: Annotated[Job, Depends(open_stream)],
    last_event_id: Annotated[str | None, Header(max_length=64)] = None,
) -> AsyncIterator[ServerSentEvent]:
    """Progress as it happens, then the end; `Last-Event-ID` goes on without gap or repetition."""
    jobs: Jobs = request.app.state.jobs
    sequence, error_was_sent = _position(last_event_id)
    async for event in jobs.watch(job.id, after=sequence - error_was_sent):
        if not event.status.is_final:
            yield _sent(str(event.sequence), {"percent": event.percent, "message": event.message}, event)
            continue
        if event.status is JobStatus.FAILED and not error_was_sent:
            yield _sent(f"{event.sequence}-error", {"error": True, "message": event.message}, event)
        yield _sent(str(event.sequence), await _outcome(request, job), event)


@books.get("/{batch_id}/stream", response_class=EventSourceResponse)
async def stream_book(
    request: Request,
    job: Annotated[Job, Depends(open_book_stream)],
    last_event_id: Annotated[str | None, Header(max_length=64)] = None,
) -> AsyncIterator[ServerSentEvent]:
    """Progress of a rebalance batch as it happens, then the end; `Last-Event-ID` goes on without gap or repetition."""
    async for event in stream_job(request, job, last_event_id):
        yield event


@dpm_books.get("/{book_id}/stream", response_class=EventSourceResponse, include_in_schema=False)  # OpenAPI 3.1 has none
async def stream_dpm_book(
    request: Request,
    job: Annotated[Job, Depends(open_dpm_book_stream)],
    last_event_id: Annotated[str | None, Header(max_length=64)] = None,
) -> AsyncIterator[ServerSentEvent]:
    """Progress of a book as it happens, then the end; `Last-Event-ID` goes on without gap or repetition."""
    async for event in stream_job(request, job, last_event_id):
        yield event


async def _outcome(request: Request, job: Job) -> dict[str, Any]:
    async with request.app.state.database.reading() as session:
        ended = job_view(await request.app.state.jobs.get(session, job.id, tenant=job.tenant))
    return {"done": True, **{name: ended[name] for name in ("status", "sweep_run_id", "result_data")}}


def job_view(job: Job) -> dict[str, Any]:
    """A job as clients read it."""
    return {
        "job_id": job.id,
        "kind": job.kind,
        "status": job.status,
        "progress": job.progress,
        "parameters": job.parameters,
        "sweep_run_id": (job.result_data or {}).get("sweep_run_id"),
        "result_data": job.result_data,
        "error_code": job.error_code,
        "error_message": job.error_message,
        "created_at": clock.isoformat_z(job.created_at),
        "started_at": job.started_at and clock.isoformat_z(job.started_at),
        "completed_at": job.completed_at and clock.isoformat_z(job.completed_at),
    }


def _sent(event_id: str, data: dict[str, Any], event: JobEvent) -> ServerSentEvent:
    return ServerSentEvent(id=event_id, data={**data, "timestamp": clock.isoformat_z(event.at)})


def _position(last_event_id: str | None) -> tuple[int, bool]:
    """The sequence number last seen, and whether it was the error before a failed job's end."""
    match = re.fullmatch(r"(\d{1,9})(-error)?", last_event_id or "")
    return (int(match[1]), match[2] is not None) if match else (0, False)
