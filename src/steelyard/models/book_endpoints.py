"""Books over HTTP: rebalance every portfolio of many models as one job, read the results and the blocks."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from enum import StrEnum
from typing import Annotated

import orjson
from fastapi import APIRouter, Depends, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse

from steelyard.core import clock
from steelyard.core.errors import InvalidInputError
from steelyard.infra.database import Database
from steelyard.infra.idempotency import Answer, answer_once
from steelyard.infra.jobs import Jobs, JobStatus
from steelyard.infra.web import Session
from steelyard.models import book_service as service
from steelyard.models import book_store as store
from steelyard.models.block_export import block_lines, csv_header
from steelyard.models.blocks import Block, allocate_fill
from steelyard.models.book_schemas import (
    BatchListView,
    BatchPortfoliosView,
    BatchPost,
    BatchView,
    BlockView,
    BlockWithAllocationsView,
    allocations_view,
    batch_view,
    block_view,
    portfolio_view,
)
from steelyard.models.endpoints import Reader, Writer, json_response
from steelyard.models.exact_json import ExactRoute
from steelyard.models.orders import Side
from steelyard.models.rebalance_endpoints import IdempotencyKey, Limit, Parts
from steelyard.models.stores import RebalanceRecord
from steelyard.models.views import RebalanceView, RecordPortfolioView, rebalance_view, record_portfolio_view

BATCHES_PAGE_MAX = 100
_ROUTE = "POST /api/v1/rebalance-batches"


class ResultStatus(StrEnum):
    """What became of a portfolio of a batch."""

    REBALANCED = "REBALANCED"
    FAILED = "FAILED"


class BlockFormat(StrEnum):
    """Blocks as a list, or as a file with every allocation."""

    JSON = "json"
    CSV = "csv"
    FIX = "fix"


def book_jobs(request: Request) -> Jobs:
    """The jobs of this server."""
    jobs: Jobs = request.app.state.jobs
    return jobs


UseJobs = Annotated[Jobs, Depends(book_jobs)]
CompanyId = Annotated[str, Query(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
Cursor = Annotated[str | None, Query(max_length=300)]

router = APIRouter(prefix="/api/v1/rebalance-batches", tags=["rebalance batches"], route_class=ExactRoute)


@router.post("", status_code=202, response_model=BatchView)
async def submit(
    *,
    body: BatchPost,
    principal: Writer,
    parts: Parts,
    jobs: UseJobs,
    session: Session,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Queue a rebalance of every portfolio of these models; progress is at `statusUrl` and, pushed, at `streamUrl`."""

    async def effect() -> Answer:
        ids = None if body.all else body.model_ids
        plan = await service.plan_of(parts, principal.tenant, ids, body.trade_date, body.options_of)
        job = await service.submit_book(session, jobs, principal, plan)
        status = await service.get_book(session, jobs, principal.tenant, job.id)
        return Answer(202, orjson.dumps(batch_view(status)))

    if idempotency_key is None:
        answer = await effect()
    else:
        answer = await answer_once(
            session,
            tenant=principal.tenant,
            route=_ROUTE,
            key=idempotency_key,
            request=body.model_dump(mode="json", exclude_unset=True),
            effect=effect,
        )
    headers = {"Idempotent-Replayed": "true"} if answer.replayed else None
    return Response(answer.body, status_code=answer.status, media_type="application/json", headers=headers)


@router.get("", response_model=BatchListView)
async def list_batches(
    *,
    principal: Reader,
    jobs: UseJobs,
    session: Session,
    limit: Annotated[int, Query(ge=1, le=BATCHES_PAGE_MAX)] = 20,
    cursor: Cursor = None,
    status: JobStatus | None = None,
) -> Response:
    """The tenant's batches, newest first; `nextCursor` goes on where the page ends."""
    found, following = await service.list_books(
        session, jobs, principal.tenant, limit=limit, cursor=cursor, status=status
    )
    return json_response({"batches": [batch_view(one) for one in found], "nextCursor": following})


@router.get("/{batch_id}", response_model=BatchView)
async def read_batch(batch_id: str, principal: Reader, jobs: UseJobs, session: Session) -> Response:
    """One batch and how far it is."""
    return json_response(batch_view(await service.get_book(session, jobs, principal.tenant, batch_id)))


@router.delete("/{batch_id}", response_model=BatchView)
async def cancel_batch(batch_id: str, principal: Writer, jobs: UseJobs, session: Session) -> Response:
    """Cancel: at once if it waits, within a second if it runs; what is done stays, and no blocks are made."""
    return json_response(batch_view(await service.cancel_book(session, jobs, principal, batch_id)))


@router.post("/{batch_id}/resume", response_model=BatchView)
async def resume_batch(batch_id: str, principal: Writer, jobs: UseJobs, session: Session) -> Response:
    """Go on with a failed or cancelled batch behind what is done."""
    return json_response(batch_view(await service.resume_book(session, jobs, principal, batch_id)))


