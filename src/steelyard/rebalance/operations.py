"""Analyses that were asked for to be run later, as durable jobs.

An operation waits (PENDING), is run by a worker (RUNNING) and ends (SUCCEEDED or FAILED).  Its runs,
its result and its end are written in the transaction that completes its job: a worker that is killed
leaves nothing behind, and another one begins again.

Source: contract dpm, section 9.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Select, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import undefer

from steelyard.core import clock
from steelyard.core.errors import ConflictError, NotFoundError
from steelyard.infra.database import Database
from steelyard.infra.job_context import JobContext
from steelyard.infra.jobs import Job, Jobs, JobStatus
from steelyard.infra.principal import Principal
from steelyard.rebalance.catalogue import Selectors
from steelyard.rebalance.runs import Period, insert_runs, newest_first, taken_ids
from steelyard.rebalance.service import IDS_DRAWN_MAX, Asked, Rebalancing, no_free_id, run_scenarios
from steelyard.rebalance.tables import OperationRow
from steelyard.rebalance.values import BatchRebalanceRequest

KIND = "rebalance_analysis"
"""The kind of job."""

ANALYZE_SCENARIOS = "ANALYZE_SCENARIOS"
_ERROR_CHARACTERS_MAX = 500


class Operations:
    """The operations of a deployment, and the handler of their jobs."""

    def __init__(self, database: Database, jobs: Jobs, rebalancing: Rebalancing) -> None:
        self._database = database
        self._jobs = jobs
        self._rebalancing = rebalancing
        self._kept = timedelta(seconds=rebalancing.toggles.async_operations_ttl_s)
        jobs.register(KIND, self._run, write_scope="rebalance:write", settle=self._settle)

    def query(self, tenant: str) -> Select[OperationRow]:
        """The operations of a tenant that are still kept."""
        ended = func.coalesce(OperationRow.finished_at, OperationRow.created_at)
        return select(OperationRow).where(OperationRow.tenant == tenant, ended >= clock.now() - self._kept)

    async def accept(
        self, session: AsyncSession, asked: Asked, correlation_id: str, request: BatchRebalanceRequest
    ) -> OperationRow:
        """Note an analysis to be run."""
        row = OperationRow(
            id=f"dop_{secrets.token_hex(6)}",
            tenant=asked.principal.tenant,
            operation_type=ANALYZE_SCENARIOS,
            status="PENDING",
            correlation_id=correlation_id,
            created_by=asked.principal.subject,
            is_submitted=False,
            created_at=clock.now(),
            policy_pack_id=asked.selectors.pack_id,
            policy_tenant_id=asked.selectors.tenant_id,
            request=msgspec.json.encode(request),
        )
        session.add(row)
        await session.flush()
        return row

    async def submit(self, session: AsyncSession, row: OperationRow) -> None:
        """Hand an operation to the workers.

        Raises:
            UnavailableError: too many jobs wait.
        """
        row.is_submitted = True
        await session.flush()
        parameters = {"operation_id": row.id}
        await self._jobs.submit(session, KIND, parameters, tenant=row.tenant, created_by=row.created_by, job_id=row.id)

    async def submit_waiting(self, session: AsyncSession, tenant: str, operation_id: str) -> None:
        """Hand the operation that a client wants executed to the workers, once.

        Raises:
            NotFoundError: there is none.
            ConflictError: it runs, has ended, or was handed over already.
        """
        query = self.query(tenant).where(OperationRow.id == operation_id).with_for_update()
        row = _known(await session.scalar(query), operation_id)
        if not is_executable(row):
            message = f"the operation {operation_id} is {row.status}; only a pending one can be executed"
            raise ConflictError(message, code="DPM_ASYNC_OPERATION_NOT_EXECUTABLE")
        await self.submit(session, row)

    async def ended(self, operation_id: str) -> None:
        """Wait until an operation that was handed over has ended."""
        async for _ in self._jobs.watch(operation_id):
            pass

    async def by_id(self, session: AsyncSession, tenant: str, operation_id: str) -> OperationRow:
        """The operation of this id.

        Raises:
            NotFoundError: DPM_ASYNC_OPERATION_NOT_FOUND.
        """
        query = self.query(tenant).where(OperationRow.id == operation_id)
        return _known(await session.scalar(query.options(undefer(OperationRow.result))), operation_id)

    async def find_by_correlation(self, session: AsyncSession, tenant: str, correlation_id: str) -> OperationRow | None:
        """The latest operation of this correlation id, or None."""
        query = self.query(tenant).where(OperationRow.correlation_id == correlation_id)
        newest = query.order_by(OperationRow.created_at.desc(), OperationRow.id.desc()).limit(1)
        return (await session.scalars(newest.options(undefer(OperationRow.result)))).one_or_none()

    async def by_correlation(self, session: AsyncSession, tenant: str, correlation_id: str) -> OperationRow:
        """The latest operation of this correlation id.

        Raises:
            NotFoundError: DPM_ASYNC_OPERATION_NOT_FOUND.
        """
        return _known(await self.find_by_correlation(session, tenant, correlation_id), correlation_id)

    async def page(
        self,
        session: AsyncSession,
        tenant: str,
        *,
        period: Period,
        limit: int,
        cursor: str | None,
        **equals: str | None,
    ) -> tuple[Sequence[OperationRow], str | None]:
        """Operations newest first, and the id that the next page begins after."""
        query = self.query(tenant).where(*period.clauses(OperationRow.created_at))
        wanted = {name: value for name, value in equals.items() if value is not None}
        query = query.where(*(getattr(OperationRow, name) == value for name, value in wanted.items()))
        return await newest_first(session, query, OperationRow.created_at, OperationRow.id, limit=limit, cursor=cursor)

    async def purge(self, session: AsyncSession) -> int:
        """Remove the operations that are kept no longer; how many."""
        ended = func.coalesce(OperationRow.finished_at, OperationRow.created_at)
        removed = await session.execute(delete(OperationRow).where(ended < clock.now() - self._kept))
        return int(removed.rowcount)  # type: ignore[attr-defined]

    def _run(self, context: JobContext, parameters: dict[str, Any]) -> dict[str, Any]:
        """The handler of the jobs, in a thread."""
        operation_id = str(parameters["operation_id"])
        row = context.wait_for(self._started(operation_id))
        if row is None:  # kept no longer
            return {"operation_id": operation_id}
        principal = Principal(row.tenant, row.created_by, frozenset())
        asked = Asked(principal, row.correlation_id, Selectors(row.policy_pack_id, None, row.policy_tenant_id))
        pack = context.wait_for(self._rebalancing.pack_for(asked))
        request = msgspec.json.decode(row.request, type=BatchRebalanceRequest)
        for _ in range(IDS_DRAWN_MAX):
            batch = run_scenarios(request, pack, row.correlation_id)
            runs = self._rebalancing.runs_of(asked, batch)
            if not context.wait_for(self._taken([run.id for run in runs])):
                break
        else:
            raise no_free_id()
        result = batch.to_bytes()

        async def save(session: AsyncSession) -> None:
            await insert_runs(session, runs)
            await _end(session, operation_id, status="SUCCEEDED", result=result)

        context.save_at_completion(save)
        return {"operation_id": operation_id}

    async def _started(self, operation_id: str) -> OperationRow | None:
        async with self._database.transaction() as session:
            query = select(OperationRow).where(OperationRow.id == operation_id)
            row = await session.scalar(query.options(undefer(OperationRow.request)))
            if row is not None:
                row.status, row.started_at = "RUNNING", clock.now()
            return row

    async def _taken(self, ids: list[str]) -> set[str]:
        async with self._database.reading() as session:
            return await taken_ids(session, ids)

    async def _settle(self, session: AsyncSession, job: Job) -> None:
        if job.status is not JobStatus.COMPLETED:
            message = (job.error_message or "")[:_ERROR_CHARACTERS_MAX]
            code = job.error_code or job.status.upper()
            await _end(session, job.id, status="FAILED", error_code=code, error_message=message)


def is_executable(row: OperationRow) -> bool:
    """Whether a client may have it executed."""
    return row.status == "PENDING" and not row.is_submitted


async def _end(session: AsyncSession, operation_id: str, **values: str | bytes | datetime) -> None:
    statement = update(OperationRow).where(OperationRow.id == operation_id)
    await session.execute(statement.values(finished_at=clock.now(), **values))


def _known(row: OperationRow | None, named: str) -> OperationRow:
    if row is None:
        raise NotFoundError(f"there is no operation {named[:100]!r}", code="DPM_ASYNC_OPERATION_NOT_FOUND")
    return row
