"""Recorded runs over HTTP: lists and lookups, artifact, lineage, history, summary.

Source: contract dpm, sections 2 and 11.
"""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from steelyard.core.errors import NotFoundError
from steelyard.infra.web import Session
from steelyard.rebalance import run_schemas, runs, views
from steelyard.rebalance.lineage import LineageReader
from steelyard.rebalance.summary import summarize
from steelyard.rebalance.toggles import require_enabled
from steelyard.rebalance.web import (
    Cursor,
    From,
    Limit,
    Reader,
    Service,
    To,
    Worker,
    as_answered,
    as_json,
    period,
    runs_store,
)

router = APIRouter(prefix="/rebalance", dependencies=[Depends(runs_store)], tags=["DPM Run Supportability"])


@router.get("/runs", response_model=run_schemas.DpmRunListResponse)
async def list_runs(
    *,
    principal: Reader,
    service: Service,
    session: Session,
    from_: From = None,
    to: To = None,
    status: Annotated[str | None, Query()] = None,
    request_hash: Annotated[str | None, Query()] = None,
    portfolio_id: Annotated[str | None, Query()] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """Recorded runs, newest first."""
    require_enabled("DPM_SUPPORT_APIS", enabled=service.toggles.support_apis)
    found, next_cursor = await runs.page_of_runs(
        session,
        service.shelf(principal),
        period=period(from_, to),
        limit=limit,
        cursor=cursor,
        status=status,
        request_hash=request_hash,
        portfolio_id=portfolio_id,
    )
    return as_json({"items": [views.run_item(run) for run in found], "next_cursor": next_cursor})


@router.get("/runs/by-correlation/{correlation_id}", response_model=run_schemas.DpmRunLookupResponse)
async def run_by_correlation(correlation_id: str, principal: Reader, service: Service, session: Session) -> Response:
    """The latest run of a correlation id."""
    require_enabled("DPM_SUPPORT_APIS", enabled=service.toggles.support_apis)
    run = await runs.run_by_correlation(session, service.shelf(principal), correlation_id)
    return as_json(views.run_view(run))


@router.get("/runs/by-request-hash/{request_hash}", response_model=run_schemas.DpmRunLookupResponse)
async def run_by_request_hash(request_hash: str, principal: Reader, service: Service, session: Session) -> Response:
    """The latest run of a request."""
    require_enabled("DPM_SUPPORT_APIS", enabled=service.toggles.support_apis)
    run = await runs.run_by_request_hash(session, service.shelf(principal), request_hash)
    return as_json(views.run_view(run))


@router.get("/runs/idempotency/{idempotency_key}", response_model=run_schemas.DpmRunIdempotencyLookupResponse)
async def run_by_key(idempotency_key: str, principal: Reader, service: Service, session: Session) -> Response:
    """The run that a key of idempotency stands for."""
    require_enabled("DPM_SUPPORT_APIS", enabled=service.toggles.support_apis)
    return as_json(views.key_view(await runs.run_by_key(session, service.shelf(principal), idempotency_key)))


@router.get("/idempotency/{idempotency_key}/history", response_model=run_schemas.DpmRunIdempotencyHistoryResponse)
async def key_history(idempotency_key: str, principal: Reader, service: Service, session: Session) -> Response:
    """Every run that was computed under a key, oldest first."""
    require_enabled("DPM_SUPPORT_APIS", enabled=service.toggles.support_apis)
    require_enabled("DPM_IDEMPOTENCY_HISTORY_APIS", enabled=service.toggles.idempotency_history_apis)
    history = await runs.runs_of_key(session, service.shelf(principal), idempotency_key)
    if not history:
        message = f"the key {idempotency_key[:100]!r} was not used"
        raise NotFoundError(message, code="DPM_IDEMPOTENCY_KEY_NOT_FOUND")
    return as_json(views.history_view(idempotency_key, history))


@router.get("/runs/{rebalance_run_id}", response_model=run_schemas.DpmRunLookupResponse)
async def read_run(rebalance_run_id: str, principal: Reader, service: Service, session: Session) -> Response:
    """A run with its result."""
    require_enabled("DPM_SUPPORT_APIS", enabled=service.toggles.support_apis)
    return as_json(views.run_view(await runs.run_by_id(session, service.shelf(principal), rebalance_run_id)))


@router.get(
    "/runs/{rebalance_run_id}/artifact",
    response_model=run_schemas.DpmRunArtifactResponse,
    responses={404: {"description": "Unknown, or switched off"}},
)
async def read_artifact(rebalance_run_id: str, principal: Reader, service: Service, session: Session) -> Response:
    """The run as one document, with a hash that anyone can recompute."""
    require_enabled("DPM_SUPPORT_APIS", enabled=service.toggles.support_apis)
    require_enabled("DPM_ARTIFACTS", enabled=service.toggles.artifacts)
    run = await runs.run_by_id(session, service.shelf(principal), rebalance_run_id)
    return as_answered(await asyncio.to_thread(views.artifact_bytes, run))


@router.get("/lineage/{entity_id}", response_model=run_schemas.DpmLineageResponse)
async def read_lineage(
    *,
    entity_id: str,
    principal: Reader,
    service: Service,
    worker: Worker,
    session: Session,
    edge_type: Annotated[str | None, Query()] = None,
    from_: From = None,
    to: To = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """The edges that begin or end at a run, a key, a correlation id or an operation, oldest first."""
    require_enabled("DPM_SUPPORT_APIS", enabled=service.toggles.support_apis)
    require_enabled("DPM_LINEAGE_APIS", enabled=service.toggles.lineage_apis)
    reader = LineageReader(session, service.shelf(principal), worker.query(principal.tenant))
    edges, next_cursor = await reader.page(
        entity_id, period=period(from_, to), limit=limit, edge_type=edge_type, cursor=cursor
    )
    return as_json(views.lineage_view(entity_id, edges, next_cursor))


@router.get("/supportability/summary", response_model=run_schemas.DpmSupportabilitySummaryResponse)
async def read_summary(principal: Reader, service: Service, worker: Worker, session: Session) -> Response:
    """How much of what is recorded."""
    require_enabled("DPM_SUPPORT_APIS", enabled=service.toggles.support_apis)
    require_enabled("DPM_SUPPORTABILITY_SUMMARY_APIS", enabled=service.toggles.supportability_summary_apis)
    counted = await summarize(session, service.shelf(principal), worker.query(principal.tenant))
    return as_json(counted | {"retention_days": service.toggles.supportability_retention_days})
