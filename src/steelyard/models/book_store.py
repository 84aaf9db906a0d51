"""Every statement that touches the tables of book rebalances."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
from sqlalchemy import func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from steelyard.models.blocks import BlockRows
from steelyard.models.book_chunks import BookResult, ChunkResult
from steelyard.models.book_columns import OrderColumns, from_bytes, to_bytes
from steelyard.models.book_plan import BookPlan, Part
from steelyard.models.book_tables import (
    BookBlockRow,
    BookModelRow,
    BookPartDoneRow,
    BookPartRow,
    BookPortfolioRow,
    BookRow,
)
from steelyard.models.document import Model, Position
from steelyard.models.option_json import options_from_json, options_to_json
from steelyard.models.orders import Side

ROWS_PER_STATEMENT = 1_000
_FASTEST = 1


@dataclass(frozen=True, slots=True)
class Book:
    """A book as it was submitted; ``counts`` are the portfolios of each model."""

    book_id: str
    trade_date: date
    portfolios: int
    created_at: datetime
    models: tuple[Model, ...]
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Counts:
    """How far a book is."""

    parts: int
    rebalanced: int
    failed: int


@dataclass(frozen=True, slots=True)
class StoredResult:
    """What a book came to for one portfolio.

    Attributes:
        error: ``code, message, details``; None for orders.
        positions: JSON-ready, where the part's columns do not have them.
    """

    place: int
    part: int
    portfolio_id: str
    market_value: Decimal | None
    cash_before: Decimal | None
    cash_after: Decimal | None
    trades: int
    error: Mapping[str, Any] | None
    positions: Sequence[Mapping[str, Any]] | None = None


@dataclass(frozen=True, slots=True)
class BlockHead:
    """A block without its allocations."""

    side: Side
    security_id: str
    quantity: int
    portfolios: int


async def save_plan(session: AsyncSession, book_id: str, tenant: str, plan: BookPlan, created_at: datetime) -> None:
    """Keep a book that was submitted."""
    session.add(
        BookRow(
            id=book_id,
            tenant=tenant,
            trade_date=plan.trade_date,
            portfolios=plan.portfolios,
            created_at=created_at,
        )
    )
    await session.flush()
    for place, (model, count) in enumerate(zip(plan.models, plan.counts, strict=True)):
        session.add(_model_row(book_id, place, model, count))
    for part in plan.parts:
        session.add(
            BookPartRow(
                book_id=book_id,
                part=part.number,
                model=part.model,
                first=part.first,
                portfolio_ids=packed(part.portfolio_ids),
                several=dict(part.several),
            )
        )
    await session.flush()


async def find_book(session: AsyncSession, tenant: str, book_id: str) -> Book | None:
    """The book of this tenant, or None."""
    row = await session.scalar(select(BookRow).where(BookRow.id == book_id, BookRow.tenant == tenant))
    if row is None:
        return None
    query = select(BookModelRow).where(BookModelRow.book_id == book_id).order_by(BookModelRow.place)
    models = (await session.scalars(query)).all()
    counts = tuple(model.portfolios for model in models)
    return Book(book_id, row.trade_date, row.portfolios, row.created_at, tuple(map(_model, models)), counts)


async def part_numbers(session: AsyncSession, book_id: str) -> tuple[list[int], set[int]]:
    """The parts of a book, and those that are done."""
    parts = await session.scalars(
        select(BookPartRow.part).where(BookPartRow.book_id == book_id).order_by(BookPartRow.part)
    )
    done = await session.scalars(select(BookPartDoneRow.part).where(BookPartDoneRow.book_id == book_id))
    return list(parts), set(done)


async def read_part(session: AsyncSession, book_id: str, number: int) -> Part:
    """One part of a book."""
    row = (await session.scalars(select(BookPartRow).filter_by(book_id=book_id, part=number))).one()
    return Part(row.part, row.model, row.first, tuple(unpacked(row.portfolio_ids)), row.several)


async def save_part(
    session: AsyncSession,
    book_id: str,
    part: Part,
    prices: Mapping[str, Decimal | None],
    result: ChunkResult,
    columns: bytes,
) -> None:
    """Keep what a part came to; ``prices`` in the order of the columns' securities."""
    failed = sum(one.failure is not None for one in result.results)
    session.add(
        BookPartDoneRow(
            book_id=book_id,
            part=part.number,
            rebalanced=len(result.results) - failed,
            failed=failed,
            prices=packed({one: None if price is None else str(price) for one, price in prices.items()}),
            columns=columns,
        )
    )
    await session.flush()
    rows = [_result_values(book_id, part, row, one) for row, one in enumerate(result.results)]
    for start in range(0, len(rows), ROWS_PER_STATEMENT):
        await session.execute(insert(BookPortfolioRow), rows[start : start + ROWS_PER_STATEMENT])


