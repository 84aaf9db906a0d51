"""Rebalances over HTTP: simulate one portfolio, or several options side by side.

Source: contract dpm, sections 2, 9 and 10.
"""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from steelyard.rebalance import schemas
from steelyard.rebalance.catalogue import Selectors
from steelyard.rebalance.limits import HEADER_CHARACTERS_MAX
from steelyard.rebalance.result_schemas import BatchRebalanceResult, RebalanceResult
from steelyard.rebalance.service import Asked
from steelyard.rebalance.values import BatchRebalanceRequest, RebalanceRequest
from steelyard.rebalance.web import (
    CorrelationId,
    IdempotencyKey,
    PolicyPackId,
    QuickRoute,
    Service,
    TenantId,
    Writer,
    as_answered,
    quick_asked,
    quick_body,
    rebalancing,
    runs_store,
    tried_first,
)
from steelyard.rebalance.wire import quick_batch, quick_request, values_of

router = APIRouter(prefix="/rebalance", route_class=QuickRoute, dependencies=[Depends(runs_store)])


async def _simulate_quickly(request: Request) -> Response | None:
    key = request.headers.get("idempotency-key")
    if key is None or len(key) > HEADER_CHARACTERS_MAX:
        return None
    asked = await quick_asked(request)
    body = None if asked is None else await quick_body(quick_request, request)
    if asked is None or body is None:
        return None
    service = rebalancing(request)
    runs_store(service)
    return as_answered(await service.simulate(asked, body, key))


@router.post(
    "/simulate",
    tags=["DPM Simulation"],
    response_model=RebalanceResult,
    responses={409: {"description": "The key came before with another request", "content": {"application/json": {}}}},
)
@tried_first(_simulate_quickly)
async def simulate(
    *,
    body: schemas.RebalanceRequest,
    idempotency_key: IdempotencyKey,
    principal: Writer,
    service: Service,
    x_correlation_id: CorrelationId = None,
    x_policy_pack_id: PolicyPackId = None,
    x_tenant_id: TenantId = None,
) -> Response:
    """Rebalance one portfolio: every well-formed request is answered READY, PENDING_REVIEW or BLOCKED.

    The same key with the same request gives the first answer again; with another one it is refused.
    """
    asked = Asked(principal, x_correlation_id or None, Selectors(x_policy_pack_id, None, x_tenant_id))
    values = await asyncio.to_thread(values_of, body, RebalanceRequest)
    return as_answered(await service.simulate(asked, values, idempotency_key))


async def _analyze_quickly(request: Request) -> Response | None:
    asked = await quick_asked(request)
    body = None if asked is None else await quick_body(quick_batch, request)
    if asked is None or body is None:
        return None
    service = rebalancing(request)
    runs_store(service)
    return as_answered(await service.analyze(asked, body))


@router.post("/analyze", tags=["DPM What-If Analysis"], response_model=BatchRebalanceResult)
@tried_first(_analyze_quickly)
async def analyze(
    *,
    body: schemas.BatchRebalanceRequest,
    principal: Writer,
    service: Service,
    x_correlation_id: CorrelationId = None,
    x_policy_pack_id: PolicyPackId = None,
    x_tenant_id: TenantId = None,
) -> Response:
    """Run named what-ifs on the same snapshots; a scenario that fails spoils only itself."""
    asked = Asked(principal, x_correlation_id or None, Selectors(x_policy_pack_id, None, x_tenant_id))
    return as_answered(await service.analyze(asked, await asyncio.to_thread(values_of, body, BatchRebalanceRequest)))
