"""Where books are kept, and the portfolio snapshots that they may name.

A book is cut into parts when it is submitted, each with its accounts as they were then.  A part that
was worked on has a row of ``dpm_book_parts_done``, one row for each account and one for each group of
results, all written in one transaction: a part is done or it is not, whatever was killed in between.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, Integer, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from steelyard.infra.columns import Base, Compressed, PlainText, UtcDateTime
from steelyard.rebalance.limits import HEADER_CHARACTERS_MAX, NAME_CHARACTERS_MAX

_BOOK = "dpm_books.id"


class DpmBookRow(Base):
    """A book; its status is that of the job with the same id.  ``shared`` is a packed ``SharedInputs``."""

    __tablename__ = "dpm_books"

    id: Mapped[str] = mapped_column(PlainText(100), primary_key=True)
    tenant: Mapped[str] = mapped_column(String(100))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    correlation_id: Mapped[str] = mapped_column(PlainText(HEADER_CHARACTERS_MAX))
    policy_pack_id: Mapped[str | None] = mapped_column(PlainText(NAME_CHARACTERS_MAX))
    request_hash: Mapped[str] = mapped_column(String(80))
    accounts: Mapped[int]
    shared: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)


class DpmBookPartRow(Base):
    """A part: its accounts are a packed list of ``PartAccount``, ``first`` the place of the first in the book."""

    __tablename__ = "dpm_book_parts"

    book_id: Mapped[str] = mapped_column(ForeignKey(_BOOK, ondelete="CASCADE"), primary_key=True)
    part: Mapped[int] = mapped_column(Integer, primary_key=True)
    first: Mapped[int]
    size: Mapped[int]
    accounts: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)


class DpmBookPartDoneRow(Base):
    """A part that was worked on, with how many of its accounts came to what."""

    __tablename__ = "dpm_book_parts_done"

    book_id: Mapped[str] = mapped_column(ForeignKey(_BOOK, ondelete="CASCADE"), primary_key=True)
    part: Mapped[int] = mapped_column(Integer, primary_key=True)
    ready: Mapped[int]
    pending_review: Mapped[int]
    blocked: Mapped[int]
    failed: Mapped[int]


class DpmBookAccountRow(Base):
    """An account that was worked on; ``row`` is its row of the comparison as JSON."""

    __tablename__ = "dpm_book_accounts"
    __table_args__ = (Index("ix_dpm_book_accounts_book_id_portfolio_id", "book_id", "portfolio_id"),)

    book_id: Mapped[str] = mapped_column(ForeignKey(_BOOK, ondelete="CASCADE"), primary_key=True)
    place: Mapped[int] = mapped_column(Integer, primary_key=True)
    portfolio_id: Mapped[str] = mapped_column(PlainText(NAME_CHARACTERS_MAX))
    status: Mapped[str] = mapped_column(String(20))
    row: Mapped[bytes] = mapped_column(LargeBinary)


class DpmBookResultsRow(Base):
    """Results of some accounts that follow each other, the first of them at ``place``."""

    __tablename__ = "dpm_book_results"

    book_id: Mapped[str] = mapped_column(ForeignKey(_BOOK, ondelete="CASCADE"), primary_key=True)
    place: Mapped[int] = mapped_column(Integer, primary_key=True)
    results: Mapped[bytes] = mapped_column(LargeBinary)


class DpmBookPiecesRow(Base):
    """A part's pieces of the blocks, until the blocks are made of them."""

    __tablename__ = "dpm_book_pieces"

    book_id: Mapped[str] = mapped_column(ForeignKey(_BOOK, ondelete="CASCADE"), primary_key=True)
    part: Mapped[int] = mapped_column(Integer, primary_key=True)
    pieces: Mapped[bytes] = mapped_column(LargeBinary)


class DpmBookBlockRow(Base):
    """A block order; numbers are text, digit for digit, ``allocations`` JSON."""

    __tablename__ = "dpm_book_blocks"

    book_id: Mapped[str] = mapped_column(ForeignKey(_BOOK, ondelete="CASCADE"), primary_key=True)
    place: Mapped[int] = mapped_column(Integer, primary_key=True)
    instrument_id: Mapped[str] = mapped_column(PlainText())
    side: Mapped[str] = mapped_column(String(4))
    quantity: Mapped[str] = mapped_column(String)
    notional: Mapped[str] = mapped_column(String)
    currency: Mapped[str] = mapped_column(PlainText())
    account_count: Mapped[int]
    allocations: Mapped[bytes] = mapped_column(Compressed, deferred=True)


class SnapshotRow(Base):
    """A portfolio snapshot under a name of its tenant; ``content`` is its canonical JSON."""

    __tablename__ = "dpm_snapshots"
    __table_args__ = (Index("ix_dpm_snapshots_tenant_portfolio_id", "tenant", "portfolio_id"),)

    tenant: Mapped[str] = mapped_column(String(100), primary_key=True)
    name: Mapped[str] = mapped_column(PlainText(NAME_CHARACTERS_MAX), primary_key=True)
    version: Mapped[int]
    portfolio_id: Mapped[str] = mapped_column(PlainText(NAME_CHARACTERS_MAX))
    content_hash: Mapped[str] = mapped_column(String(80))
    position_count: Mapped[int]
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)
    content: Mapped[bytes] = mapped_column(Compressed, deferred=True)
