"""One attempt at one job: take it, run its handler in this thread, write down how it ended.

The outcome, the rows that the handler saves and the events it causes are one transaction, which is
refused to an attempt that has lost its say.  That is what makes the effect of a job happen once,
whatever is killed when.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import structlog
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncSession

from steelyard.core import clock
from steelyard.core.canonical import canonical_json
from steelyard.core.errors import CancelledError, SteelyardError, UnavailableError
from steelyard.infra import jobs_store as store
from steelyard.infra import metrics
from steelyard.infra.database import Database, after_commit
from steelyard.infra.job_context import JobContext, Save
from steelyard.infra.jobs_store import Job, JobStatus
from steelyard.infra.principal import ADMIN
from steelyard.infra.settings import Settings

Handler = Callable[[JobContext, dict[str, Any]], dict[str, Any]]
Settle = Callable[[AsyncSession, Job], Awaitable[None]]

log = structlog.get_logger(__name__)
_DATABASE_PAUSE_S = 0.5


@dataclass(frozen=True, slots=True)
class JobKind:
    """What is done with the jobs of one kind.

    Attributes:
        handler: runs in a thread; what it returns becomes ``result_data``.
        settle: called in the transaction that ends a job, however it ends: the place for webhooks.
        queue: of ``job_engine.QUEUES``.
        write_scope: what it takes to cancel one.
    """

    name: str
    handler: Handler
    settle: Settle | None
    queue: str
    write_scope: str = ADMIN


@dataclass(frozen=True, slots=True)
class _Outcome:
    status: JobStatus
    result: dict[str, Any] | None = None
    code: str | None = None
    message: str = ""


class JobRunner:
    """Runs what the engine hands over, for one worker process."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        *,
        worker: str,
        kinds: dict[str, JobKind],
        ring: Callable[[str], None],
        enqueue: Callable[[AsyncSession, Job], Awaitable[None]],
    ) -> None:
        self._settings = settings
        self._database = database
        self._worker = worker
        self._kinds = kinds
        self._ring = ring
        self._enqueue = enqueue
        self._loop = asyncio.get_running_loop()
        self._stopping = False
        self._active = 0
        self._change = threading.Condition()
        self.running: dict[str, JobContext] = {}

    def perform(self, job_id: str, run: int) -> None:
        """Make one attempt; in a thread of the engine."""
        with self._change:
            self._active += 1
        try:
            self._attempt(job_id, run)
        finally:
            with self._change:
                self._active -= 1
                self._change.notify_all()

    def wait_until_idle(self, timeout_s: float) -> bool:
        """Whether every attempt ended within ``timeout_s`` seconds; blocks."""
        with self._change:
            return self._change.wait_for(lambda: self._active == 0, timeout_s)

    def _attempt(self, job_id: str, run: int) -> None:
        job = asyncio.run_coroutine_threadsafe(self._claim(job_id, run), self._loop).result()
        if job is None:
            return
        context = JobContext(job, self._loop, partial(self._report, job))
        self.running[job.id] = context
        try:
            if self._stopping:
                context.stop(worker_stops=True)
            with metrics.JOBS_RUNNING.track_inprogress(), metrics.JOB_SECONDS.labels(job.kind).time():
                outcome = self._outcome(context)
            context.wait_for(self._finish(context, outcome))
        finally:
            self.running.pop(job.id, None)

    def stop(self) -> None:
        """Ask every handler to stop; their jobs go back to the queue."""
        self._stopping = True
        for context in list(self.running.values()):
            context.stop(worker_stops=True)

    def cancel(self, job_id: str) -> None:
        """Stop a job's handler if it runs here."""
        if context := self.running.get(job_id):
            context.stop()

    def _outcome(self, context: JobContext) -> _Outcome:
        kind = self._kinds.get(context.job.kind)
        if kind is None:
            return _failed("UNKNOWN_JOB_KIND", f"this worker knows no job of kind `{context.job.kind}`")
        if context.job.attempt > self._settings.job_attempts_max:
            attempts = context.job.attempt - 1
            return _failed("JOB_ATTEMPTS_EXCEEDED", f"the job was begun {attempts} times and its worker never ended it")
        try:
            return self._answer(context, kind)
        except CancelledError as stopped:
            is_requeued = context.is_stopping
            return _Outcome(JobStatus.QUEUED if is_requeued else JobStatus.CANCELLED, None, stopped.code, "cancelled")
        except SteelyardError as refusal:
            return _failed(refusal.code, refusal.message)
        except Exception:  # a handler's defect ends its job, never its worker
            log.exception("job_handler_failed", job_id=context.job.id, kind=kind.name)
            return _failed("INTERNAL_ERROR", "the job failed for a reason of ours; the log has it under the job's id")

    def _answer(self, context: JobContext, kind: JobKind) -> _Outcome:
        for tried in range(1, self._settings.job_attempts_max + 1):
            context.saves.clear()
            try:
                result = kind.handler(context, context.job.parameters)
                canonical_json(result)  # refuses what JSON cannot say before anything is written
                return _Outcome(JobStatus.COMPLETED, result)
            except UnavailableError as failure:
                if tried == self._settings.job_attempts_max:
                    raise
                pause_s = self._settings.job_retry_pause_s * 2 ** (tried - 1)
                log.warning("job_retries", job_id=context.job.id, code=failure.code, tried=tried, pause_s=pause_s)
                context.pause(pause_s)
        raise AssertionError("unreachable: the last try returns or raises")

    async def _claim(self, job_id: str, run: int) -> Job | None:
        async with self._database.transaction() as session:
            job = await store.claim(session, job_id, run, self._worker)
            after_commit(session, lambda: self._ring(job_id))
            return job

    async def _report(self, job: Job, percent: int, message: str, save: Save | None) -> bool | None:
        async with self._database.transaction() as session:
            after_commit(session, lambda: self._ring(job.id))
            cancelled = await store.add_report(session, job, percent, message)
            if save is not None and cancelled is not None:
                await save(session)
            return cancelled

    async def _finish(self, context: JobContext, outcome: _Outcome) -> None:
        while True:
            try:
                await self._write(context, outcome)
            except (OperationalError, UnavailableError):  # the work is done: hold on to it until the database is back
                if self._stopping:
                    raise  # whoever adopts our work does it again
                log.exception("job_outcome_waits_for_database", job_id=context.job.id)
                await asyncio.sleep(_DATABASE_PAUSE_S)
            except Exception as failure:
                if outcome.status is not JobStatus.COMPLETED:
                    raise
                log.exception("job_save_failed", job_id=context.job.id)
                known = failure if isinstance(failure, SteelyardError) else SteelyardError("saving the result failed")
                outcome = _failed(known.code, known.message)
            else:
                if outcome.status.is_final:
                    metrics.JOBS_ENDED.labels(context.job.kind, outcome.status).inc()
                return

    async def _write(self, context: JobContext, outcome: _Outcome) -> None:
        async with self._database.transaction() as session:
            row = await store.find_row_to_change(session, context.job.id)
            if row is None or row.attempt != context.job.attempt or row.status != JobStatus.RUNNING:
                return  # another attempt has the say
            if outcome.status is JobStatus.COMPLETED:
                for save in context.saves:
                    await save(session)
                row.progress = 100
            if outcome.status is JobStatus.QUEUED:
                row.attempt -= 1  # it was not the job's fault
                await self._enqueue(session, await store.put_back(session, row))
            else:
                row.status, row.completed_at, row.worker = outcome.status, clock.now(), None
                row.result_data, row.error_code = outcome.result, outcome.code
                row.error_message = outcome.message or None
                await session.flush()
                await store.add_event(session, row.id, outcome.status, row.progress, outcome.message)
                if (kind := self._kinds.get(row.kind)) and kind.settle:
                    await kind.settle(session, store.job_of(row))
            after_commit(session, lambda: self._ring(context.job.id))


def _failed(code: str, message: str) -> _Outcome:
    return _Outcome(JobStatus.FAILED, None, code, message)
