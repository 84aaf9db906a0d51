"""A version's document for the client, and its evidence checked, over HTTP; both beyond the contract."""

from __future__ import annotations

import asyncio
from enum import Enum
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query
from pydantic import BaseModel, Field
from starlette.responses import Response

from steelyard.infra.web import Session
from steelyard.proposals import store
from steelyard.proposals.document_files import version_file
from steelyard.proposals.evidence import Verification
from steelyard.proposals.version_evidence import verify_version
from steelyard.proposals.web import Reader, Service, proposals_store, require_lifecycle

_TAGS: list[str | Enum] = ["Advisory Proposal Lifecycle"]
_UNKNOWN: dict[int | str, dict[str, Any]] = {404: {"description": "Unknown, or switched off"}}
_FILES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The document",
        "content": {"text/html": {}, "application/pdf": {"schema": {"type": "string", "format": "binary"}}},
    },
}

router = APIRouter(prefix="/rebalance/proposals", dependencies=[Depends(proposals_store)], tags=_TAGS)

VersionNo = Annotated[int, Path(ge=1)]


class EvidenceCheck(BaseModel):
    """One part of a version's evidence."""

    part: str = Field(description="Which part.", examples=["artifact_hash"])
    promised: str = Field(description="What was stored.", examples=["sha256:0c5e"])
    found: str = Field(description="What was computed.", examples=["sha256:0c5e"])
    holds: bool = Field(description="Whether both agree.", examples=[True])


class EvidenceVerification(BaseModel):
    """What came of checking a version's evidence."""

    holds: bool = Field(description="Whether every part is what it should be.", examples=[True])
    checks: list[EvidenceCheck] = Field(description="Part by part.", examples=[[]])

    @classmethod
    def of(cls, verification: Verification) -> EvidenceVerification:
        """The checks as they are answered."""
        checks = [
            EvidenceCheck(part=one.part, promised=one.promised, found=one.found, holds=one.holds)
            for one in verification.checks
        ]
        return cls(holds=verification.holds, checks=checks)


@router.get(
    "/{proposal_id}/versions/{version_no}/document",
    response_class=Response,
    responses={**_FILES, **_UNKNOWN},
)
async def read_document(
    *,
    proposal_id: str,
    version_no: VersionNo,
    principal: Reader,
    service: Service,
    session: Session,
    file_format: Annotated[
        Literal["html", "pdf"], Query(alias="format", description="Kind of file.", examples=["pdf"])
    ] = "html",
) -> Response:
    """The client's document of a version: self-contained HTML that prints on A4, or PDF."""
    require_lifecycle(service)
    proposal = await store.proposal_by_id(session, principal.tenant, proposal_id)
    return await version_file(await store.version_of(session, proposal, version_no), file_format)


@router.get("/{proposal_id}/versions/{version_no}/verification", responses=_UNKNOWN)
async def read_verification(
    proposal_id: str, version_no: VersionNo, principal: Reader, service: Service, session: Session
) -> EvidenceVerification:
    """Recompute a version's hashes and replay its simulation: which parts hold, and which do not."""
    require_lifecycle(service)
    proposal = await store.proposal_by_id(session, principal.tenant, proposal_id)
    version = await store.version_of(session, proposal, version_no)
    return EvidenceVerification.of(await asyncio.to_thread(verify_version, proposal, version))
