"""Durable jobs: submitted in the caller's transaction, run by whichever worker is free, watched by anyone.

    jobs = Jobs(settings, database)
    jobs.register("sweep", run_sweep)             # handler(context, parameters) -> result_data
    await jobs.start()                            # a worker; an API process that runs none leaves it out
    async with database.transaction() as session:
        job = await jobs.submit(session, "sweep", parameters, tenant="acme", created_by="key:1")
    async for event in jobs.watch(job.id):
        ...

A job survives kill -9 of its worker: another one, or the same after its restart, runs it again from
the start, and its effects happen once (see :mod:`steelyard.infra.job_runner`).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from functools import partial
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from steelyard.core import clock
from steelyard.core.canonical import canonical_json
from steelyard.core.errors import ConflictError, InvalidInputError, NotFoundError, UnavailableError
from steelyard.core.ids import new_id
from steelyard.infra import jobs_store as store
from steelyard.infra.database import Database, after_commit
from steelyard.infra.job_bells import Bells, is_set_within
from steelyard.infra.job_engine import JobEngine
from steelyard.infra.job_runner import Handler, JobKind, JobRunner, Settle
from steelyard.infra.job_supervisor import JobSupervisor, has_live_worker
from steelyard.infra.jobs_store import Job, JobEvent, JobPage, JobRow, JobStatus
from steelyard.infra.principal import ADMIN
from steelyard.infra.settings import Settings

__all__ = ["Job", "JobEvent", "JobPage", "JobStatus", "Jobs"]

log = structlog.get_logger(__name__)
LIST_MAX = 500
_CANCEL_CHECK_S = 0.25
_WATCH_ELSEWHERE_S = 0.1
_WATCH_HERE_S = 5.0
_DRAIN_S = 10.0
_ENDED_WORK_KEPT = timedelta(hours=1)  # long enough for a look at it when something went wrong


class Jobs:
    """The port to durable jobs, for one event loop."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self._settings = settings
        self._database = database
        self._executor_id = new_id("worker")
        self._engine = JobEngine(settings, self._executor_id)
        self._kinds: dict[str, JobKind] = {}
        self._bells = Bells()
        self._runner: JobRunner | None = None
        self._supervisor: JobSupervisor | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._stopping = asyncio.Event()

    def register(
        self,
        kind: str,
        handler: Handler,
        *,
        write_scope: str = ADMIN,
        settle: Settle | None = None,
        is_errand: bool = False,
    ) -> None:
        """Say what is done with jobs of ``kind``; every process that submits or runs them does so at start.

        Args:
            kind: such as ``sweep``.
            handler: called in a thread as ``handler(context, parameters)``; its dict becomes ``result_data``.
                It lets ``CancelledError`` pass, and it may be called again after its worker died.
            write_scope: what it takes to cancel such a job.
            settle: called as ``settle(session, job)`` in the transaction that ends the job.
            is_errand: it mostly waits on another machine: it has threads of its own and is not listed.
        """
        if kind in self._kinds:
            raise ValueError(f"the job kind {kind!r} is registered already")
        self._kinds[kind] = JobKind(kind, handler, settle, "errands" if is_errand else "work", write_scope)

    def write_scope(self, kind: str) -> str:
        """The scope that it takes to cancel a job of ``kind``."""
        return self._kinds[kind].write_scope if kind in self._kinds else ADMIN

    async def start(self) -> None:
        """Work on jobs in this process until :meth:`stop`."""
        self._runner = JobRunner(
            self._settings,
            self._database,
            worker=self._executor_id,
            kinds=self._kinds,
            ring=self._bells.ring,
            enqueue=self._enqueue,
        )
        self._supervisor = JobSupervisor(
            self._database, self._executor_id, self._settings.job_lease_s, self._adopt, self._tidy
        )
        await self._supervisor.beat()  # before any work is taken, so that none is ever without a lease
        await asyncio.to_thread(self._engine.start, self._runner.perform)
        self._stopping = asyncio.Event()
        tasks = (self._supervisor.run(self._stopping), self._hear_cancellations(self._runner, self._stopping))
        self._tasks = [asyncio.create_task(task) for task in tasks]

    async def stop(self) -> None:
        """Stop working; handlers that listen are interrupted and their jobs go back to the queue."""
        self._stopping.set()
        await asyncio.gather(*self._tasks)
        self._tasks = []
        if self._runner is not None:
            self._engine.pause()
            self._runner.stop()
            if not await asyncio.to_thread(self._runner.wait_until_idle, _DRAIN_S):
                log.warning("job_handlers_do_not_stop", job_ids=sorted(self._runner.running))
        await asyncio.to_thread(self._engine.stop)
        if self._supervisor is not None:
            await self._supervisor.leave()
        self._runner = self._supervisor = None

    async def check(self) -> None:
        """Ask for a sign of life of what runs the jobs: here if this process works, or a worker's lease elsewhere.

        Raises:
            UnavailableError: nobody would run a job that is submitted now.
        """
        async with self._database.reading() as session:
            if not await has_live_worker(session):
                raise UnavailableError("no worker has a valid lease; jobs would wait", code="NO_WORKER")

    async def submit(
        self,
        session: AsyncSession,
        kind: str,
        parameters: dict[str, Any],
        *,
        tenant: str,
        created_by: str,
        job_id: str | None = None,
        delay_s: float = 0,
    ) -> Job:
        """Queue a job in the transaction of ``session``; it begins once that is committed.

        Args:
            session: in a transaction that may write.
            kind: registered.
            parameters: JSON-ready.
            tenant: whose job it is.
            created_by: the subject of the principal.
            job_id: given by a caller that must not submit twice; the same id again is the same job.
            delay_s: seconds to wait before it is due.

        Raises:
            InvalidInputError: an unknown kind, or parameters that have no JSON form.
            ConflictError: ``job_id`` names a job with another kind, tenant or parameters.
            UnavailableError: ``job_queue_length_max`` jobs wait already.
        """
        if kind not in self._kinds:
            raise InvalidInputError(f"`kind` was {kind!r}; known are {', '.join(sorted(self._kinds)) or 'none'}")
        encoded = canonical_json(parameters)
        if job_id is not None and (row := await store.find_row(session, job_id)):
            if (row.tenant, row.kind, canonical_json(row.parameters)) != (tenant, kind, encoded):
                raise ConflictError(f"the job id {job_id!r} names another job already", code="JOB_ID_CONFLICT")
            return store.job_of(row)
        await self._require_room(session, kind)
        row = JobRow(
            id=job_id or new_id("job"),
            tenant=tenant,
            kind=kind,
            status=JobStatus.QUEUED,
            progress=0,
            parameters=parameters,
            created_by=created_by,
            created_at=clock.now(),
            cancel_requested=False,
            run=1,
            attempt=0,
        )
        session.add(row)
        await session.flush()
        job = store.job_of(row)
        await self._enqueue(session, job, delay_s)
        return job

    async def get(self, session: AsyncSession, job_id: str, *, tenant: str) -> Job:
        """A job of ``tenant``.

        Raises:
            NotFoundError: there is none; another tenant's is none.
        """
        return store.job_of(_known(await store.find_row(session, job_id, tenant=tenant), job_id))

    async def list(
        self,
        session: AsyncSession,
        *,
        tenant: str,
        limit: int = 50,
        cursor: str | None = None,
        status: JobStatus | None = None,
        kind: str | None = None,
    ) -> JobPage:
        """Jobs of ``tenant``, newest first, at most ``limit`` (1..500); errands only if their kind is asked for.

        Raises:
            InvalidInputError: a limit out of range, or a cursor that is not one.
        """
        if not 1 <= limit <= LIST_MAX:
            raise InvalidInputError(f"`limit` was {limit}; it is 1 to {LIST_MAX}")
        kinds = self._listed_kinds() if kind is None else (kind,)
        return await store.page_of_jobs(session, tenant, limit=limit, cursor=cursor, status=status, kinds=kinds)

    async def cancel(self, session: AsyncSession, job_id: str, *, tenant: str) -> Job:
        """Stop a job: at once if it waits, within a second if its handler listens; a job that ended stays as it is.

        Raises:
            NotFoundError: as :meth:`get`.
        """
        row = _known(await store.find_row_to_change(session, job_id, tenant=tenant), job_id)
        if row.status == JobStatus.QUEUED:
            row.status, row.completed_at = JobStatus.CANCELLED, clock.now()
            row.error_code, row.error_message = "JOB_CANCELLED", "cancelled"
            await session.flush()
            await store.add_event(session, job_id, JobStatus.CANCELLED, row.progress, "cancelled")
            if (kind := self._kinds.get(row.kind)) and kind.settle:
                await kind.settle(session, store.job_of(row))
            after_commit(session, lambda: self._bells.ring(job_id))
        elif row.status == JobStatus.RUNNING:
            row.cancel_requested = True
            await session.flush()
            if self._runner is not None:
                after_commit(session, partial(self._runner.cancel, job_id))
        return store.job_of(row)

    async def resume(self, session: AsyncSession, job_id: str, *, tenant: str) -> Job:
        """Queue a failed or cancelled job again, from its start.

        Raises:
            NotFoundError: as :meth:`get`.
            ConflictError: it waits, runs, or is completed.
        """
        row = _known(await store.find_row_to_change(session, job_id, tenant=tenant), job_id)
        if row.status not in (JobStatus.FAILED, JobStatus.CANCELLED):
            message = f"the job {job_id} is {row.status}; only a failed or cancelled one can be resumed"
            raise ConflictError(message, code="JOB_NOT_RESUMABLE")
        row.status, row.progress, row.cancel_requested = JobStatus.QUEUED, 0, False
        row.error_code = row.error_message = row.completed_at = row.started_at = None
        row.run, row.attempt = row.run + 1, 0
        await session.flush()
        await store.add_event(session, job_id, JobStatus.QUEUED, 0, "resumed")
        job = store.job_of(row)
        await self._enqueue(session, job)
        after_commit(session, lambda: self._bells.ring(job_id))
        return job

    async def watch(self, job_id: str, after: int = 0) -> AsyncIterator[JobEvent]:
        """The events of a job after sequence number ``after``, as they happen, to the last one.

        What happens in this process is pushed; a job that runs in another one is looked at ten times a second.

        Raises:
            NotFoundError: no such job.  Whether the watcher may see it is for the caller to check.
        """
        with self._bells.listening(job_id) as bell:
            while True:
                bell.clear()
                # Shielded: a query that is cut off half way may keep its connection from the pool for good.
                status, events = await asyncio.shield(self._look(job_id, after))
                for event in events:
                    yield event
                    after = event.sequence
                if len(events) == store.EVENTS_PAGE:
                    continue
                if status.is_final:
                    return
                is_here = self._runner is not None and job_id in self._runner.running
                await is_set_within(bell, _WATCH_HERE_S if is_here else _WATCH_ELSEWHERE_S)

    async def _look(self, job_id: str, after: int) -> tuple[JobStatus, Sequence[JobEvent]]:
        # The status first: if it is final, the events that follow are all there are.
        async with self._database.reading() as session:
            row = _known(await store.find_row(session, job_id), job_id)
            return JobStatus(row.status), await store.events_after(session, job_id, after)

    async def _require_room(self, session: AsyncSession, kind: str) -> None:
        # Errands follow from jobs that were admitted: to refuse one would leave its job without an end.
        limit, work = self._settings.job_queue_length_max, self._listed_kinds()
        if kind in work and await store.count_queued(session, at_most=limit, kinds=work) >= limit:
            raise UnavailableError(f"{limit} jobs wait already; try again later", code="JOB_QUEUE_FULL")

    def _listed_kinds(self) -> tuple[str, ...]:
        return tuple(name for name, kind in self._kinds.items() if kind.queue == "work")

    async def _enqueue(self, session: AsyncSession, job: Job, delay_s: float = 0) -> None:
        connection = await session.connection()
        kind = self._kinds.get(job.kind)  # a worker of another release may know more kinds than we
        queue = kind.queue if kind else "work"
        await connection.run_sync(self._engine.enqueue, queue, job.id, job.run, delay_s)

    async def _adopt(self, executor_id: str) -> int:
        async with self._database.transaction() as session:
            rows = await store.rows_of_worker(session, executor_id)
            for row in rows:
                await self._enqueue(session, await store.put_back(session, row))
        # What it had been handed and not begun; of what it had begun, an earlier run than is wanted now.
        await asyncio.to_thread(self._engine.resume_work_of, executor_id)
        return len(rows)

    async def _tidy(self) -> int:
        return await asyncio.to_thread(self._engine.forget_ended_work, clock.now() - _ENDED_WORK_KEPT)

    async def _hear_cancellations(self, runner: JobRunner, stopping: asyncio.Event) -> None:
        # A cancellation asked for in another process reaches a handler that never reports.
        while not await is_set_within(stopping, _CANCEL_CHECK_S):
            if not runner.running:
                continue
            try:
                async with self._database.reading() as session:
                    running = [context.job for context in list(runner.running.values())]
                    for job_id in await store.ids_to_stop(session, running):
                        runner.cancel(job_id)
            except Exception:
                log.exception("job_cancellations_unheard")


def _known(row: JobRow | None, job_id: str) -> JobRow:
    if row is None:
        raise NotFoundError(f"there is no job `{job_id[:100]}`", code="JOB_NOT_FOUND")
    return row
