"""Advisory simulation over HTTP: what a proposal would do, as figures or as one document.

Source: contract dpm, sections 2, 10 and 12.
"""

from __future__ import annotations

from enum import Enum

from fastapi import APIRouter
from starlette.responses import Response

from steelyard.proposals.artifact_schemas import ProposalArtifact
from steelyard.proposals.result_schemas import ProposalResult
from steelyard.proposals.schemas import ProposalSimulateRequest
from steelyard.proposals.values import ProposalRequest
from steelyard.proposals.web import Asker, Service
from steelyard.rebalance.web import IdempotencyKey, as_answered
from steelyard.rebalance.wire import values_of

_TAGS: list[str | Enum] = ["Advisory Simulation"]
_CONFLICT = {"description": "The key came before with another request", "content": {"application/json": {}}}

router = APIRouter(prefix="/rebalance/proposals", tags=_TAGS)


@router.post("/simulate", response_model=ProposalResult, responses={409: _CONFLICT})
async def simulate(
    body: ProposalSimulateRequest, idempotency_key: IdempotencyKey, asked: Asker, service: Service
) -> Response:
    """Simulate a proposal: every well-formed request is answered READY, PENDING_REVIEW or BLOCKED.

    The same key with the same request gives the first answer again; with another one it is refused.
    """
    return as_answered(await service.simulate(asked, values_of(body, ProposalRequest), idempotency_key))


@router.post("/artifact", response_model=ProposalArtifact, responses={409: _CONFLICT})
async def artifact(
    body: ProposalSimulateRequest, idempotency_key: IdempotencyKey, asked: Asker, service: Service
) -> Response:
    """Simulate a proposal and answer with the document of it; keys are shared with the simulation."""
    return as_answered(await service.artifact(asked, values_of(body, ProposalRequest), idempotency_key))
