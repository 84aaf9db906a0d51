"""Every statement that touches the tables of books."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec
from sqlalchemy import delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from steelyard.rebalance.book_blocks import BlockOrder, Side
from steelyard.rebalance.book_parts import PartAccount, PartResult, packed, ungrouped
from steelyard.rebalance.book_rows import STATUSES, AccountRow
from steelyard.rebalance.book_tables import (
    DpmBookAccountRow,
    DpmBookBlockRow,
    DpmBookPartDoneRow,
    DpmBookPartRow,
    DpmBookPiecesRow,
    DpmBookResultsRow,
    DpmBookRow,
)
from steelyard.rebalance.values import Money


@dataclass(frozen=True, slots=True)
class Book:
    """A book as it was submitted."""

    book_id: str
    created_at: datetime
    correlation_id: str
    policy_pack_id: str | None
    request_hash: str
    accounts: int


@dataclass(frozen=True, slots=True)
class Part:
    """Which accounts a part has: ``size`` of them from place ``first`` on."""

    number: int
    first: int
    size: int


@dataclass(frozen=True, slots=True)
class StoredAccount:
    """An account that was worked on; ``row`` is JSON."""

    place: int
    portfolio_id: str
    status: str
    row: bytes

    def read_row(self) -> AccountRow:
        """Its row of the comparison."""
        return msgspec.json.decode(self.row, type=AccountRow)


async def save_book(session: AsyncSession, tenant: str, book: Book, shared: bytes) -> None:
    """Keep a book that was submitted."""
    session.add(
        DpmBookRow(
            id=book.book_id,
            tenant=tenant,
            created_at=book.created_at,
            correlation_id=book.correlation_id,
            policy_pack_id=book.policy_pack_id,
            request_hash=book.request_hash,
            accounts=book.accounts,
            shared=shared,
        )
    )
    await session.flush()


async def save_accounts(session: AsyncSession, book_id: str, part: Part, accounts: Sequence[PartAccount]) -> None:
    """Keep the accounts of a part."""
    values = {"part": part.number, "first": part.first, "size": part.size, "accounts": packed(accounts)}
    await session.execute(insert(DpmBookPartRow), {"book_id": book_id, **values})


async def find_book(session: AsyncSession, tenant: str, book_id: str) -> Book | None:
    """The book of this tenant, or None."""
    row = await session.scalar(select(DpmBookRow).where(DpmBookRow.id == book_id, DpmBookRow.tenant == tenant))
    if row is None:
        return None
    return Book(row.id, row.created_at, row.correlation_id, row.policy_pack_id, row.request_hash, row.accounts)


async def read_shared(session: AsyncSession, book_id: str) -> bytes:
    """What the accounts share, packed."""
    return (await session.scalars(select(DpmBookRow.shared).where(DpmBookRow.id == book_id))).one()


async def parts_to_do(session: AsyncSession, book_id: str) -> list[Part]:
    """The parts that were not worked on yet, in order."""
    row = DpmBookPartRow
    done = select(DpmBookPartDoneRow.part).where(DpmBookPartDoneRow.book_id == book_id)
    query = (
        select(row.part, row.first, row.size).where(row.book_id == book_id, row.part.not_in(done)).order_by(row.part)
    )
    return [Part(*found) for found in await session.execute(query)]


async def read_accounts(session: AsyncSession, book_id: str, number: int) -> bytes:
    """The accounts of a part, packed."""
    query = select(DpmBookPartRow.accounts).filter_by(book_id=book_id, part=number)
    return (await session.scalars(query)).one()


async def save_part(session: AsyncSession, book_id: str, part: Part, result: PartResult) -> None:
    """Keep what a part came to."""
    counts = Counter(row.status for row in result.rows)
    numbers = {status.lower(): counts[status] for status in STATUSES}
    of_part = {"book_id": book_id, "part": part.number}
    await session.execute(insert(DpmBookPartDoneRow), {**of_part, **numbers})
    rows = [
        {"book_id": book_id, "place": place, "portfolio_id": one.portfolio_id, "status": one.status, "row": one.row}
        for place, one in enumerate(result.rows, part.first)
    ]
    await session.execute(insert(DpmBookAccountRow), rows)
    groups = [{"book_id": book_id, "place": part.first + first, "results": data} for first, data in result.groups]
    await session.execute(insert(DpmBookResultsRow), groups)
    await session.execute(insert(DpmBookPiecesRow), {**of_part, "pieces": result.pieces})


async def counts_of(session: AsyncSession, book_ids: Sequence[str]) -> dict[str, dict[str, int]]:
    """How many accounts of each book came to what so far, by status."""
    done = DpmBookPartDoneRow
    sums = [func.sum(getattr(done, status.lower())) for status in STATUSES]
    query = select(done.book_id, *sums).where(done.book_id.in_(book_ids)).group_by(done.book_id)
    found = {book_id: list(map(int, numbers)) for book_id, *numbers in await session.execute(query)}
    nothing = [0] * len(STATUSES)
    return {one: dict(zip(STATUSES, found.get(one, nothing), strict=True)) for one in book_ids}


async def list_accounts(
    session: AsyncSession, book_id: str, *, status: str | None, search: str | None, after: int, limit: int
) -> list[StoredAccount]:
    """Accounts behind place ``after`` in the order of the book; ``search`` is a part of their ids."""
    row = DpmBookAccountRow
    query = select(row).where(row.book_id == book_id, row.place > after).order_by(row.place).limit(limit)
    if status is not None:
        query = query.where(row.status == status)
    if search:
        query = query.where(row.portfolio_id.contains(search, autoescape=True))
    return [StoredAccount(one.place, one.portfolio_id, one.status, one.row) for one in await session.scalars(query)]


async def find_account(session: AsyncSession, book_id: str, portfolio_id: str) -> tuple[StoredAccount, bytes] | None:
    """An account and its result, which is empty if it failed; None if it is not there, or not worked on yet."""
    query = select(DpmBookAccountRow).filter_by(book_id=book_id, portfolio_id=portfolio_id)
    one = await session.scalar(query.order_by(DpmBookAccountRow.place).limit(1))
    if one is None:
        return None
    row = DpmBookResultsRow
    before = select(row).where(row.book_id == book_id, row.place <= one.place).order_by(row.place.desc()).limit(1)
    group = (await session.scalars(before)).one()
    result = ungrouped(group.results)[one.place - group.place]
    return StoredAccount(one.place, one.portfolio_id, one.status, one.row), result


async def parts_with_pieces(session: AsyncSession, book_id: str) -> list[int]:
    """The parts whose pieces wait to be put together, in order."""
    row = DpmBookPiecesRow
    return list(await session.scalars(select(row.part).where(row.book_id == book_id).order_by(row.part)))


async def read_pieces(session: AsyncSession, book_id: str, number: int) -> bytes:
    """The pieces of the blocks that a part made."""
    return (await session.scalars(select(DpmBookPiecesRow.pieces).filter_by(book_id=book_id, part=number))).one()


async def save_blocks(session: AsyncSession, book_id: str, blocks: Sequence[dict[str, Any]]) -> None:
    """Keep the blocks of a book, as :func:`block_values` made them, instead of their pieces."""
    for block in blocks:
        await session.execute(insert(DpmBookBlockRow), {"book_id": book_id, **block})
    await session.execute(delete(DpmBookPiecesRow).where(DpmBookPiecesRow.book_id == book_id))


def block_values(place: int, block: BlockOrder) -> dict[str, Any]:
    """A block as its row keeps it; ``place`` in the order of the blocks."""
    return {
        "place": place,
        "instrument_id": block.instrument_id,
        "side": block.side,
        "quantity": str(block.quantity),
        "notional": str(block.notional.amount),
        "currency": block.notional.currency,
        "account_count": block.account_count,
        "allocations": block.allocations,
    }


async def purge_books(session: AsyncSession, before: datetime, *, at_most: int) -> int:
    """Remove books made before ``before`` with all that they came to, the oldest first; how many."""
    oldest = select(DpmBookRow.id).where(DpmBookRow.created_at < before).order_by(DpmBookRow.created_at).limit(at_most)
    ids = list(await session.scalars(oldest))
    if ids:
        await session.execute(delete(DpmBookRow).where(DpmBookRow.id.in_(ids)))
    return len(ids)


async def list_blocks(session: AsyncSession, book_id: str) -> list[BlockOrder]:
    """The blocks of a book without their allocations: by instrument, purchases first."""
    query = select(DpmBookBlockRow).where(DpmBookBlockRow.book_id == book_id).order_by(DpmBookBlockRow.place)
    return [_block(row) for row in await session.scalars(query)]


async def find_block(session: AsyncSession, book_id: str, side: Side, instrument_id: str) -> BlockOrder | None:
    """A block with its allocations, or None."""
    row = DpmBookBlockRow
    query = select(row, row.allocations).filter_by(book_id=book_id, side=side, instrument_id=instrument_id)
    found = (await session.execute(query.order_by(row.place).limit(1))).first()
    return None if found is None else _block(*found)


def _block(row: DpmBookBlockRow, allocations: bytes = b"") -> BlockOrder:
    side: Side = "BUY" if row.side == "BUY" else "SELL"
    notional = Money(Decimal(row.notional), row.currency)
    return BlockOrder(row.instrument_id, side, Decimal(row.quantity), notional, row.account_count, allocations)
