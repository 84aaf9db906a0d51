"""Whole books over HTTP: submit many portfolios as one job, read accounts, comparison and block orders."""

from __future__ import annotations

from collections.abc import AsyncIterator
from enum import Enum, StrEnum
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Header, Path, Query, Request
from fastapi.exceptions import RequestValidationError
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse

from steelyard.core.errors import InvalidInputError
from steelyard.infra.database import Database
from steelyard.infra.idempotency import Answer, answer_once
from steelyard.infra.jobs import Jobs, JobStatus
from steelyard.infra.web import Session
from steelyard.rebalance import book_answer_schemas as answers
from steelyard.rebalance import book_schemas, book_store, book_views
from steelyard.rebalance import book_service as service
from steelyard.rebalance.book_blocks import BlockOrder, Side
from steelyard.rebalance.catalogue import Selectors
from steelyard.rebalance.limits import HEADER_CHARACTERS_MAX, NAME_CHARACTERS_MAX
from steelyard.rebalance.policy_packs import PolicyPack
from steelyard.rebalance.result_schemas import RebalanceResult
from steelyard.rebalance.service import Asked
from steelyard.rebalance.web import (
    CorrelationId,
    Limit,
    PolicyPackId,
    QuickRoute,
    Reader,
    TenantId,
    Writer,
    as_answered,
    as_json,
    drawn_correlation_id,
    quick_asked,
    rebalancing,
    runs_store,
    tried_first,
)
from steelyard.rebalance.wire import MalformedBodyError

PATH = "/rebalance/book"
"""Where books are sent, which are larger than other bodies."""

COMPARISON_PAGE = 1_000
"""Rows that a comparison is written in at once as CSV."""

_TAGS: list[str | Enum] = ["Whole Books"]
_NOT_FOUND: dict[int | str, dict[str, Any]] = {404: {"description": "No such book"}}

router = APIRouter(prefix=PATH, tags=_TAGS, route_class=QuickRoute, dependencies=[Depends(runs_store)])


class AccountStatus(StrEnum):
    """What an account came to."""

    READY = "READY"
    PENDING_REVIEW = "PENDING_REVIEW"
    BLOCKED = "BLOCKED"
    FAILED = "FAILED"


class Format(StrEnum):
    """JSON, or a file for spreadsheets."""

    JSON = "json"
    CSV = "csv"


def book_jobs(request: Request) -> Jobs:
    """The jobs of this server."""
    jobs: Jobs = request.app.state.jobs
    return jobs


UseJobs = Annotated[Jobs, Depends(book_jobs)]
BookId = Annotated[str, Path(max_length=100)]
Cursor = Annotated[str | None, Query(max_length=300)]
OptionalKey = Annotated[str | None, Header(alias="Idempotency-Key", max_length=HEADER_CHARACTERS_MAX)]
Search = Annotated[str | None, Query(max_length=NAME_CHARACTERS_MAX, description="A part of the portfolio's id")]


async def _submit_quickly(request: Request) -> Response | None:
    key = request.headers.get("idempotency-key")
    asked = await quick_asked(request)
    if asked is None or (key is not None and len(key) > HEADER_CHARACTERS_MAX):
        return None
    return await _submitted(request, asked, key)


@router.post(
    "",
    status_code=202,
    response_model=answers.BookView,
    responses={409: {"description": "The key came before with another book"}},
)
@tried_first(_submit_quickly)
async def submit(
    *,
    request: Request,
    body: book_schemas.BookRequest,  # noqa: ARG001 - it was read for its faults; the quick way has its own
    principal: Writer,
    idempotency_key: OptionalKey = None,
    x_correlation_id: CorrelationId = None,
    x_policy_pack_id: PolicyPackId = None,
    x_tenant_id: TenantId = None,
) -> Response:
    """Queue a rebalance of many portfolios against shared prices, rates, shelf and models; `status_url` tells of it.

    The same key with the same book gives the first answer again; with another one it is refused.
    """
    asked = Asked(principal, x_correlation_id or None, Selectors(x_policy_pack_id, None, x_tenant_id))
    return await _submitted(request, asked, idempotency_key)


