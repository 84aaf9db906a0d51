"""Advisory simulation over HTTP: what a proposal would do, as figures or as one document.

Source: contract dpm, sections 2, 10 and 12.
"""

from __future__ import annotations

from enum import Enum

from fastapi import APIRouter, Request
from starlette.responses import Response

from steelyard.proposals.artifact_schemas import ProposalArtifact
from steelyard.proposals.result_schemas import ProposalResult
from steelyard.proposals.schemas import ProposalSimulateRequest
from steelyard.proposals.values import ProposalRequest
from steelyard.proposals.web import Asker, Service, proposals, quick_read
from steelyard.proposals.wire import quick_proposal
from steelyard.rebalance.web import IdempotencyKey, QuickRoute, as_answered, tried_first
from steelyard.rebalance.wire import values_of

_TAGS: list[str | Enum] = ["Advisory Simulation"]
_CONFLICT = {"description": "The key came before with another request", "content": {"application/json": {}}}

router = APIRouter(prefix="/rebalance/proposals", route_class=QuickRoute, tags=_TAGS)


async def _simulate_quickly(request: Request) -> Response | None:
    if (given := await quick_read(request, quick_proposal)) is None:
        return None
    asked, key, body = given
    return as_answered(await proposals(request).simulate(asked, body, key))


async def _artifact_quickly(request: Request) -> Response | None:
    if (given := await quick_read(request, quick_proposal)) is None:
        return None
    asked, key, body = given
    return as_answered(await proposals(request).artifact(asked, body, key))


@router.post("/simulate", response_model=ProposalResult, responses={409: _CONFLICT})
@tried_first(_simulate_quickly)
async def simulate(
    body: ProposalSimulateRequest, idempotency_key: IdempotencyKey, asked: Asker, service: Service
) -> Response:
    """Simulate a proposal: every well-formed request is answered READY, PENDING_REVIEW or BLOCKED.

    The same key with the same request gives the first answer again; with another one it is refused.
    """
    return as_answered(await service.simulate(asked, values_of(body, ProposalRequest), idempotency_key))


@router.post("/artifact", response_model=ProposalArtifact, responses={409: _CONFLICT})
@tried_first(_artifact_quickly)
async def artifact(
    body: ProposalSimulateRequest, idempotency_key: IdempotencyKey, asked: Asker, service: Service
) -> Response:
    """Simulate a proposal and answer with the document of it; keys are shared with the simulation."""
    return as_answered(await service.artifact(asked, values_of(body, ProposalRequest), idempotency_key))
