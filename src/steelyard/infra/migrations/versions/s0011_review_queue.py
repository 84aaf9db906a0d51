"""What lists of runs need to know without opening results: how many trades, and whether a review has ended."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

ENDED = """
UPDATE rebalance_runs SET is_decided = true WHERE EXISTS (
    SELECT 1 FROM rebalance_decisions AS latest
    WHERE latest.run_id = rebalance_runs.id AND latest.action <> 'REQUEST_CHANGES' AND NOT EXISTS (
        SELECT 1 FROM rebalance_decisions AS later
        WHERE later.run_id = latest.run_id AND (later.decided_at > latest.decided_at
            OR (later.decided_at = latest.decided_at AND later.id > latest.id))))
"""


def upgrade() -> None:
    """Add the columns; how many trades older runs made stays unsaid."""
    op.add_column("rebalance_runs", sa.Column("trades", sa.Integer))
    op.add_column("rebalance_runs", sa.Column("is_decided", sa.Boolean, nullable=False, server_default=sa.false()))
    op.execute(ENDED)
    op.create_index(
        "ix_rebalance_runs_tenant_status_is_decided_created_at_id",
        "rebalance_runs",
        ["tenant", "status", "is_decided", "created_at", "id"],
    )
