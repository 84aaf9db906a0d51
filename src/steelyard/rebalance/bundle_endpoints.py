"""Support bundles over HTTP: everything about a run in one answer.

Source: contract dpm, sections 2 and 11.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Query
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from steelyard.infra.web import Session
from steelyard.rebalance import reviews, runs, views
from steelyard.rebalance.lineage import LineageReader
from steelyard.rebalance.located import WAYS, Find
from steelyard.rebalance.operations import Operations
from steelyard.rebalance.run_schemas import DpmRunSupportBundleResponse
from steelyard.rebalance.runs import Period, Shelf
from steelyard.rebalance.tables import RunRow
from steelyard.rebalance.toggles import Toggles, require_enabled
from steelyard.rebalance.web import Reader, Service, Worker, as_json, runs_store

EDGES_MAX = 200
"""Edges of lineage in a support bundle."""

Include = Annotated[bool, Query()]

router = APIRouter(prefix="/rebalance", dependencies=[Depends(runs_store)], tags=["DPM Run Supportability"])


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of a bundle that may be left out."""

    artifact: bool
    async_operation: bool
    idempotency_history: bool


@router.get("/runs/by-operation/{operation_id}/support-bundle", response_model=DpmRunSupportBundleResponse)
async def bundle_by_operation(
    *,
    operation_id: str,
    principal: Reader,
    service: Service,
    worker: Worker,
    session: Session,
    include_artifact: Include = True,
    include_async_operation: Include = True,
    include_idempotency_history: Include = True,
) -> Response:
    """Everything about the latest run of an operation's correlation id."""
    _require_bundles(service.toggles)
    shelf = service.shelf(principal)
    operation = await worker.by_id(session, principal.tenant, operation_id)
    run = await runs.run_by_correlation(session, shelf, operation.correlation_id)
    parts = Parts(include_artifact, include_async_operation, include_idempotency_history)
    return as_json(await bundle_of(session, shelf, worker, run, parts))


def _add_bundles(path: str, found: Any) -> None:
    @router.get(f"{path}/support-bundle", response_model=DpmRunSupportBundleResponse)
    async def bundle(
        *,
        find: Find = found,
        principal: Reader,
        service: Service,
        worker: Worker,
        session: Session,
        include_artifact: Include = True,
        include_async_operation: Include = True,
        include_idempotency_history: Include = True,
    ) -> Response:
        """Everything about a run."""
        _require_bundles(service.toggles)
        shelf = service.shelf(principal)
        parts = Parts(include_artifact, include_async_operation, include_idempotency_history)
        return as_json(await bundle_of(session, shelf, worker, await find(session, shelf), parts))


for _path, _found in WAYS:
    _add_bundles(_path, _found)


async def bundle_of(
    session: AsyncSession, shelf: Shelf, worker: Operations, run: RunRow, parts: Parts
) -> dict[str, Any]:
    """Everything about a run, ready to be written as JSON; ``run`` with its result."""
    lineage = LineageReader(session, shelf, worker.query(shelf.tenant))
    edges, more = await lineage.page(run.id, period=Period(), limit=EDGES_MAX)
    operation = history = None
    if parts.async_operation:
        operation = await worker.find_by_correlation(session, shelf.tenant, run.correlation_id)
    if parts.idempotency_history and run.idempotency_key is not None:
        computed = await runs.runs_of_key(session, shelf, run.idempotency_key)
        history = views.history_view(run.idempotency_key, computed)
    artifact = await asyncio.to_thread(views.artifact_bytes, run) if parts.artifact else None
    return {
        "run": views.run_view(run),
        "artifact": None if artifact is None else msgspec.Raw(artifact),
        "async_operation": None if operation is None else views.operation_view(operation),
        "workflow_history": views.decisions_view(run, await reviews.decisions_of(session, run)),
        "lineage": views.lineage_view(run.id, edges, more),
        "idempotency_history": history,
    }


def _require_bundles(toggles: Toggles) -> None:
    require_enabled("DPM_SUPPORT_APIS", enabled=toggles.support_apis)
    require_enabled("DPM_SUPPORT_BUNDLE_APIS", enabled=toggles.support_bundle_apis)
