"""What supports stored proposals over HTTP: what happened, who approved, hashes, keys, configuration.

Source: contract dpm, sections 2, 14 and 15.
"""

from __future__ import annotations

from enum import Enum
from typing import Any

from fastapi import APIRouter, Depends
from starlette.responses import Response

from steelyard.infra.web import Session
from steelyard.proposals import lifecycle_schemas as schemas
from steelyard.proposals import store
from steelyard.proposals.views import approvals_view, key_view, lineage_view, timeline_view
from steelyard.proposals.web import Reader, Service, may_read, proposals_store, require_support
from steelyard.rebalance.web import as_json

_TAGS: list[str | Enum] = ["Advisory Proposal Lifecycle"]
_UNKNOWN: dict[int | str, dict[str, Any]] = {404: {"description": "Unknown, or switched off"}}
_STORED = [Depends(proposals_store)]

router = APIRouter(prefix="/rebalance/proposals", tags=_TAGS)


@router.get(
    "/supportability/config",
    response_model=schemas.ProposalSupportabilityConfigResponse,
    dependencies=[Depends(may_read)],
)
async def read_config(service: Service) -> Response:
    """How proposals are configured; never switched off."""
    toggles, missing = service.toggles, service.missing_store
    config = {
        "store_backend": service.store_backend,
        "backend_ready": missing is None,
        "backend_init_error": missing,
        "lifecycle_enabled": toggles.lifecycle,
        "support_apis_enabled": toggles.support_apis,
        "async_operations_enabled": toggles.async_operations,
        "store_evidence_bundle": toggles.store_evidence_bundle,
        "require_expected_state": toggles.require_expected_state,
        "allow_portfolio_id_change_on_new_version": toggles.allow_portfolio_change,
        "require_proposal_simulation_flag": toggles.require_simulation_flag,
        "four_eyes_required": toggles.four_eyes,
        "override_note_required": toggles.override_note_required,
        "execution_ready_expiry_days": toggles.expiry_days,
    }
    return as_json(config)


@router.get(
    "/idempotency/{idempotency_key}",
    response_model=schemas.ProposalIdempotencyLookupResponse,
    responses=_UNKNOWN,
    dependencies=_STORED,
)
async def read_key(idempotency_key: str, principal: Reader, service: Service, session: Session) -> Response:
    """The proposal that a key of idempotency stands for."""
    require_support(service)
    return as_json(key_view(await store.key_by_name(session, principal.tenant, idempotency_key)))


@router.get(
    "/{proposal_id}/workflow-events",
    response_model=schemas.ProposalWorkflowTimelineResponse,
    responses=_UNKNOWN,
    dependencies=_STORED,
)
async def read_events(proposal_id: str, principal: Reader, service: Service, session: Session) -> Response:
    """Everything that happened to a proposal, oldest first."""
    require_support(service)
    proposal = await store.proposal_by_id(session, principal.tenant, proposal_id)
    return as_json(timeline_view(proposal, await store.events_of(session, proposal)))


@router.get(
    "/{proposal_id}/approvals",
    response_model=schemas.ProposalApprovalsResponse,
    responses=_UNKNOWN,
    dependencies=_STORED,
)
async def read_approvals(proposal_id: str, principal: Reader, service: Service, session: Session) -> Response:
    """Who approved or refused what, oldest first."""
    require_support(service)
    proposal = await store.proposal_by_id(session, principal.tenant, proposal_id)
    return as_json(approvals_view(proposal, await store.approvals_of(session, proposal)))


@router.get(
    "/{proposal_id}/lineage",
    response_model=schemas.ProposalLineageResponse,
    responses=_UNKNOWN,
    dependencies=_STORED,
)
async def read_lineage(proposal_id: str, principal: Reader, service: Service, session: Session) -> Response:
    """The hashes of everything that was proposed, oldest first."""
    require_support(service)
    proposal = await store.proposal_by_id(session, principal.tenant, proposal_id)
    return as_json(lineage_view(proposal, await store.versions_of(session, proposal)))
