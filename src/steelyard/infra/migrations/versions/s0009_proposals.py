"""Proposals: what they are, their versions, events, approvals, keys, and operations that make them."""

import sqlalchemy as sa
from alembic import op

from steelyard.infra.columns import UtcDateTime

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Make the tables."""
    _make_proposals()
    _make_versions()
    _make_events()
    _make_keys()
    _make_operations()


def _make_proposals() -> None:
    op.create_table(
        "proposals",
        sa.Column("id", sa.String(16), nullable=False),
        sa.Column("tenant", sa.String(100), nullable=False),
        sa.Column("portfolio_id", sa.String(200), nullable=False),
        sa.Column("created_by", sa.String(200), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("last_event_at", UtcDateTime(), nullable=False),
        sa.Column("state_since", UtcDateTime(), nullable=False),
        sa.Column("current_state", sa.String(40), nullable=False),
        sa.Column("current_version_no", sa.Integer, nullable=False),
        sa.Column("event_count", sa.Integer, nullable=False),
        sa.Column("title", sa.String(500)),
        sa.Column("jurisdiction", sa.String(200)),
        sa.Column("mandate_id", sa.String(200)),
        sa.Column("advisor_notes", sa.String(20_000)),
        sa.PrimaryKeyConstraint("id", name="pk_proposals"),
    )
    op.create_index("ix_proposals_tenant_created_at_id", "proposals", ["tenant", "created_at", "id"])
    for column in ("portfolio_id", "current_state"):
        name = f"ix_proposals_tenant_{column}_created_at_id"
        op.create_index(name, "proposals", ["tenant", column, "created_at", "id"])
    op.create_index("ix_proposals_current_state_state_since", "proposals", ["current_state", "state_since"])


def _make_versions() -> None:
    op.create_table(
        "proposal_versions",
        sa.Column("id", sa.String(16), nullable=False),
        sa.Column("tenant", sa.String(100), nullable=False),
        sa.Column("proposal_id", sa.String(16), nullable=False),
        sa.Column("version_no", sa.Integer, nullable=False),
        sa.Column("created_by", sa.String(200), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("request_hash", sa.String(80), nullable=False),
        sa.Column("artifact_hash", sa.String(80), nullable=False),
        sa.Column("simulation_hash", sa.String(80), nullable=False),
        sa.Column("status_at_creation", sa.String(20), nullable=False),
        sa.Column("has_evidence", sa.Boolean, nullable=False),
        sa.Column("soft_breaches", sa.LargeBinary, nullable=False),
        sa.Column("gate_decision", sa.LargeBinary, nullable=False),
        sa.Column("inputs", sa.LargeBinary, nullable=False),
        sa.Column("result", sa.LargeBinary, nullable=False),
        sa.Column("artifact_head", sa.LargeBinary, nullable=False),
        sa.Column("artifact_tail", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_proposal_versions"),
    )
    name = "uq_proposal_versions_proposal_id_version_no"
    op.create_index(name, "proposal_versions", ["proposal_id", "version_no"], unique=True)


def _make_events() -> None:
    op.create_table(
        "proposal_events",
        sa.Column("id", sa.String(16), nullable=False),
        sa.Column("tenant", sa.String(100), nullable=False),
        sa.Column("proposal_id", sa.String(16), nullable=False),
        sa.Column("sequence", sa.Integer, nullable=False),
        sa.Column("event_type", sa.String(40), nullable=False),
        sa.Column("from_state", sa.String(40)),
        sa.Column("to_state", sa.String(40), nullable=False),
        sa.Column("actor_id", sa.String(200), nullable=False),
        sa.Column("occurred_at", UtcDateTime(), nullable=False),
        sa.Column("reason", sa.LargeBinary, nullable=False),
        sa.Column("related_version_no", sa.Integer),
        sa.PrimaryKeyConstraint("id", name="pk_proposal_events"),
    )
    op.create_table(
        "proposal_approvals",
        sa.Column("id", sa.String(16), nullable=False),
        sa.Column("tenant", sa.String(100), nullable=False),
        sa.Column("proposal_id", sa.String(16), nullable=False),
        sa.Column("sequence", sa.Integer, nullable=False),
        sa.Column("version_no", sa.Integer, nullable=False),
        sa.Column("approval_type", sa.String(20), nullable=False),
        sa.Column("approved", sa.Boolean, nullable=False),
        sa.Column("actor_id", sa.String(200), nullable=False),
        sa.Column("occurred_at", UtcDateTime(), nullable=False),
        sa.Column("details", sa.LargeBinary, nullable=False),
        sa.Column("related_version_no", sa.Integer),
        sa.PrimaryKeyConstraint("id", name="pk_proposal_approvals"),
    )
    for table in ("proposal_events", "proposal_approvals"):
        op.create_index(f"uq_{table}_proposal_id_sequence", table, ["proposal_id", "sequence"], unique=True)


def _make_keys() -> None:
    op.create_table(
        "proposal_keys",
        sa.Column("tenant", sa.String(100), nullable=False),
        sa.Column("key", sa.String(200), nullable=False),
        sa.Column("request_hash", sa.String(80), nullable=False),
        sa.Column("proposal_id", sa.String(16), nullable=False),
        sa.Column("version_no", sa.Integer, nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "key", name="pk_proposal_keys"),
    )
    op.create_table(
        "proposal_simulations",
        sa.Column("tenant", sa.String(100), nullable=False),
        sa.Column("key", sa.String(200), nullable=False),
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("request_hash", sa.String(80), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("used", sa.BigInteger, nullable=False),
        sa.Column("result", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "key", name="pk_proposal_simulations"),
    )
    op.create_index("ix_proposal_simulations_tenant_used", "proposal_simulations", ["tenant", "used"])


def _make_operations() -> None:
    op.create_table(
        "proposal_operations",
        sa.Column("id", sa.String(16), nullable=False),
        sa.Column("tenant", sa.String(100), nullable=False),
        sa.Column("operation_type", sa.String(40), nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("correlation_id", sa.String(200), nullable=False),
        sa.Column("idempotency_key", sa.String(200)),
        sa.Column("proposal_id", sa.String(200)),
        sa.Column("version_no", sa.Integer),
        sa.Column("created_by", sa.String(200), nullable=False),
        sa.Column("subject", sa.String(200), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("started_at", UtcDateTime()),
        sa.Column("finished_at", UtcDateTime()),
        sa.Column("request", sa.LargeBinary, nullable=False),
        sa.Column("outcome", sa.LargeBinary),
        sa.Column("error_code", sa.String(100)),
        sa.Column("error_message", sa.String(1000)),
        sa.PrimaryKeyConstraint("id", name="pk_proposal_operations"),
    )
    name = "ix_proposal_operations_tenant_correlation_id_created_at"
    op.create_index(name, "proposal_operations", ["tenant", "correlation_id", "created_at"])
