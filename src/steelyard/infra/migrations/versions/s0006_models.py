"""Model portfolios, the records of their rebalances, and the built-in holdings and prices."""

import sqlalchemy as sa
from alembic import op

from steelyard.infra.columns import ExactDecimal, UtcDateTime

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Make the tables."""
    _make_models()
    _make_rebalances()
    _make_holdings()


def _make_models() -> None:
    op.create_table(
        "models",
        sa.Column("id", sa.String(24), nullable=False),
        sa.Column("tenant", sa.String(100), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("options", sa.JSON, nullable=False),
        sa.Column("last_rebalance_date", UtcDateTime()),
        sa.Column("version", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_models"),
        sa.UniqueConstraint("tenant", "name", name="uq_models_tenant"),
    )
    op.create_table(
        "model_positions",
        sa.Column("model_id", sa.String(24), nullable=False),
        sa.Column("security_id", sa.String(24), nullable=False),
        sa.Column("place", sa.Integer, nullable=False),
        sa.Column("target", ExactDecimal(), nullable=False),
        sa.Column("high_drift", ExactDecimal(), nullable=False),
        sa.Column("low_drift", ExactDecimal(), nullable=False),
        sa.PrimaryKeyConstraint("model_id", "security_id", name="pk_model_positions"),
        sa.ForeignKeyConstraint(
            ["model_id"], ["models.id"], name="fk_model_positions_model_id_models", ondelete="CASCADE"
        ),
    )
    op.create_table(
        "model_portfolios",
        sa.Column("model_id", sa.String(24), nullable=False),
        sa.Column("portfolio_id", sa.String(64), nullable=False),
        sa.Column("place", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("model_id", "portfolio_id", name="pk_model_portfolios"),
        sa.ForeignKeyConstraint(
            ["model_id"], ["models.id"], name="fk_model_portfolios_model_id_models", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_model_portfolios_portfolio_id", "model_portfolios", ["portfolio_id"])


def _make_rebalances() -> None:
    op.create_table(
        "rebalances",
        sa.Column("id", sa.String(24), nullable=False),
        sa.Column("tenant", sa.String(100), nullable=False),
        sa.Column("model_id", sa.String(24), nullable=False),
        sa.Column("model_name", sa.String(255), nullable=False),
        sa.Column("rebalance_date", UtcDateTime(), nullable=False),
        sa.Column("trade_date", sa.Date, nullable=False),
        sa.Column("number_of_portfolios", sa.Integer, nullable=False),
        sa.Column("options", sa.JSON, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("route", sa.String(200)),
        sa.Column("idempotency_key", sa.String(200)),
        sa.Column("request_hash", sa.String(80)),
        sa.PrimaryKeyConstraint("id", name="pk_rebalances"),
        sa.UniqueConstraint("tenant", "route", "idempotency_key", name="uq_rebalances_tenant"),
    )
    op.create_index("ix_rebalances_tenant_id", "rebalances", ["tenant", "id"])
    op.create_table(
        "rebalance_portfolios",
        sa.Column("rebalance_id", sa.String(24), nullable=False),
        sa.Column("place", sa.Integer, nullable=False),
        sa.Column("portfolio_id", sa.String(64), nullable=False),
        sa.Column("portfolio_name", sa.String(255)),
        sa.Column("market_value", ExactDecimal()),
        sa.Column("cash_before", ExactDecimal()),
        sa.Column("cash_after", ExactDecimal()),
        sa.Column("positions", sa.Text, nullable=False),
        sa.Column("error", sa.Text),
        sa.PrimaryKeyConstraint("rebalance_id", "place", name="pk_rebalance_portfolios"),
        sa.ForeignKeyConstraint(
            ["rebalance_id"],
            ["rebalances.id"],
            name="fk_rebalance_portfolios_rebalance_id_rebalances",
            ondelete="CASCADE",
        ),
    )
    op.create_index("ix_rebalance_portfolios_portfolio_id", "rebalance_portfolios", ["portfolio_id"])


def _make_holdings() -> None:
    op.create_table(
        "accounts",
        sa.Column("tenant", sa.String(100), nullable=False),
        sa.Column("portfolio_id", sa.String(64), nullable=False),
        sa.Column("name", sa.String(255)),
        sa.Column("cash", ExactDecimal(), nullable=False),
        sa.Column("holdings", sa.Text, nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "portfolio_id", name="pk_accounts"),
    )
    op.create_table(
        "securities",
        sa.Column("tenant", sa.String(100), nullable=False),
        sa.Column("security_id", sa.String(24), nullable=False),
        sa.Column("ticker", sa.String(64), nullable=False),
        sa.Column("price", ExactDecimal()),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "security_id", name="pk_securities"),
    )