@router.get("", response_model=answers.BookListView)
async def list_books(
    *,
    principal: Reader,
    jobs: UseJobs,
    session: Session,
    limit: Limit = 50,
    cursor: Cursor = None,
    status: JobStatus | None = None,
) -> Response:
    """The tenant's books, newest first."""
    found, following = await service.list_books(
        session, jobs, principal.tenant, limit=limit, cursor=cursor, status=status
    )
    return as_json({"items": [book_views.book_view(one) for one in found], "next_cursor": following})


@router.get("/{book_id}", response_model=answers.BookView, responses=_NOT_FOUND)
async def read_one(book_id: BookId, principal: Reader, jobs: UseJobs, session: Session) -> Response:
    """A book and how far it is."""
    return as_json(book_views.book_view(await service.get_book(session, jobs, principal.tenant, book_id)))


@router.delete("/{book_id}", response_model=answers.BookView, responses=_NOT_FOUND)
async def cancel(book_id: BookId, principal: Writer, jobs: UseJobs, session: Session) -> Response:
    """Cancel: at once if it waits, within a second if it runs; what is done stays, and no blocks are made."""
    return as_json(book_views.book_view(await service.cancel_book(session, jobs, principal, book_id)))


@router.post("/{book_id}/resume", response_model=answers.BookView, responses=_NOT_FOUND)
async def resume(book_id: BookId, principal: Writer, jobs: UseJobs, session: Session) -> Response:
    """Go on with a failed or cancelled book behind what is done."""
    return as_json(book_views.book_view(await service.resume_book(session, jobs, principal, book_id)))


