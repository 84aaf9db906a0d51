"""What-if analyses in the background over HTTP: accept, execute, look.

Source: contract dpm, sections 2 and 9.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from enum import Enum
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from steelyard.infra.web import Session
from steelyard.rebalance import run_schemas, schemas
from steelyard.rebalance.catalogue import Selectors
from steelyard.rebalance.service import Asked, Rebalancing
from steelyard.rebalance.toggles import Toggles, require_enabled
from steelyard.rebalance.values import BatchRebalanceRequest
from steelyard.rebalance.views import accepted_view, operation_item, operation_view
from steelyard.rebalance.web import (
    CorrelationId,
    Cursor,
    From,
    Limit,
    PolicyPackId,
    QuickRoute,
    Reader,
    Service,
    TenantId,
    To,
    Worker,
    Writer,
    as_json,
    drawn_correlation_id,
    operations,
    period,
    quick_asked,
    quick_body,
    rebalancing,
    runs_store,
    tried_first,
)
from steelyard.rebalance.wire import quick_batch, values_of

INLINE_WAIT_S_MAX = 30
"""Seconds that an answer waits for an operation to end; one that takes longer goes on all the same."""

_ANALYSIS: list[str | Enum] = ["DPM What-If Analysis"]
_SUPPORT: list[str | Enum] = ["DPM Run Supportability"]

router = APIRouter(prefix="/rebalance", route_class=QuickRoute, dependencies=[Depends(runs_store)])


async def _accept_quickly(request: Request) -> Response | None:
    asked = await quick_asked(request)
    body = None if asked is None else await quick_body(quick_batch, request)
    if asked is None or body is None:
        return None
    service = rebalancing(request)
    runs_store(service)
    return await _accept(request, service, asked, body)


@router.post(
    "/analyze/async",
    tags=_ANALYSIS,
    status_code=202,
    response_model=run_schemas.DpmAsyncAcceptedResponse,
    responses={404: {"description": "Switched off"}},
)
@tried_first(_accept_quickly)
async def accept_analysis(
    *,
    request: Request,
    body: schemas.BatchRebalanceRequest,
    principal: Writer,
    service: Service,
    x_correlation_id: CorrelationId = None,
    x_policy_pack_id: PolicyPackId = None,
    x_tenant_id: TenantId = None,
) -> Response:
    """Accept a what-if analysis; `status_url` tells what came of it.

    In the mode INLINE it is run before this is answered; in the mode ACCEPT_ONLY it waits for `execute_url`.
    """
    asked = Asked(principal, x_correlation_id or None, Selectors(x_policy_pack_id, None, x_tenant_id))
    return await _accept(request, service, asked, await asyncio.to_thread(values_of, body, BatchRebalanceRequest))


async def _accept(request: Request, service: Rebalancing, asked: Asked, body: BatchRebalanceRequest) -> Response:
    require_enabled("DPM_ASYNC_OPERATIONS", enabled=service.toggles.async_operations)
    correlation_id = asked.correlation_id or drawn_correlation_id(request)
    worker, is_inline = operations(request), service.toggles.async_execution_mode == "INLINE"
    async with request.app.state.database.transaction() as session:
        row = await worker.accept(session, asked, correlation_id, body)
        if is_inline:
            await worker.submit(session, row)
    if is_inline:
        with suppress(TimeoutError):
            await asyncio.wait_for(worker.ended(row.id), INLINE_WAIT_S_MAX)
    return as_json(accepted_view(row), status=202, headers={"X-Correlation-Id": correlation_id})


@router.get("/operations", tags=_SUPPORT, response_model=run_schemas.DpmAsyncOperationListResponse)
async def list_operations(
    *,
    principal: Reader,
    service: Service,
    worker: Worker,
    session: Session,
    from_: From = None,
    to: To = None,
    operation_type: Annotated[str | None, Query()] = None,
    status: Annotated[str | None, Query()] = None,
    correlation_id: Annotated[str | None, Query()] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """Operations, newest first."""
    _require_reads(service.toggles)
    rows, next_cursor = await worker.page(
        session,
        principal.tenant,
        period=period(from_, to),
        limit=limit,
        cursor=cursor,
        operation_type=operation_type,
        status=status,
        correlation_id=correlation_id,
    )
    return as_json({"items": [operation_item(row) for row in rows], "next_cursor": next_cursor})


@router.get(
    "/operations/by-correlation/{correlation_id}",
    tags=_SUPPORT,
    response_model=run_schemas.DpmAsyncOperationStatusResponse,
)
async def operation_by_correlation(
    correlation_id: str, principal: Reader, service: Service, worker: Worker, session: Session
) -> Response:
    """The latest operation of a correlation id."""
    _require_reads(service.toggles)
    return as_json(operation_view(await worker.by_correlation(session, principal.tenant, correlation_id)))


@router.get("/operations/{operation_id}", tags=_SUPPORT, response_model=run_schemas.DpmAsyncOperationStatusResponse)
async def read_operation(
    operation_id: str, principal: Reader, service: Service, worker: Worker, session: Session
) -> Response:
    """An operation and what came of it."""
    _require_reads(service.toggles)
    return as_json(operation_view(await worker.by_id(session, principal.tenant, operation_id)))


@router.post(
    "/operations/{operation_id}/execute",
    tags=_SUPPORT,
    response_model=run_schemas.DpmAsyncOperationStatusResponse,
    responses={404: {"description": "Unknown, or switched off"}, 409: {"description": "Not pending"}},
)
async def execute_operation(
    operation_id: str, request: Request, principal: Writer, service: Service, worker: Worker
) -> Response:
    """Have a waiting operation run now, and tell what came of it."""
    require_enabled("DPM_ASYNC_OPERATIONS", enabled=service.toggles.async_operations)
    require_enabled("DPM_ASYNC_MANUAL_EXECUTION", enabled=service.toggles.async_manual_execution)
    database = request.app.state.database
    async with database.transaction() as session:
        await worker.submit_waiting(session, principal.tenant, operation_id)
    with suppress(TimeoutError):
        await asyncio.wait_for(worker.ended(operation_id), INLINE_WAIT_S_MAX)
    async with database.reading() as session:
        return as_json(operation_view(await worker.by_id(session, principal.tenant, operation_id)))


def _require_reads(toggles: Toggles) -> None:
    require_enabled("DPM_SUPPORT_APIS", enabled=toggles.support_apis)
    require_enabled("DPM_ASYNC_OPERATIONS", enabled=toggles.async_operations)