async def prices_of(session: AsyncSession, book_id: str, numbers: Sequence[int]) -> dict[str, Decimal | None]:
    """The prices that these parts went by."""
    prices: dict[str, Decimal | None] = {}
    for number in numbers:
        query = select(BookPartDoneRow.prices).filter_by(book_id=book_id, part=number)
        prices |= _prices((await session.scalars(query)).one())
    return prices


async def read_columns(
    session: AsyncSession, book_id: str, number: int
) -> tuple[int, dict[str, Decimal | None], OrderColumns]:
    """Place of the first portfolio of a part that is done, the prices of its securities, and its entries."""
    query = (
        select(BookPartRow.first, BookPartDoneRow.prices, BookPartDoneRow.columns)
        .join(
            BookPartRow, (BookPartRow.book_id == BookPartDoneRow.book_id) & (BookPartRow.part == BookPartDoneRow.part)
        )
        .where(BookPartDoneRow.book_id == book_id, BookPartDoneRow.part == number)
    )
    first, prices, columns = (await session.execute(query)).one()
    return first, _prices(prices), OrderColumns.from_bytes(columns)


async def counts_of(session: AsyncSession, book_ids: Sequence[str]) -> dict[str, Counts]:
    """How far each book is."""
    done = BookPartDoneRow
    sums = (func.count(), func.sum(done.rebalanced), func.sum(done.failed))
    query = select(done.book_id, *sums).where(done.book_id.in_(book_ids)).group_by(done.book_id)
    found = {book_id: Counts(*map(int, numbers)) for book_id, *numbers in await session.execute(query)}
    return {book_id: found.get(book_id, Counts(0, 0, 0)) for book_id in book_ids}


async def models_rebalanced(session: AsyncSession, book_id: str) -> list[int]:
    """Places of the models of which a portfolio got orders."""
    query = (
        select(BookPartRow.model)
        .join(
            BookPartDoneRow,
            (BookPartRow.book_id == BookPartDoneRow.book_id) & (BookPartRow.part == BookPartDoneRow.part),
        )
        .where(BookPartRow.book_id == book_id, BookPartDoneRow.rebalanced > 0)
        .distinct()
    )
    return sorted(await session.scalars(query))


async def list_results(
    session: AsyncSession, book_id: str, *, is_failed: bool | None, after: int, limit: int
) -> list[StoredResult]:
    """Portfolios behind place ``after``, in the order of the book, without their positions."""
    row = BookPortfolioRow
    query = select(row).where(row.book_id == book_id, row.place > after).order_by(row.place).limit(limit)
    if is_failed is not None:
        query = query.where(row.error.is_not(None) if is_failed else row.error.is_(None))
    return [_stored(one, with_positions=False) for one in await session.scalars(query)]


async def models_of_parts(session: AsyncSession, book_id: str, numbers: Iterable[int]) -> dict[int, int]:
    """The place of the model of each of these parts."""
    row = BookPartRow
    query = select(row.part, row.model).where(row.book_id == book_id, row.part.in_(sorted(numbers)))
    return {one.part: one.model for one in await session.execute(query)}


async def find_result(session: AsyncSession, book_id: str, portfolio_id: str) -> StoredResult | None:
    """What a book came to for a portfolio; of one that follows several models, the first."""
    row = BookPortfolioRow
    query = select(row).where(row.book_id == book_id, row.portfolio_id == portfolio_id).order_by(row.place).limit(1)
    found = await session.scalar(query)
    return None if found is None else _stored(found, with_positions=True)


async def save_blocks(session: AsyncSession, book_id: str, blocks: Sequence[dict[str, Any]]) -> None:
    """Keep the blocks of a book, as :func:`block_values` made them."""
    for block in blocks:
        await session.execute(insert(BookBlockRow), {"book_id": book_id, **block})


