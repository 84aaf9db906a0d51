"""The files of a proposal's version behind its page: who is logged in may take them away."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from steelyard.dashboard.proposal_parts import stored
from steelyard.dashboard.visit import arrive, to_login
from steelyard.infra.web import Session
from steelyard.proposals import store
from steelyard.proposals.document_files import FileFormat, version_file
from steelyard.proposals.web import READ

router = APIRouter(include_in_schema=False)


@router.get("/proposals/{proposal_id}/versions/{version_no}/files/{kind}")
async def take_away(
    request: Request, session: Session, proposal_id: str, version_no: int, kind: FileFormat
) -> Response:
    """The client's document as HTML, which opens, or as PDF, and the artifact as JSON, which are saved.

    Raises:
        NotFoundError: no such proposal, or no such version.
        DataIntegrityError: what is stored cannot be read.
    """
    visit = await arrive(request, scope=READ)
    if visit is None:
        return to_login(request)
    stored(visit)
    proposal = await store.proposal_by_id(session, visit.principal.tenant, proposal_id)
    return await version_file(await store.version_of(session, proposal, version_no), kind, as_download=kind != "html")
