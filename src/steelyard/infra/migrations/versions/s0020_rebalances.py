"""Rebalances: runs, the keys that replay them, operations, decisions, policy packs."""

import sqlalchemy as sa
from alembic import op

from steelyard.infra.columns import UtcDateTime

revision = "0020"
down_revision = "0005"


def upgrade() -> None:
    """Make the tables."""
    _make_runs()
    _make_operations()
    _make_decisions()
    op.create_table(
        "rebalance_policy_packs",
        sa.Column("tenant", sa.String(100), nullable=False),
        sa.Column("catalogue", sa.String(80), nullable=False),
        sa.Column("pack_id", sa.String(200), nullable=False),
        sa.Column("definition", sa.String),
        sa.PrimaryKeyConstraint("tenant", "catalogue", "pack_id", name="pk_rebalance_policy_packs"),
    )


def _make_runs() -> None:
    op.create_table(
        "rebalance_runs",
        sa.Column("id", sa.String(11), nullable=False),
        sa.Column("tenant", sa.String(100), nullable=False),
        sa.Column("correlation_id", sa.String(265), nullable=False),
        sa.Column("request_hash", sa.String(100), nullable=False),
        sa.Column("idempotency_key", sa.String(200)),
        sa.Column("portfolio_id", sa.String(200), nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("result", sa.LargeBinary, nullable=False),
        sa.Column("artifact", sa.LargeBinary),
        sa.PrimaryKeyConstraint("id", name="pk_rebalance_runs"),
    )
    op.create_index("ix_rebalance_runs_tenant_created_at_id", "rebalance_runs", ["tenant", "created_at", "id"])
    for column in ("correlation_id", "idempotency_key", "request_hash", "portfolio_id"):
        name = f"ix_rebalance_runs_tenant_{column}_created_at"
        op.create_index(name, "rebalance_runs", ["tenant", column, "created_at"])
    op.create_table(
        "rebalance_replays",
        sa.Column("tenant", sa.String(100), nullable=False),
        sa.Column("key", sa.String(200), nullable=False),
        sa.Column("request_hash", sa.String(80), nullable=False),
        sa.Column("run_id", sa.String(11), nullable=False),
        sa.Column("used", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "key", name="pk_rebalance_replays"),
    )
    op.create_index("ix_rebalance_replays_tenant_used", "rebalance_replays", ["tenant", "used"])


def _make_operations() -> None:
    op.create_table(
        "rebalance_operations",
        sa.Column("id", sa.String(16), nullable=False),
        sa.Column("tenant", sa.String(100), nullable=False),
        sa.Column("operation_type", sa.String(40), nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("correlation_id", sa.String(265), nullable=False),
        sa.Column("created_by", sa.String(200), nullable=False),
        sa.Column("is_submitted", sa.Boolean, nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("started_at", UtcDateTime()),
        sa.Column("finished_at", UtcDateTime()),
        sa.Column("policy_pack_id", sa.String(200)),
        sa.Column("policy_tenant_id", sa.String(200)),
        sa.Column("request", sa.LargeBinary, nullable=False),
        sa.Column("result", sa.LargeBinary),
        sa.Column("error_code", sa.String(200)),
        sa.Column("error_message", sa.String(2000)),
        sa.PrimaryKeyConstraint("id", name="pk_rebalance_operations"),
    )
    for columns in (["tenant", "created_at", "id"], ["tenant", "correlation_id", "created_at"]):
        op.create_index("ix_rebalance_operations_" + "_".join(columns), "rebalance_operations", columns)


def _make_decisions() -> None:
    op.create_table(
        "rebalance_decisions",
        sa.Column("id", sa.String(16), nullable=False),
        sa.Column("tenant", sa.String(100), nullable=False),
        sa.Column("run_id", sa.String(11), nullable=False),
        sa.Column("action", sa.String(20), nullable=False),
        sa.Column("reason_code", sa.String(200), nullable=False),
        sa.Column("comment", sa.String(10_000)),
        sa.Column("actor_id", sa.String(200), nullable=False),
        sa.Column("decided_at", UtcDateTime(), nullable=False),
        sa.Column("correlation_id", sa.String(265), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_rebalance_decisions"),
    )
    op.create_index("ix_rebalance_decisions_run_id_decided_at", "rebalance_decisions", ["run_id", "decided_at"])
    op.create_index(
        "ix_rebalance_decisions_tenant_decided_at_id", "rebalance_decisions", ["tenant", "decided_at", "id"]
    )
