"""Finished sweeps: runs, what each ticker came to, and the figures of each combination."""

import sqlalchemy as sa
from alembic import op

from steelyard.infra.columns import UtcDateTime

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "sweep_runs",
        sa.Column("id", sa.String(100), nullable=False),
        sa.Column("tenant", sa.String(100), nullable=False),
        sa.Column("job_id", sa.String(100), nullable=False),
        sa.Column("ticker", sa.String(2000), nullable=False),
        sa.Column("strategy_type", sa.String(8), nullable=False),
        sa.Column("parameters", sa.JSON, nullable=False),
        sa.Column("combinations", sa.Integer, nullable=False),
        sa.Column("execution_time_seconds", sa.Double, nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_sweep_runs"),
        sa.UniqueConstraint("job_id", name="uq_sweep_runs_job_id"),
    )
    op.create_index("ix_sweep_runs_tenant_created_at_id", "sweep_runs", ["tenant", "created_at", "id"])
    op.create_table(
        "sweep_tickers",
        sa.Column("run_id", sa.String(100), nullable=False),
        sa.Column("ticker", sa.String(32), nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("summary", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("run_id", "ticker", name="pk_sweep_tickers"),
        sa.ForeignKeyConstraint(
            ["run_id"], ["sweep_runs.id"], name="fk_sweep_tickers_run_id_sweep_runs", ondelete="CASCADE"
        ),
    )
    figures = (
        "sharpe_ratio", "sortino_ratio", "calmar_ratio", "annualized_return", "win_rate_pct", "profit_factor",
        "expectancy_pct", "exposure_pct", "buy_and_hold_return_pct", "trades_per_month",
    )  # fmt: skip
    op.create_table(
        "sweep_results",
        sa.Column("run_id", sa.String(100), nullable=False),
        sa.Column("ticker", sa.String(32), nullable=False),
        sa.Column("rank", sa.Integer, nullable=False),
        sa.Column("strategy_type", sa.String(8), nullable=False),
        sa.Column("fast_period", sa.Integer, nullable=False),
        sa.Column("slow_period", sa.Integer),
        sa.Column("signal_period", sa.Integer),
        sa.Column("score", sa.Double, nullable=False),
        sa.Column("total_return_pct", sa.Double, nullable=False),
        sa.Column("max_drawdown_pct", sa.Double, nullable=False),
        *(sa.Column(name, sa.Double) for name in figures),
        sa.Column("profit_factor_infinite", sa.Boolean, nullable=False),
        sa.Column("total_trades", sa.Integer, nullable=False),
        sa.Column("closed_trades", sa.Integer, nullable=False),
        sa.Column("avg_trade_duration", sa.String(32)),
        sa.Column("below_min_trades", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("run_id", "ticker", "rank", name="pk_sweep_results"),
        sa.ForeignKeyConstraint(
            ["run_id"], ["sweep_runs.id"], name="fk_sweep_results_run_id_sweep_runs", ondelete="CASCADE"
        ),
    )
