"""Routes behind the pages that are no pages: the forms that open and end a session, and downloads."""

from __future__ import annotations

from io import BytesIO
from typing import Annotated, Literal
from urllib.parse import quote

from fastapi import APIRouter, Form, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from steelyard.core.errors import UnauthenticatedError
from steelyard.dashboard.visit import arrive, own_path, to_login
from steelyard.infra.audit import record
from steelyard.infra.auth import Authenticator
from steelyard.infra.sessions import COOKIE, close_session, open_session
from steelyard.infra.settings import Settings
from steelyard.infra.web import Session, set_session_cookie
from steelyard.models import book_service
from steelyard.models.book_endpoints import BlockFormat, blocks_file
from steelyard.research import service, store, views

router = APIRouter(include_in_schema=False)

_MEDIA_TYPES = {"csv": "text/csv; charset=utf-8", "parquet": "application/vnd.apache.parquet", "html": "text/html"}


@router.post("/login")
async def log_in(
    request: Request,
    session: Session,
    api_key: Annotated[str, Form(max_length=256)] = "",
    target: Annotated[str, Form(alias="next", max_length=2000)] = "/",
) -> Response:
    """Open a session for an API key and go where the visitor was heading."""
    authenticator: Authenticator = request.app.state.authenticator
    settings: Settings = request.app.state.settings
    try:
        principal = await authenticator.by_key(api_key.strip())
    except UnauthenticatedError:
        return RedirectResponse(f"/login?refused=1&next={quote(own_path(target), safe='')}", status_code=303)
    session_id = await open_session(session, principal, lifetime_hours=settings.session_lifetime_hours)
    record(session, principal, "session.open", principal.subject)
    response = RedirectResponse(own_path(target), status_code=303)
    set_session_cookie(response, session_id, settings)
    return response


@router.post("/logout")
async def log_out(request: Request, session: Session) -> Response:
    """End the session of the cookie."""
    if session_id := request.cookies.get(COOKIE):
        await close_session(session, session_id)
    response = RedirectResponse("/login", status_code=303)
    response.delete_cookie(COOKIE)
    return response


@router.get("/sweeps/{run_id}/export/{kind}")
async def export(
    request: Request,
    session: Session,
    run_id: str,
    kind: Literal["csv", "parquet", "html"],
    ticker: Annotated[str, Query(max_length=32)],
) -> Response:
    """A ticker of a sweep to take away: its table as CSV or Parquet, or the report.

    Raises:
        NotFoundError: no such sweep, or no such ticker in it.
        DataIntegrityError: for the report, if the prices have changed since.
    """
    visit = await arrive(request)
    if visit is None:
        return to_login(request)
    run = await service.find_run(session, visit.principal.tenant, run_id)
    (found,) = await service.require_ticker(session, run, ticker)
    if kind == "html":
        content = await run_in_threadpool(views.report, run, found, data_dir=visit.settings.data_dir)
    else:
        rows = await store.results(session, run.id, ticker=ticker, limit=run.combinations)
        content = await run_in_threadpool(_encoded, rows, kind)
    name = quote(f"{run.id}_{ticker}.{kind}", safe="")
    headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{name}"}
    return Response(content, media_type=_MEDIA_TYPES[kind], headers=headers)


@router.get("/books/{book_id}/blocks/{kind}")
async def blocks(request: Request, session: Session, book_id: str, kind: Literal["csv", "fix"]) -> Response:
    """The block orders of a book to take away, with every allocation.

    Raises:
        NotFoundError: no such book.
        ConflictError: it is not completed.
    """
    visit = await arrive(request, scope="models:read")
    if visit is None:
        return to_login(request)
    status = await book_service.get_book(session, visit.jobs, visit.principal.tenant, book_id)
    heads = await book_service.require_blocks(session, status)
    return blocks_file(visit.database, status.book.book_id, heads, BlockFormat(kind))


def _encoded(rows: list[dict[str, object]], kind: str) -> bytes:
    frame = service.results_frame(rows)
    buffer = BytesIO()
    if kind == "csv":
        frame.to_csv(buffer, index=False)
    else:
        frame.to_parquet(buffer, index=False)
    return buffer.getvalue()
