"""Routes behind the pages of rebalances: a run's documents to take away."""

from __future__ import annotations

import asyncio
from typing import Any, Literal

import msgspec
from fastapi import APIRouter, Request
from starlette.responses import Response

from steelyard.dashboard.dpm_run_page import stored_run
from steelyard.dashboard.visit import arrive, to_login
from steelyard.infra.web import Session
from steelyard.rebalance import book_service, views
from steelyard.rebalance.book_endpoints import blocks_file, comparison_file
from steelyard.rebalance.bundle_endpoints import Parts, bundle_of
from steelyard.rebalance.operations import Operations
from steelyard.rebalance.toggles import require_enabled

router = APIRouter(include_in_schema=False)


@router.get("/rebalances/{run_id}/artifact")
async def artifact(request: Request, run_id: str) -> Response:
    """The artifact of a run as a file: the bytes that the API answers with.

    Raises:
        NotFoundError: no such run, or artifacts are switched off.
    """
    visit = await arrive(request, scope="rebalance:read")
    if visit is None:
        return to_login(request)
    require_enabled("DPM_ARTIFACTS", enabled=visit.rebalancing.toggles.artifacts)
    run = await stored_run(visit, run_id)
    return _file(await asyncio.to_thread(views.artifact_bytes, run), f"{run.id}_artifact.json")


@router.get("/rebalances/{run_id}/support-bundle")
async def support_bundle(request: Request, run_id: str) -> Response:
    """Everything about a run as a file.

    Raises:
        NotFoundError: no such run, or bundles are switched off.
    """
    visit = await arrive(request, scope="rebalance:read")
    if visit is None:
        return to_login(request)
    service = visit.rebalancing
    require_enabled("DPM_SUPPORT_BUNDLE_APIS", enabled=service.toggles.support_bundle_apis)
    run = await stored_run(visit, run_id)
    operations: Operations = visit.app.state.rebalance_operations
    async with visit.database.reading() as session:
        parts = Parts(artifact=True, async_operation=True, idempotency_history=True)
        bundle: dict[str, Any] = await bundle_of(session, service.shelf(visit.principal), operations, run, parts)
    return _file(msgspec.json.encode(bundle), f"{run.id}_support_bundle.json")


@router.get("/rebalances/books/{book_id}/{name}.csv")
async def book_file(
    request: Request, session: Session, book_id: str, name: Literal["blocks", "comparison"]
) -> Response:
    """The block orders of a book with every allocation, or all of its accounts side by side.

    Raises:
        NotFoundError: no such book.
        ConflictError: its blocks are not made yet.
    """
    visit = await arrive(request, scope="rebalance:read")
    if visit is None:
        return to_login(request)
    status = await book_service.get_book(session, visit.jobs, visit.principal.tenant, book_id)
    if name == "comparison":
        return comparison_file(visit.database, book_id)
    return blocks_file(visit.database, book_id, await book_service.require_blocks(session, status))


def _file(content: bytes, name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type="application/json", headers=headers)
