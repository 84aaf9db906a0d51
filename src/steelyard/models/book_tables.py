"""The tables of book rebalances.

A book is cut into parts when it is submitted, each with the ids of its portfolios.  A part that was
worked on has a row of ``book_parts_done`` and one row of ``book_portfolios`` for each portfolio, all
written in one transaction: a part is done or it is not, whatever was killed in between.  The ten
million entries of a large book are columns of a few megabytes for each part and block.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import JSON, BigInteger, Date, ForeignKey, Index, Integer, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from steelyard.infra.columns import Base, ExactDecimal, UtcDateTime


class BookRow(Base):
    """A book rebalance; its status is that of the job with the same id."""

    __tablename__ = "books"

    id: Mapped[str] = mapped_column(String(100), primary_key=True)
    tenant: Mapped[str] = mapped_column(String(100))
    trade_date: Mapped[date] = mapped_column(Date)
    portfolios: Mapped[int] = mapped_column(Integer)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class BookModelRow(Base):
    """A model as it was when the book was submitted, with the options to go by."""

    __tablename__ = "book_models"

    book_id: Mapped[str] = mapped_column(ForeignKey("books.id", ondelete="CASCADE"), primary_key=True)
    place: Mapped[int] = mapped_column(Integer, primary_key=True)
    model_id: Mapped[str] = mapped_column(String(24))
    name: Mapped[str] = mapped_column(String(255))
    version: Mapped[int] = mapped_column(Integer)
    positions: Mapped[list[dict[str, str]]] = mapped_column(JSON)
    options: Mapped[dict[str, Any]] = mapped_column(JSON)
    portfolios: Mapped[int] = mapped_column(Integer)


class BookPartRow(Base):
    """A part: ``portfolio_ids`` is a compressed JSON list, ``first`` the place of its first portfolio in the book.

    ``several`` has the models of those portfolios that follow several models of the book.
    """

    __tablename__ = "book_parts"

    book_id: Mapped[str] = mapped_column(ForeignKey("books.id", ondelete="CASCADE"), primary_key=True)
    part: Mapped[int] = mapped_column(Integer, primary_key=True)
    model: Mapped[int] = mapped_column(Integer)
    first: Mapped[int] = mapped_column(Integer)
    portfolio_ids: Mapped[bytes] = mapped_column(LargeBinary)
    several: Mapped[dict[str, list[str]]] = mapped_column(JSON)


class BookPartDoneRow(Base):
    """What a part came to; ``prices`` is a compressed JSON object of all securities in the order of the columns."""

    __tablename__ = "book_parts_done"

    book_id: Mapped[str] = mapped_column(ForeignKey("books.id", ondelete="CASCADE"), primary_key=True)
    part: Mapped[int] = mapped_column(Integer, primary_key=True)
    rebalanced: Mapped[int] = mapped_column(Integer)
    failed: Mapped[int] = mapped_column(Integer)
    prices: Mapped[bytes] = mapped_column(LargeBinary)
    columns: Mapped[bytes] = mapped_column(LargeBinary)


class BookPortfolioRow(Base):
    """What a book came to for one portfolio.

    ``positions`` is compressed JSON where the part's columns do not have them; ``error`` is JSON, null for orders.
    """

    __tablename__ = "book_portfolios"
    __table_args__ = (Index("ix_book_portfolios_book_id_portfolio_id", "book_id", "portfolio_id"),)

    book_id: Mapped[str] = mapped_column(ForeignKey("books.id", ondelete="CASCADE"), primary_key=True)
    place: Mapped[int] = mapped_column(Integer, primary_key=True)
    part: Mapped[int] = mapped_column(Integer)
    portfolio_id: Mapped[str] = mapped_column(String(64))
    market_value: Mapped[Decimal | None] = mapped_column(ExactDecimal)
    cash_before: Mapped[Decimal | None] = mapped_column(ExactDecimal)
    cash_after: Mapped[Decimal | None] = mapped_column(ExactDecimal)
    trades: Mapped[int] = mapped_column(Integer)
    positions: Mapped[bytes | None] = mapped_column(LargeBinary)
    error: Mapped[str | None] = mapped_column(Text)


class BookBlockRow(Base):
    """A block order; ``allocations`` are compressed columns ``place, units``."""

    __tablename__ = "book_blocks"

    book_id: Mapped[str] = mapped_column(ForeignKey("books.id", ondelete="CASCADE"), primary_key=True)
    place: Mapped[int] = mapped_column(Integer, primary_key=True)
    side: Mapped[str] = mapped_column(String(4))
    security_id: Mapped[str] = mapped_column(Text)
    quantity: Mapped[int] = mapped_column(BigInteger)
    portfolios: Mapped[int] = mapped_column(Integer)
    allocations: Mapped[bytes] = mapped_column(LargeBinary)
