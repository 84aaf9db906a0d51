"""Use cases of books: submit one, see how far it is, read what it came to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from steelyard.core.errors import ConflictError, NotFoundError
from steelyard.core.ids import new_id
from steelyard.infra.audit import record as note
from steelyard.infra.database import Database
from steelyard.infra.jobs import Job, Jobs, JobStatus
from steelyard.infra.principal import Principal
from steelyard.rebalance import book_store as store
from steelyard.rebalance.book_blocks import BlockOrder, Side
from steelyard.rebalance.book_job import DPM_BOOK
from steelyard.rebalance.book_plan import (
    PART_ACCOUNTS_MAX,
    PlannedAccount,
    book_hash,
    parts_of,
    plan_accounts,
    shared_inputs,
)
from steelyard.rebalance.book_wire import GivenBook, read_book
from steelyard.rebalance.policy_packs import PolicyPack
from steelyard.rebalance.snapshots import find_heads, read_contents


@dataclass(frozen=True, slots=True)
class BookStatus:
    """A book, its job, and how many of its accounts came to what so far."""

    book: store.Book
    job: Job
    counts: dict[str, int]


@dataclass(frozen=True, slots=True)
class Submission:
    """A book ready to be stored.

    Attributes:
        shared: a packed ``SharedInputs``.
    """

    given: GivenBook
    shared: bytes
    request_hash: str
    correlation_id: str
    policy_pack_id: str | None


def read_submission(body: bytes, pack: PolicyPack | None, correlation_id: str) -> Submission:
    """The book that ``body`` asks for, under a policy pack; a large one takes seconds.

    Raises:
        MalformedBodyError: with the faults found.
    """
    given = read_book(body)
    pack_id = None if pack is None else pack.policy_pack_id
    shared = shared_inputs(given, pack, correlation_id)
    return Submission(given, shared, book_hash(given, pack_id), correlation_id, pack_id)


async def submit_book(session: AsyncSession, jobs: Jobs, by: Principal, submission: Submission) -> BookStatus:
    """Queue a book in the transaction of ``session``, with a copy of every stored snapshot that it names.

    Raises:
        MalformedBodyError: a portfolio is in the book twice.
        UnavailableError: too many jobs wait.
    """
    portfolios = submission.given.portfolios
    names = dict.fromkeys(one.snapshot_name for one in portfolios if one.snapshot_name is not None)
    accounts = plan_accounts(submission.given, await find_heads(session, by.tenant, list(names)))
    book_id = new_id("dpmbook")
    parameters = {"portfolios": len(accounts)}
    job = await jobs.submit(session, DPM_BOOK, parameters, tenant=by.tenant, created_by=by.subject, job_id=book_id)
    book = store.Book(
        book_id,
        job.created_at,
        submission.correlation_id,
        submission.policy_pack_id,
        submission.request_hash,
        len(accounts),
    )
    await store.save_book(session, by.tenant, book, submission.shared)
    await _save_parts(session, by.tenant, book_id, accounts)
    note(session, by, "dpm_book.submit", book_id, parameters)
    return BookStatus(book, job, (await store.counts_of(session, [book_id]))[book_id])


async def get_book(session: AsyncSession, jobs: Jobs, tenant: str, book_id: str) -> BookStatus:
    """A book and how far it is.

    Raises:
        NotFoundError: there is none; another tenant's is none.
    """
    book = await store.find_book(session, tenant, book_id)
    if book is None:
        raise NotFoundError(f"there is no book {book_id[:100]!r}", code="DPM_BOOK_NOT_FOUND")
    job = await jobs.get(session, book_id, tenant=tenant)
    return BookStatus(book, job, (await store.counts_of(session, [book_id]))[book_id])


async def list_books(
    session: AsyncSession, jobs: Jobs, tenant: str, *, limit: int, cursor: str | None, status: JobStatus | None
) -> tuple[list[BookStatus], str | None]:
    """Books, newest first, and where the next page begins."""
    page = await jobs.list(session, tenant=tenant, limit=limit, cursor=cursor, status=status, kind=DPM_BOOK)
    counts = await store.counts_of(session, [job.id for job in page.jobs])
    found = []
    for job in page.jobs:
        book = await store.find_book(session, tenant, job.id)
        if book is not None:
            found.append(BookStatus(book, job, counts[job.id]))
    return found, page.next_cursor


async def cancel_book(session: AsyncSession, jobs: Jobs, by: Principal, book_id: str) -> BookStatus:
    """Stop a book; the accounts that are done keep their results, and there will be no blocks.

    Raises:
        NotFoundError: there is none.
    """
    await get_book(session, jobs, by.tenant, book_id)
    await jobs.cancel(session, book_id, tenant=by.tenant)
    note(session, by, "dpm_book.cancel", book_id)
    return await get_book(session, jobs, by.tenant, book_id)


async def resume_book(session: AsyncSession, jobs: Jobs, by: Principal, book_id: str) -> BookStatus:
    """Go on with a failed or cancelled book behind what is done.

    Raises:
        NotFoundError: there is none.
        ConflictError: it waits, runs or is completed.
    """
    await get_book(session, jobs, by.tenant, book_id)
    await jobs.resume(session, book_id, tenant=by.tenant)
    note(session, by, "dpm_book.resume", book_id)
    return await get_book(session, jobs, by.tenant, book_id)


async def get_result(session: AsyncSession, book_id: str, portfolio_id: str) -> bytes:
    """The bytes of an account's result.

    Raises:
        NotFoundError: it is not in the book, or not worked on yet.
        ConflictError: it failed; the reason is the code of its error.
    """
    found = await store.find_account(session, book_id, portfolio_id)
    if found is None:
        message = f"the book {book_id} has no result for the portfolio {portfolio_id[:100]!r}"
        raise NotFoundError(message, code="DPM_BOOK_ACCOUNT_NOT_FOUND")
    account, result = found
    if (error := account.read_row().error) is not None:
        raise ConflictError(error.message, code="DPM_BOOK_ACCOUNT_FAILED", details={"reason": error.code})
    return result


async def require_blocks(session: AsyncSession, status: BookStatus) -> list[BlockOrder]:
    """The blocks of a completed book, without their allocations.

    Raises:
        ConflictError: it is not completed: a block without some accounts would be another order.
    """
    if status.job.status is not JobStatus.COMPLETED:
        book_id = status.book.book_id
        message = f"the book {book_id} is {status.job.status}; its blocks are made when every account is done"
        raise ConflictError(message, code="DPM_BOOK_NOT_COMPLETED")
    return await store.list_blocks(session, status.book.book_id)


async def get_block(session: AsyncSession, book_id: str, side: Side, instrument_id: str) -> BlockOrder:
    """One block with its allocations.

    Raises:
        NotFoundError: no account trades this instrument on this side.
    """
    block = await store.find_block(session, book_id, side, instrument_id)
    if block is None:
        message = f"the book {book_id} has no block {side} {instrument_id[:100]!r}"
        raise NotFoundError(message, code="DPM_BOOK_BLOCK_NOT_FOUND")
    return block


async def each_block(database: Database, book_id: str, heads: list[BlockOrder]) -> AsyncIterator[BlockOrder]:
    """The blocks with their allocations, one at a time: all of them would not fit a small server."""
    for head in heads:
        async with database.reading() as session:
            yield await get_block(session, book_id, head.side, head.instrument_id)


async def _save_parts(session: AsyncSession, tenant: str, book_id: str, accounts: list[PlannedAccount]) -> None:
    """Cut the accounts into parts, with the stored snapshots of a few at a time in memory."""
    number = first = 0
    for start in range(0, len(accounts), PART_ACCOUNTS_MAX):
        some = accounts[start : start + PART_ACCOUNTS_MAX]
        named = [one.given.snapshot_name for one in some if one.error is None and one.given.snapshot_name is not None]
        for part in parts_of(some, await read_contents(session, tenant, named)):
            await store.save_accounts(session, book_id, store.Part(number, first, len(part)), part)
            number, first = number + 1, first + len(part)
