"""Use cases of books: submit one, see how far it is, read what it came to."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from sqlalchemy.ext.asyncio import AsyncSession

from steelyard.core.errors import ConflictError, NotFoundError
from steelyard.core.ids import new_id
from steelyard.infra.audit import record as note
from steelyard.infra.database import Database
from steelyard.infra.jobs import Job, Jobs, JobStatus
from steelyard.infra.principal import Principal
from steelyard.models import book_store as store
from steelyard.models.block_export import blocks_to_fix
from steelyard.models.blocks import Block
from steelyard.models.book_job import BOOK
from steelyard.models.book_plan import BookPlan, plan_book
from steelyard.models.book_records import read_rebalance
from steelyard.models.composition import ModelParts
from steelyard.models.document import Model
from steelyard.models.options import RebalanceOptions
from steelyard.models.orders import Side
from steelyard.models.rebalancing import trade_date
from steelyard.models.service import get_model
from steelyard.models.stores import PortfolioResult
from steelyard.models.views import position_views


@dataclass(frozen=True, slots=True)
class BookStatus:
    """A book, its job, and how far it is."""

    book: store.Book
    job: Job
    counts: store.Counts


async def plan_of(
    parts: ModelParts,
    tenant: str,
    model_ids: Sequence[str] | None,
    day: date | None,
    options: Callable[[Model], RebalanceOptions],
) -> BookPlan:
    """The plan of a book of these models, or of all; ``day`` is today in the trading calendar if left out.

    Raises:
        NotFoundError: there is no such model.
        InvalidInputError: options that contradict a model.
        TooLargeError: too many portfolios.
    """
    if model_ids is None:
        models = await parts.store.list_models(tenant)
    else:
        models = [await get_model(parts.store, tenant, model_id) for model_id in dict.fromkeys(model_ids)]
    chosen = []
    for model in models:
        one = replace(model, options=options(model))
        if one.options is not None:
            one.options.check_against(one)
        chosen.append(one)
    return plan_book(chosen, day or await trade_date(parts.trade_calendar))


async def submit_book(session: AsyncSession, jobs: Jobs, by: Principal, plan: BookPlan) -> Job:
    """Queue a planned book in the transaction of ``session``."""
    book_id = new_id("book")
    parameters = {"models": len(plan.models), "portfolios": plan.portfolios}
    job = await jobs.submit(session, BOOK, parameters, tenant=by.tenant, created_by=by.subject, job_id=book_id)
    await store.save_plan(session, book_id, by.tenant, plan, job.created_at)
    note(session, by, "book.submit", book_id, parameters)
    return job


async def get_book(session: AsyncSession, jobs: Jobs, tenant: str, book_id: str) -> BookStatus:
    """A book and how far it is.

    Raises:
        NotFoundError: there is none; another tenant's is none.
    """
    book = await store.find_book(session, tenant, book_id)
    if book is None:
        msg = f"there is no rebalance batch `{book_id[:100]}`"
        raise NotFoundError(msg, code="BATCH_NOT_FOUND", details={"batchId": book_id[:100]})
    job = await jobs.get(session, book_id, tenant=tenant)
    return BookStatus(book, job, (await store.counts_of(session, [book_id]))[book_id])


async def list_books(
    session: AsyncSession, jobs: Jobs, tenant: str, *, limit: int, cursor: str | None, status: JobStatus | None
) -> tuple[list[BookStatus], str | None]:
    """Books, newest first, and where the next page begins."""
    page = await jobs.list(session, tenant=tenant, limit=limit, cursor=cursor, status=status, kind=BOOK)
    counts = await store.counts_of(session, [job.id for job in page.jobs])
    found = []
    for job in page.jobs:
        book = await store.find_book(session, tenant, job.id)
        if book is not None:
            found.append(BookStatus(book, job, counts[job.id]))
    return found, page.next_cursor


async def cancel_book(session: AsyncSession, jobs: Jobs, by: Principal, book_id: str) -> BookStatus:
    """Stop a book; the portfolios that are done keep their results, and there will be no blocks.

    Raises:
        NotFoundError: there is none.
    """
    await get_book(session, jobs, by.tenant, book_id)
    await jobs.cancel(session, book_id, tenant=by.tenant)
    note(session, by, "book.cancel", book_id)
    return await get_book(session, jobs, by.tenant, book_id)


async def resume_book(session: AsyncSession, jobs: Jobs, by: Principal, book_id: str) -> BookStatus:
    """Go on with a failed or cancelled book behind what is done.

    Raises:
        NotFoundError: there is none.
        ConflictError: it waits, runs or is completed.
    """
    await get_book(session, jobs, by.tenant, book_id)
    await jobs.resume(session, book_id, tenant=by.tenant)
    note(session, by, "book.resume", book_id)
    return await get_book(session, jobs, by.tenant, book_id)


async def portfolio_of_book(session: AsyncSession, book: store.Book, portfolio_id: str) -> PortfolioResult:
    """What a book came to for one portfolio, as the rebalance of it alone would have been stored.

    Raises:
        NotFoundError: it is not in the book, or not worked on yet.
    """
    found = await store.find_result(session, book.book_id, portfolio_id)
    if found is None:
        details = {"batchId": book.book_id, "portfolioId": portfolio_id[:64]}
        msg = f"batch {book.book_id} has no result for portfolio {portfolio_id[:64]}"
        raise NotFoundError(msg, code="PORTFOLIO_NOT_IN_BATCH", details=details)
    positions = tuple(found.positions or ())
    if found.error is None and found.positions is None:
        part = await store.read_part(session, book.book_id, found.part)
        first, prices, columns = await store.read_columns(session, book.book_id, found.part)
        entries = columns.of(found.place - first)
        positions = position_views(read_rebalance(book.models[part.model], book.trade_date, found, prices, entries))
    return PortfolioResult(
        portfolio_id=found.portfolio_id,
        place=found.place,
        market_value=found.market_value,
        cash_before=found.cash_before,
        cash_after=found.cash_after,
        positions=positions,
        error=found.error,
    )


async def require_blocks(session: AsyncSession, status: BookStatus) -> list[store.BlockHead]:
    """The blocks of a completed book.

    Raises:
        ConflictError: it is not completed: a block without some portfolios would be another order.
    """
    if status.job.status is not JobStatus.COMPLETED:
        book_id = status.book.book_id
        msg = f"batch {book_id} is {status.job.status}; its blocks are made when every portfolio is done"
        raise ConflictError(msg, code="BATCH_NOT_COMPLETED", details={"batchId": book_id})
    return await store.list_blocks(session, status.book.book_id)


async def each_block(database: Database, book_id: str, heads: Sequence[store.BlockHead]) -> AsyncIterator[Block]:
    """The blocks with their allocations, one at a time: all of them would not fit a small server."""
    async with database.reading() as session:
        ids = await store.all_portfolio_ids(session, book_id)
    for head in heads:
        async with database.reading() as session:
            rows = await store.read_block(session, book_id, head.side, head.security_id)
        if rows is not None:
            yield rows.block(ids)


async def get_block(session: AsyncSession, book_id: str, side: Side, security_id: str) -> Block:
    """One block with its allocations.

    Raises:
        NotFoundError: nobody trades this security on this side.
    """
    rows = await store.read_block(session, book_id, side, security_id)
    if rows is None:
        msg = f"batch {book_id} has no block {side} {security_id[:64]}"
        raise NotFoundError(msg, code="BLOCK_NOT_FOUND", details={"batchId": book_id})
    return rows.block(await store.all_portfolio_ids(session, book_id))


def fix_message(block: Block, book_id: str, sender: str, target: str, *, sent_at: datetime, sequence: int) -> str:
    """A block as a FIX message on a line of its own; the order's id is the same however often it is exported."""
    messages = blocks_to_fix(
        [block],
        sender=sender,
        target=target,
        sent_at=sent_at,
        order_id=lambda one: f"{book_id}-{one.side}-{one.security_id}",
        first_sequence=sequence,
    )
    return "".join(f"{message}\n" for message in messages)
