"""Proposals and versions that are made in the background, as durable jobs.

An operation waits (PENDING), is run by a worker (RUNNING) and ends (SUCCEEDED or FAILED).  What it
makes and its end are written in the transaction that completes its job: a worker that is killed leaves
nothing behind, and another one begins again.

Source: contract dpm, section 14.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, Literal

import msgspec
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import undefer

from steelyard.core import clock
from steelyard.core.errors import NotFoundError
from steelyard.infra.database import Database
from steelyard.infra.job_context import JobContext
from steelyard.infra.jobs import Job, Jobs, JobStatus
from steelyard.infra.principal import Principal
from steelyard.proposals import store
from steelyard.proposals.api import DISABLED
from steelyard.proposals.asked import Asked
from steelyard.proposals.creating import (
    check_version,
    new_proposal,
    new_version,
    require_flag,
    store_proposals,
    store_version,
)
from steelyard.proposals.drafts import ProposalDraft, VersionDraft
from steelyard.proposals.events import new_id
from steelyard.proposals.tables import EventRow, ProposalOperationRow, ProposalRow
from steelyard.proposals.toggles import ProposalToggles
from steelyard.proposals.views import event_view, summary_view
from steelyard.rebalance.limits import HEADER_CHARACTERS_MAX

KIND = "proposal"
"""The kind of job."""

OperationType = Literal["CREATE_PROPOSAL", "CREATE_PROPOSAL_VERSION"]
Made = tuple[ProposalRow, int, EventRow]
"""A proposal, the number of the version that was made or found, and what happened to the proposal last."""

_ERROR_CHARACTERS_MAX = 900
_CLASSES = {
    "IDEMPOTENCY_KEY_CONFLICT": "ProposalIdempotencyConflictError",
    "PROPOSAL_NOT_FOUND": "ProposalNotFoundError",
    "PROPOSAL_TERMINAL_STATE": "ProposalValidationError",
    "PORTFOLIO_CONTEXT_MISMATCH": "ProposalValidationError",
    DISABLED: "ProposalValidationError",
}
"""What clients of the contract know our refusals as."""


class ProposalOperations:
    """The operations of a deployment, and the handler of their jobs."""

    def __init__(self, database: Database, jobs: Jobs, toggles: ProposalToggles) -> None:
        self._database = database
        self._jobs = jobs
        self._toggles = toggles
        jobs.register(KIND, self._run, write_scope="proposals:write", settle=self._settle)

    async def accept(
        self,
        asked: Asked,
        draft: ProposalDraft | VersionDraft,
        *,
        key: str | None = None,
        proposal_id: str | None = None,
    ) -> ProposalOperationRow:
        """Note what is to be made, and hand it to the workers.

        Raises:
            UnavailableError: too many jobs wait.
        """
        principal = asked.principal
        row = ProposalOperationRow(
            id=new_id("pop"),
            tenant=principal.tenant,
            operation_type="CREATE_PROPOSAL" if isinstance(draft, ProposalDraft) else "CREATE_PROPOSAL_VERSION",
            status="PENDING",
            correlation_id=asked.correlation_id,
            idempotency_key=key,
            proposal_id=proposal_id and proposal_id[:HEADER_CHARACTERS_MAX],
            created_by=draft.created_by,
            subject=principal.subject,
            created_at=clock.now(),
            request=msgspec.json.encode(draft),
        )
        async with self._database.transaction() as session:
            session.add(row)
            await session.flush()
            parameters = {"operation_id": row.id}
            await self._jobs.submit(
                session, KIND, parameters, tenant=row.tenant, created_by=principal.subject, job_id=row.id
            )
        return row

    async def by_id(self, session: AsyncSession, tenant: str, operation_id: str) -> ProposalOperationRow:
        """The operation of this id.

        Raises:
            NotFoundError: PROPOSAL_ASYNC_OPERATION_NOT_FOUND.
        """
        return await self._latest(session, tenant, ProposalOperationRow.id == operation_id, operation_id)

    async def by_correlation(self, session: AsyncSession, tenant: str, correlation_id: str) -> ProposalOperationRow:
        """The latest operation of this correlation id.

        Raises:
            NotFoundError: PROPOSAL_ASYNC_OPERATION_NOT_FOUND.
        """
        clause = ProposalOperationRow.correlation_id == correlation_id
        return await self._latest(session, tenant, clause, correlation_id)

    async def _latest(self, session: AsyncSession, tenant: str, clause: Any, named: str) -> ProposalOperationRow:
        query = select(ProposalOperationRow).where(ProposalOperationRow.tenant == tenant, clause)
        newest = query.order_by(ProposalOperationRow.created_at.desc(), ProposalOperationRow.id.desc()).limit(1)
        row = await session.scalar(newest.options(undefer(ProposalOperationRow.outcome)))
        if row is None:
            raise NotFoundError(f"there is no operation {named[:100]!r}", code="PROPOSAL_ASYNC_OPERATION_NOT_FOUND")
        return row

    def _run(self, context: JobContext, parameters: dict[str, Any]) -> dict[str, Any]:
        """The handler of the jobs, in a thread."""
        row = context.wait_for(self._started(str(parameters["operation_id"])))
        asked = Asked(Principal(row.tenant, row.subject, frozenset()), row.correlation_id, was_sent=True)
        make = self._creation(asked, row) if row.idempotency_key else self._addition(context, asked, row)

        async def save(session: AsyncSession) -> None:
            proposal, version_no, event = await make(session)
            outcome = {"proposal": summary_view(proposal), "latest_workflow_event": event_view(event)}
            await _end(
                session,
                row.id,
                status="SUCCEEDED",
                proposal_id=proposal.id,
                version_no=version_no,
                outcome=msgspec.json.encode(outcome),
            )

        context.save_at_completion(save)
        return {"operation_id": row.id}

    def _creation(self, asked: Asked, row: ProposalOperationRow) -> Callable[[AsyncSession], Awaitable[Made]]:
        draft = msgspec.json.decode(row.request, type=ProposalDraft)
        if self._toggles.require_simulation_flag:
            require_flag(draft.simulate_request)
        new = new_proposal(self._toggles, asked, draft, row.idempotency_key or "")

        async def make(session: AsyncSession) -> Made:
            (known,) = await store_proposals(session, [new])
            if known is None:
                return new.proposal, 1, new.event
            if isinstance(known, Exception):
                raise known
            proposal = await store.proposal_by_id(session, row.tenant, known.proposal_id)
            return proposal, known.version_no, await store.newest_event(session, proposal)

        return make

    def _addition(
        self, context: JobContext, asked: Asked, row: ProposalOperationRow
    ) -> Callable[[AsyncSession], Awaitable[Made]]:
        draft, proposal_id = msgspec.json.decode(row.request, type=VersionDraft), row.proposal_id or ""
        context.wait_for(self._check(row.tenant, proposal_id, draft))
        version = new_version(self._toggles, asked, draft, proposal_id=proposal_id)

        async def make(session: AsyncSession) -> Made:
            proposal, event = await store_version(session, self._toggles, asked, draft, version)
            return proposal, version.version_no, event

        return make

    async def _check(self, tenant: str, proposal_id: str, draft: VersionDraft) -> None:
        async with self._database.reading() as session:
            await check_version(session, self._toggles, tenant, proposal_id, draft, locked=False)

    async def _started(self, operation_id: str) -> ProposalOperationRow:
        async with self._database.transaction() as session:
            query = select(ProposalOperationRow).where(ProposalOperationRow.id == operation_id)
            row = (await session.scalars(query.options(undefer(ProposalOperationRow.request)))).one()
            row.status, row.started_at = "RUNNING", clock.now()
            return row

    async def _settle(self, session: AsyncSession, job: Job) -> None:
        if job.status is not JobStatus.COMPLETED:
            code = job.error_code or job.status.upper()
            message = f"{code}: {job.error_message or ''}"[:_ERROR_CHARACTERS_MAX]
            await _end(session, job.id, status="FAILED", error_code=_CLASSES.get(code, code), error_message=message)


async def _end(session: AsyncSession, operation_id: str, **values: str | int | bytes | datetime) -> None:
    statement = update(ProposalOperationRow).where(ProposalOperationRow.id == operation_id)
    await session.execute(statement.values(finished_at=clock.now(), **values))