@router.get("/{book_id}/accounts", response_model=answers.BookAccountsView, responses=_NOT_FOUND)
async def list_accounts(
    *,
    book_id: BookId,
    principal: Reader,
    jobs: UseJobs,
    session: Session,
    status: AccountStatus | None = None,
    search: Search = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """The accounts that are done, in the order of the book: what each came to, and why."""
    await service.get_book(session, jobs, principal.tenant, book_id)
    found, following = await _page(session, book_id, status=status, search=search, cursor=cursor, limit=limit)
    return as_json({"items": [book_views.account_item(one) for one in found], "next_cursor": following})


@router.get(
    "/{book_id}/accounts/{portfolio_id:path}",
    response_model=RebalanceResult,
    responses={**_NOT_FOUND, 409: {"description": "The account failed"}},
)
async def read_account(
    book_id: BookId, portfolio_id: str, principal: Reader, jobs: UseJobs, session: Session
) -> Response:
    """The whole result of an account, byte for byte what a simulation of it alone answers."""
    await service.get_book(session, jobs, principal.tenant, book_id)
    return as_answered(await service.get_result(session, book_id, portfolio_id))


@router.get("/{book_id}/comparison", response_model=answers.BookComparisonView, responses=_NOT_FOUND)
async def compare(
    *,
    request: Request,
    book_id: BookId,
    principal: Reader,
    jobs: UseJobs,
    session: Session,
    status: AccountStatus | None = None,
    search: Search = None,
    kind: Annotated[Format, Query(alias="format", description="`csv` has all rows")] = Format.JSON,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """The accounts that are done, side by side: trades, turnover, cash before and after, what failed and why."""
    book = await service.get_book(session, jobs, principal.tenant, book_id)
    if kind is Format.CSV:
        return comparison_file(request.app.state.database, book_id, status, search)
    found, following = await _page(session, book_id, status=status, search=search, cursor=cursor, limit=limit)
    rows = [book_views.comparison_row(one) for one in found]
    return as_json({"status_counts": book.counts, "items": rows, "next_cursor": following})


@router.get(
    "/{book_id}/blocks",
    response_model=answers.BlocksView,
    responses={**_NOT_FOUND, 409: {"description": "The book is not completed"}},
)
async def list_blocks(
    *,
    request: Request,
    book_id: BookId,
    principal: Reader,
    jobs: UseJobs,
    session: Session,
    kind: Annotated[Format, Query(alias="format", description="`csv` has every allocation")] = Format.JSON,
) -> Response:
    """Block orders of a completed book: what its READY accounts trade, by instrument and side, and net."""
    status = await service.get_book(session, jobs, principal.tenant, book_id)
    blocks = await service.require_blocks(session, status)
    if kind is Format.CSV:
        return blocks_file(request.app.state.database, book_id, blocks)
    return as_json(book_views.blocks_view(book_id, blocks))


@router.get(
    "/{book_id}/blocks/{side}/{instrument_id:path}",
    response_model=answers.AllocatedBlockView,
    responses={**_NOT_FOUND, 409: {"description": "The book is not completed"}},
)
async def read_block(
    *, book_id: BookId, side: Side, instrument_id: str, principal: Reader, jobs: UseJobs, session: Session
) -> Response:
    """One block with what each account has of it."""
    status = await service.get_book(session, jobs, principal.tenant, book_id)
    await service.require_blocks(session, status)
    block = await service.get_block(session, book_id, side, instrument_id)
    return as_json(await run_in_threadpool(book_views.allocated_view, block))


def comparison_file(
    database: Database, book_id: str, status: AccountStatus | None = None, search: str | None = None
) -> Response:
    """The accounts of a book, or those of a search, as CSV."""
    return _file(_comparison_csv(database, book_id, status, search), f"{book_id}-comparison.csv")


def blocks_file(database: Database, book_id: str, blocks: list[BlockOrder]) -> Response:
    """These blocks of a book with their allocations as CSV."""
    return _file(_blocks_csv(database, book_id, blocks), f"{book_id}-blocks.csv")


async def _submitted(request: Request, asked: Asked, key: str | None) -> Response:
    use_cases = rebalancing(request)
    runs_store(use_cases)
    correlation_id = asked.correlation_id or drawn_correlation_id(request)
    pack = await use_cases.pack_for(asked)
    submission = await run_in_threadpool(_read, await request.body(), pack, correlation_id)
    answer = await _accept(request, asked, submission, key)
    headers = {"Idempotent-Replayed": "true"} if answer.replayed else {}
    return Response(answer.body, status_code=answer.status, media_type="application/json", headers=headers)


def _read(body: bytes, pack: PolicyPack | None, correlation_id: str) -> service.Submission:
    try:
        return service.read_submission(body, pack, correlation_id)
    except MalformedBodyError as refused:
        raise RequestValidationError(refused.errors) from None


async def _accept(request: Request, asked: Asked, submission: service.Submission, key: str | None) -> Answer:
    database: Database = request.app.state.database
    async with database.transaction() as session:

        async def effect() -> Answer:
            try:
                status = await service.submit_book(session, request.app.state.jobs, asked.principal, submission)
            except MalformedBodyError as refused:
                raise RequestValidationError(refused.errors) from None
            return Answer(202, msgspec.json.encode(book_views.book_view(status)))

        if key is None:
            return await effect()
        tenant, hashed = asked.principal.tenant, submission.request_hash
        return await answer_once(session, tenant=tenant, route=f"POST {PATH}", key=key, request=hashed, effect=effect)


async def _page(
    session: AsyncSession,
    book_id: str,
    *,
    status: AccountStatus | None,
    search: str | None,
    cursor: str | None,
    limit: int,
) -> tuple[list[book_store.StoredAccount], str | None]:
    found = await book_store.list_accounts(
        session, book_id, status=status, search=search, after=_after(cursor), limit=limit + 1
    )
    return found[:limit], str(found[limit - 1].place) if len(found) > limit else None


def _after(cursor: str | None) -> int:
    if cursor is None:
        return -1
    if not (cursor.isascii() and cursor.isdecimal()) or len(cursor) > 9:
        message = f"`cursor` was {cursor[:100]!r}; give the `next_cursor` of the page before"
        raise InvalidInputError(message, code="INVALID_CURSOR")
    return int(cursor)


def _file(lines: AsyncIterator[str], name: str) -> StreamingResponse:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(lines, media_type="text/csv; charset=utf-8", headers=headers)


async def _blocks_csv(database: Database, book_id: str, blocks: list[BlockOrder]) -> AsyncIterator[str]:
    yield book_views.blocks_header()
    async for block in service.each_block(database, book_id, blocks):
        yield await run_in_threadpool(book_views.block_lines, block)


async def _comparison_csv(
    database: Database, book_id: str, status: AccountStatus | None, search: str | None
) -> AsyncIterator[str]:
    yield book_views.comparison_header()
    after = -1
    while True:
        async with database.reading() as session:
            found = await book_store.list_accounts(
                session, book_id, status=status, search=search, after=after, limit=COMPARISON_PAGE
            )
        if not found:
            return
        yield await run_in_threadpool(book_views.comparison_lines, found)
        after = found[-1].place
