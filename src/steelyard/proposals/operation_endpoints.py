"""Proposals and versions made in the background over HTTP: accept, look.

Source: contract dpm, sections 2 and 14.
"""

from __future__ import annotations

from enum import Enum
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from steelyard.infra.web import Session
from steelyard.proposals import lifecycle_schemas as schemas
from steelyard.proposals import store
from steelyard.proposals.drafts import ProposalDraft, VersionDraft
from steelyard.proposals.operations import ProposalOperations
from steelyard.proposals.tables import ProposalOperationRow
from steelyard.proposals.views import accepted_view, operation_view
from steelyard.proposals.web import Asker, Reader, Service, proposals_store, require_async
from steelyard.rebalance.web import IdempotencyKey, as_json
from steelyard.rebalance.wire import values_of

_TAGS: list[str | Enum] = ["Advisory Proposal Lifecycle"]
_UNKNOWN: dict[int | str, dict[str, Any]] = {404: {"description": "Unknown, or switched off"}}

router = APIRouter(prefix="/rebalance/proposals", dependencies=[Depends(proposals_store)], tags=_TAGS)


def operations(request: Request) -> ProposalOperations:
    """The operations, where the server put them."""
    found: ProposalOperations = request.app.state.proposal_operations
    return found


Worker = Annotated[ProposalOperations, Depends(operations)]


@router.post("/async", status_code=202, response_model=schemas.ProposalAsyncAcceptedResponse, responses=_UNKNOWN)
async def accept_creation(
    body: schemas.ProposalCreateRequest, idempotency_key: IdempotencyKey, asked: Asker, service: Service, worker: Worker
) -> Response:
    """Accept a proposal to be created in the background; `status_url` tells what came of it."""
    require_async(service)
    return _accepted(await worker.accept(asked, values_of(body, ProposalDraft), key=idempotency_key))


@router.post(
    "/{proposal_id}/versions/async",
    status_code=202,
    response_model=schemas.ProposalAsyncAcceptedResponse,
    responses=_UNKNOWN,
)
async def accept_version(
    proposal_id: str, body: schemas.ProposalVersionRequest, asked: Asker, service: Service, worker: Worker
) -> Response:
    """Accept a version to be added in the background; `status_url` tells what came of it."""
    require_async(service)
    return _accepted(await worker.accept(asked, values_of(body, VersionDraft), proposal_id=proposal_id))


@router.get(
    "/operations/by-correlation/{correlation_id}",
    response_model=schemas.ProposalAsyncOperationStatusResponse,
    responses=_UNKNOWN,
)
async def operation_by_correlation(
    correlation_id: str, principal: Reader, service: Service, worker: Worker, session: Session
) -> Response:
    """The latest operation of a correlation id."""
    require_async(service)
    return await _told(session, await worker.by_correlation(session, principal.tenant, correlation_id))


@router.get(
    "/operations/{operation_id}", response_model=schemas.ProposalAsyncOperationStatusResponse, responses=_UNKNOWN
)
async def read_operation(
    operation_id: str, principal: Reader, service: Service, worker: Worker, session: Session
) -> Response:
    """An operation and what came of it."""
    require_async(service)
    return await _told(session, await worker.by_id(session, principal.tenant, operation_id))


def _accepted(row: ProposalOperationRow) -> Response:
    return as_json(accepted_view(row), status=202, headers={"X-Correlation-Id": row.correlation_id})


async def _told(session: AsyncSession, row: ProposalOperationRow) -> Response:
    version = None
    if row.version_no is not None:
        proposal = await store.proposal_by_id(session, row.tenant, row.proposal_id or "")
        version = await store.version_of(session, proposal, row.version_no)
    return as_json(operation_view(row, version))
