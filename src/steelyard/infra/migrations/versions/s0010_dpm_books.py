"""Books of DPM rebalances: shared inputs, parts, accounts, results, block orders; stored portfolio snapshots."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from steelyard.infra.columns import UtcDateTime

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "dpm_books",
        sa.Column("id", sa.String(100), nullable=False),
        sa.Column("tenant", sa.String(100), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("correlation_id", sa.String(200), nullable=False),
        sa.Column("policy_pack_id", sa.String(200)),
        sa.Column("request_hash", sa.String(80), nullable=False),
        sa.Column("accounts", sa.Integer, nullable=False),
        sa.Column("shared", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_dpm_books"),
    )
    _make_parts()
    _make_results()
    op.create_table(
        "dpm_snapshots",
        sa.Column("tenant", sa.String(100), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("portfolio_id", sa.String(200), nullable=False),
        sa.Column("content_hash", sa.String(80), nullable=False),
        sa.Column("position_count", sa.Integer, nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "name", name="pk_dpm_snapshots"),
    )
    op.create_index("ix_dpm_snapshots_tenant_portfolio_id", "dpm_snapshots", ["tenant", "portfolio_id"])


def _make_parts() -> None:
    _make_of_book(
        "dpm_book_parts",
        "part",
        sa.Column("first", sa.Integer, nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("accounts", sa.LargeBinary, nullable=False),
    )
    statuses = ("ready", "pending_review", "blocked", "failed")
    counts = [sa.Column(status, sa.Integer, nullable=False) for status in statuses]
    _make_of_book("dpm_book_parts_done", "part", *counts)
    _make_of_book("dpm_book_pieces", "part", sa.Column("pieces", sa.LargeBinary, nullable=False))


def _make_results() -> None:
    _make_of_book(
        "dpm_book_accounts",
        "place",
        sa.Column("portfolio_id", sa.String(200), nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("row", sa.LargeBinary, nullable=False),
    )
    op.create_index("ix_dpm_book_accounts_book_id_portfolio_id", "dpm_book_accounts", ["book_id", "portfolio_id"])
    _make_of_book("dpm_book_results", "place", sa.Column("results", sa.LargeBinary, nullable=False))
    _make_of_book(
        "dpm_book_blocks",
        "place",
        sa.Column("instrument_id", sa.String, nullable=False),
        sa.Column("side", sa.String(4), nullable=False),
        sa.Column("quantity", sa.String, nullable=False),
        sa.Column("notional", sa.String, nullable=False),
        sa.Column("currency", sa.String, nullable=False),
        sa.Column("account_count", sa.Integer, nullable=False),
        sa.Column("allocations", sa.LargeBinary, nullable=False),
    )


def _make_of_book(name: str, number: str, *columns: sa.Column[Any]) -> None:
    """A table whose rows are numbered within a book and go with it."""
    op.create_table(
        name,
        sa.Column("book_id", sa.String(100), nullable=False),
        sa.Column(number, sa.Integer, nullable=False),
        *columns,
        sa.PrimaryKeyConstraint("book_id", number, name=f"pk_{name}"),
        sa.ForeignKeyConstraint(["book_id"], ["dpm_books.id"], name=f"fk_{name}_book_id_dpm_books", ondelete="CASCADE"),
    )
