"""Stored proposals over HTTP: create, list, read, add versions, move.

Source: contract dpm, sections 2 and 14.
"""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request
from starlette.responses import Response

from steelyard.infra.web import Session
from steelyard.proposals import lifecycle_schemas as schemas
from steelyard.proposals import store
from steelyard.proposals.draft_wire import quick_draft
from steelyard.proposals.drafts import ProposalDraft, VersionDraft
from steelyard.proposals.replies import answered_once
from steelyard.proposals.views import detail_view, summary_view, version_view
from steelyard.proposals.web import (
    Asker,
    Limit,
    OptionalKey,
    Reader,
    Service,
    Writer,
    proposals,
    proposals_store,
    quick_read,
    require_lifecycle,
)
from steelyard.proposals.workflow import Approval, Transition
from steelyard.rebalance.web import Cursor, IdempotencyKey, QuickRoute, as_answered, as_json, period, tried_first
from steelyard.rebalance.wire import values_of

_TAGS: list[str | Enum] = ["Advisory Proposal Lifecycle"]
_UNKNOWN: dict[int | str, dict[str, Any]] = {404: {"description": "Unknown, or switched off"}}
_CONFLICT: dict[int | str, dict[str, Any]] = {409: {"description": "Not as the caller expects it"}}

router = APIRouter(
    prefix="/rebalance/proposals", route_class=QuickRoute, dependencies=[Depends(proposals_store)], tags=_TAGS
)


async def _create_quickly(request: Request) -> Response | None:
    if (given := await quick_read(request, quick_draft)) is None:
        return None
    service = proposals(request)
    proposals_store(service)
    require_lifecycle(service)
    asked, key, draft = given
    return as_answered((await service.create(asked, draft, key)).body)


@router.post("", response_model=schemas.ProposalCreateResponse, responses={**_UNKNOWN, **_CONFLICT})
@tried_first(_create_quickly)
async def create(
    body: schemas.ProposalCreateRequest, idempotency_key: IdempotencyKey, asked: Asker, service: Service
) -> Response:
    """Create a proposal and its first version.

    The same key with the same body finds the proposal as it stands now; with another body it is refused.
    """
    require_lifecycle(service)
    stored = await service.create(asked, values_of(body, ProposalDraft), idempotency_key)
    return as_answered(stored.body)


@router.get("", response_model=schemas.ProposalListResponse, responses={**_UNKNOWN})
async def list_proposals(
    *,
    principal: Reader,
    service: Service,
    session: Session,
    portfolio_id: Annotated[str | None, Query()] = None,
    state: Annotated[str | None, Query()] = None,
    created_by: Annotated[str | None, Query()] = None,
    created_from: Annotated[datetime | None, Query()] = None,
    created_to: Annotated[datetime | None, Query()] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Response:
    """Proposals, newest first."""
    require_lifecycle(service)
    found, next_cursor = await store.page_of_proposals(
        session,
        principal.tenant,
        period=period(created_from, created_to),
        limit=limit,
        cursor=cursor,
        portfolio_id=portfolio_id,
        current_state=state,
        created_by=created_by,
    )
    return as_json({"items": [summary_view(proposal) for proposal in found], "next_cursor": next_cursor})


@router.get("/{proposal_id}", response_model=schemas.ProposalDetailResponse, responses={**_UNKNOWN})
async def read_proposal(
    *, proposal_id: str, principal: Reader, service: Service, session: Session, include_evidence: bool = True
) -> Response:
    """A proposal with its newest version."""
    require_lifecycle(service)
    proposal = await store.proposal_by_id(session, principal.tenant, proposal_id)
    version = await store.version_of(session, proposal, proposal.current_version_no)
    return as_json(detail_view(proposal, version, include_evidence=include_evidence))


@router.get(
    "/{proposal_id}/versions/{version_no}", response_model=schemas.ProposalVersionDetail, responses={**_UNKNOWN}
)
async def read_version(
    *,
    proposal_id: str,
    version_no: Annotated[int, Path(ge=1)],
    principal: Reader,
    service: Service,
    session: Session,
    include_evidence: bool = True,
) -> Response:
    """A version, which never changes."""
    require_lifecycle(service)
    proposal = await store.proposal_by_id(session, principal.tenant, proposal_id)
    version = await store.version_of(session, proposal, version_no)
    return as_json(version_view(version, include_evidence=include_evidence))


@router.post("/{proposal_id}/versions", response_model=schemas.ProposalCreateResponse, responses={**_UNKNOWN})
async def add_version(
    proposal_id: str, body: schemas.ProposalVersionRequest, asked: Asker, service: Service
) -> Response:
    """Add a version to a proposal that has not ended; its state stays."""
    require_lifecycle(service)
    stored = await service.add_version(asked, proposal_id, values_of(body, VersionDraft))
    return as_answered(stored.body)


@router.post(
    "/{proposal_id}/transitions",
    response_model=schemas.ProposalStateTransitionResponse,
    responses={**_UNKNOWN, **_CONFLICT},
)
async def make_transition(
    *,
    proposal_id: str,
    body: schemas.ProposalStateTransitionRequest,
    principal: Writer,
    service: Service,
    session: Session,
    idempotency_key: OptionalKey = None,
) -> Response:
    """Let an event happen to a proposal that stands where the caller saw it.

    With a key, the same body gives the first answer again.
    """
    require_lifecycle(service)
    wanted = Transition(**dict(body))
    return await answered_once(
        session,
        lambda: service.transition(session, principal, proposal_id, wanted),
        tenant=principal.tenant,
        route="transitions",
        key=idempotency_key,
        request={"proposal_id": proposal_id, "body": body.model_dump()},
    )


@router.post(
    "/{proposal_id}/approvals",
    response_model=schemas.ProposalStateTransitionResponse,
    responses={**_UNKNOWN, **_CONFLICT},
)
async def give_approval(
    *,
    proposal_id: str,
    body: schemas.ProposalApprovalRequest,
    principal: Writer,
    service: Service,
    session: Session,
    idempotency_key: OptionalKey = None,
) -> Response:
    """Approve a proposal or refuse it, as risk, as compliance or for the client.

    With a key, the same body gives the first answer again.
    """
    require_lifecycle(service)
    wanted = Approval(**dict(body))
    return await answered_once(
        session,
        lambda: service.approve(session, principal, proposal_id, wanted),
        tenant=principal.tenant,
        route="approvals",
        key=idempotency_key,
        request={"proposal_id": proposal_id, "body": body.model_dump()},
    )