@router.get("/{batch_id}/portfolios", response_model=BatchPortfoliosView)
async def portfolios_of_batch(
    *,
    batch_id: str,
    principal: Reader,
    jobs: UseJobs,
    session: Session,
    status: ResultStatus | None = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Response:
    """The portfolios that are done, in the order of the models: amounts, or why there are no orders."""
    book = (await service.get_book(session, jobs, principal.tenant, batch_id)).book
    is_failed = None if status is None else status is ResultStatus.FAILED
    found = await store.list_results(session, book.book_id, is_failed=is_failed, after=_after(cursor), limit=limit)
    models = await store.models_of_parts(session, book.book_id, {one.part for one in found})
    following = str(found[-1].place) if len(found) == limit else None
    listed = [portfolio_view(book.models[models[one.part]], one) for one in found]
    return json_response({"portfolios": listed, "nextCursor": following})


@router.get("/{batch_id}/portfolio/{portfolio_id:path}/positions", response_model=RecordPortfolioView)
async def positions_of_portfolio(
    batch_id: str, portfolio_id: str, principal: Reader, jobs: UseJobs, session: Session
) -> Response:
    """A portfolio of a batch as a stored rebalance shows it."""
    book = (await service.get_book(session, jobs, principal.tenant, batch_id)).book
    return json_response(record_portfolio_view(await service.portfolio_of_book(session, book, portfolio_id)))


@router.get("/{batch_id}/portfolio/{portfolio_id:path}", response_model=RebalanceView)
async def read_portfolio(
    batch_id: str, portfolio_id: str, principal: Reader, jobs: UseJobs, session: Session
) -> Response:
    """Orders and drifts of one portfolio of a batch, or why there are none."""
    book = (await service.get_book(session, jobs, principal.tenant, batch_id)).book
    result = await service.portfolio_of_book(session, book, portfolio_id)
    record = RebalanceRecord(book.book_id, "", "", book.created_at, book.trade_date, book.portfolios)
    return json_response(rebalance_view(record, result))


@router.get("/{batch_id}/blocks", response_model=list[BlockView])
async def blocks_of_batch(
    *,
    batch_id: str,
    request: Request,
    principal: Reader,
    jobs: UseJobs,
    session: Session,
    kind: Annotated[BlockFormat, Query(alias="format")] = BlockFormat.JSON,
    sender: CompanyId = "STEELYARD",
    target: CompanyId = "BROKER",
) -> Response:
    """Block orders of a completed batch: sells first, then by security; `csv` and `fix` have every allocation."""
    status = await service.get_book(session, jobs, principal.tenant, batch_id)
    heads = await service.require_blocks(session, status)
    if kind is BlockFormat.JSON:
        return json_response([block_view(head) for head in heads])
    return blocks_file(request.app.state.database, status.book.book_id, heads, kind, sender=sender, target=target)


@router.get("/{batch_id}/blocks/{side}/{security_id:path}", response_model=BlockWithAllocationsView)
async def read_block(
    *,
    batch_id: str,
    side: Side,
    security_id: str,
    principal: Reader,
    jobs: UseJobs,
    session: Session,
    filled: Annotated[int | None, Query(ge=0, description="Units that were filled; all of them if left out")] = None,
) -> Response:
    """One block with what each portfolio gets of it, pro rata where it was filled in part."""
    status = await service.get_book(session, jobs, principal.tenant, batch_id)
    await service.require_blocks(session, status)
    block = await service.get_block(session, status.book.book_id, side, security_id)
    units = block.quantity if filled is None else filled
    shares = await run_in_threadpool(allocate_fill, block, units)
    listed = [{"portfolioId": one.portfolio_id, "quantity": one.quantity} for one in shares]
    return json_response(allocations_view(block, listed, units))


def blocks_file(
    database: Database,
    book_id: str,
    heads: Sequence[store.BlockHead],
    kind: BlockFormat,
    *,
    sender: str = "STEELYARD",
    target: str = "BROKER",
) -> StreamingResponse:
    """The blocks with every allocation as a file to take away, CSV or FIX, block by block."""
    blocks = service.each_block(database, book_id, heads)
    name = f'attachment; filename="{book_id}.{kind}"'
    if kind is BlockFormat.CSV:
        media_type, text = "text/csv; charset=utf-8", _csv(blocks)
    else:
        media_type, text = "text/plain; charset=utf-8", _fix(blocks, book_id, sender, target)
    return StreamingResponse(text, media_type=media_type, headers={"Content-Disposition": name})


async def _csv(blocks: AsyncIterator[Block]) -> AsyncIterator[str]:
    yield csv_header()
    async for block in blocks:
        yield await run_in_threadpool(block_lines, block)


async def _fix(blocks: AsyncIterator[Block], book_id: str, sender: str, target: str) -> AsyncIterator[str]:
    sent_at, sequence = clock.now(), 0
    async for block in blocks:
        sequence += 1
        yield await run_in_threadpool(
            service.fix_message, block, book_id, sender, target, sent_at=sent_at, sequence=sequence
        )


def _after(cursor: str | None) -> int:
    if cursor is None:
        return -1
    if not cursor.isdecimal() or len(cursor) > 9:
        msg = f"`cursor` was {cursor[:100]!r}; give the `nextCursor` of the page before"
        raise InvalidInputError(msg, code="INVALID_CURSOR")
    return int(cursor)
