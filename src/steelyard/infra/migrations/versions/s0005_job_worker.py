"""Which worker runs a job, so that the jobs of a dead one can be found."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the column."""
    op.add_column("jobs", sa.Column("worker", sa.String(100)))
    op.create_index("ix_jobs_worker", "jobs", ["worker"])
