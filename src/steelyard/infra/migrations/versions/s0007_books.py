"""Book rebalances: their models and parts, what each portfolio came to, and the block orders."""

import sqlalchemy as sa
from alembic import op

from steelyard.infra.columns import ExactDecimal, UtcDateTime

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "books",
        sa.Column("id", sa.String(100), nullable=False),
        sa.Column("tenant", sa.String(100), nullable=False),
        sa.Column("trade_date", sa.Date, nullable=False),
        sa.Column("portfolios", sa.Integer, nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_books"),
    )
    _make_part_of_book(
        "book_models",
        "place",
        sa.Column("model_id", sa.String(24), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("positions", sa.JSON, nullable=False),
        sa.Column("options", sa.JSON, nullable=False),
        sa.Column("portfolios", sa.Integer, nullable=False),
    )
    _make_part_of_book(
        "book_parts",
        "part",
        sa.Column("model", sa.Integer, nullable=False),
        sa.Column("first", sa.Integer, nullable=False),
        sa.Column("portfolio_ids", sa.LargeBinary, nullable=False),
        sa.Column("several", sa.JSON, nullable=False),
    )
    _make_part_of_book(
        "book_parts_done",
        "part",
        sa.Column("rebalanced", sa.Integer, nullable=False),
        sa.Column("failed", sa.Integer, nullable=False),
        sa.Column("prices", sa.LargeBinary, nullable=False),
        sa.Column("columns", sa.LargeBinary, nullable=False),
    )
    _make_part_of_book(
        "book_portfolios",
        "place",
        sa.Column("part", sa.Integer, nullable=False),
        sa.Column("portfolio_id", sa.String(64), nullable=False),
        sa.Column("market_value", ExactDecimal()),
        sa.Column("cash_before", ExactDecimal()),
        sa.Column("cash_after", ExactDecimal()),
        sa.Column("trades", sa.Integer, nullable=False),
        sa.Column("positions", sa.LargeBinary),
        sa.Column("error", sa.Text),
    )
    op.create_index("ix_book_portfolios_book_id_portfolio_id", "book_portfolios", ["book_id", "portfolio_id"])
    _make_part_of_book(
        "book_blocks",
        "place",
        sa.Column("side", sa.String(4), nullable=False),
        sa.Column("security_id", sa.Text, nullable=False),
        sa.Column("quantity", sa.BigInteger, nullable=False),
        sa.Column("portfolios", sa.Integer, nullable=False),
        sa.Column("allocations", sa.LargeBinary, nullable=False),
    )


def _make_part_of_book(name: str, number: str, *columns: sa.Column[object]) -> None:
    """A table whose rows are numbered within a book and go with it."""
    op.create_table(
        name,
        sa.Column("book_id", sa.String(100), nullable=False),
        sa.Column(number, sa.Integer, nullable=False),
        *columns,
        sa.PrimaryKeyConstraint("book_id", number, name=f"pk_{name}"),
        sa.ForeignKeyConstraint(["book_id"], ["books.id"], name=f"fk_{name}_book_id_books", ondelete="CASCADE"),
    )