def block_values(place: int, block: BlockRows) -> dict[str, Any]:
    """A block as its row keeps it; ``place`` in the order of the blocks."""
    return {
        "place": place,
        "side": block.side.value,
        "security_id": block.security_id,
        "quantity": block.quantity,
        "portfolios": len(block.portfolios),
        "allocations": to_bytes({"place": block.portfolios.astype(np.int32), "units": block.asked}),
    }


async def list_blocks(session: AsyncSession, book_id: str) -> list[BlockHead]:
    """The blocks of a book: sells first, then by security id."""
    row = BookBlockRow
    columns = (row.side, row.security_id, row.quantity, row.portfolios)
    query = select(*columns).where(row.book_id == book_id).order_by(row.place)
    return [
        BlockHead(Side(one.side), one.security_id, one.quantity, one.portfolios) for one in await session.execute(query)
    ]


async def read_block(session: AsyncSession, book_id: str, side: Side, security_id: str) -> BlockRows | None:
    """A block with its allocations by place in the book, or None."""
    query = select(BookBlockRow).filter_by(book_id=book_id, side=side.value, security_id=security_id)
    row = await session.scalar(query)
    if row is None:
        return None
    columns = from_bytes(row.allocations)
    places: npt.NDArray[np.intp] = columns["place"].astype(np.intp)
    return BlockRows(row.security_id, side, row.quantity, places, columns["units"])


async def all_portfolio_ids(session: AsyncSession, book_id: str) -> list[str]:
    """The ids of all portfolios by place in the book."""
    query = select(BookPartRow.portfolio_ids).where(BookPartRow.book_id == book_id).order_by(BookPartRow.part)
    return [one for data in await session.scalars(query) for one in unpacked(data)]


def packed(value: Any) -> bytes:
    """JSON, compressed."""
    return zlib.compress(orjson.dumps(value), _FASTEST)


def unpacked(data: bytes) -> Any:
    """The inverse of :func:`packed`."""
    return orjson.loads(zlib.decompress(data))


def _prices(data: bytes) -> dict[str, Decimal | None]:
    return {one: None if price is None else Decimal(price) for one, price in unpacked(data).items()}


def _model_row(book_id: str, place: int, model: Model, count: int) -> BookModelRow:
    positions = [
        {
            "securityId": one.security_id,
            "target": str(one.target),
            "highDrift": str(one.high_drift),
            "lowDrift": str(one.low_drift),
        }
        for one in model.positions
    ]
    return BookModelRow(
        book_id=book_id,
        place=place,
        model_id=model.model_id,
        name=model.name,
        version=model.version,
        positions=positions,
        options=options_to_json(model.options),
        portfolios=count,
    )


def _model(row: BookModelRow) -> Model:
    positions = tuple(
        Position(one["securityId"], Decimal(one["target"]), Decimal(one["highDrift"]), Decimal(one["lowDrift"]))
        for one in row.positions
    )
    options = options_from_json(row.options)
    return Model(row.name, positions, model_id=row.model_id, version=row.version, options=options)


def _result_values(book_id: str, part: Part, row: int, result: BookResult) -> dict[str, Any]:
    failure = result.failure
    error = None
    if failure is not None:
        details = {"portfolioId": result.portfolio_id, **failure.details}
        error = orjson.dumps({"code": failure.code, "message": failure.message, "details": details}).decode()
    return {
        "book_id": book_id,
        "place": part.first + row,
        "part": part.number,
        "portfolio_id": result.portfolio_id,
        "market_value": result.market_value,
        "cash_before": result.cash_before,
        "cash_after": result.cash_after,
        "trades": result.trades,
        "positions": None if result.positions is None else packed(result.positions),
        "error": error,
    }


def _stored(row: BookPortfolioRow, *, with_positions: bool) -> StoredResult:
    return StoredResult(
        place=row.place,
        part=row.part,
        portfolio_id=row.portfolio_id,
        market_value=row.market_value,
        cash_before=row.cash_before,
        cash_after=row.cash_after,
        trades=row.trades,
        error=None if row.error is None else orjson.loads(row.error),
        positions=unpacked(row.positions) if with_positions and row.positions is not None else None,
    )
