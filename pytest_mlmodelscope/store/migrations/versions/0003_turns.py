"""Jobs have a turn, so that the queue is shared among those who ask."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """To this version; jobs that wait already stay in the order in which they came."""
    with op.batch_alter_table("jobs") as jobs:
        jobs.add_column(sa.Column("asker", sa.String(length=255), nullable=True))
        jobs.add_column(sa.Column("turn", sa.Integer(), server_default="0", nullable=False))
        jobs.drop_index("ix_jobs_waiting")
        jobs.create_index("ix_jobs_waiting", ["state", "turn", "created"])


def downgrade() -> None:
    """Back to the version before."""
    with op.batch_alter_table("jobs") as jobs:
        jobs.drop_index("ix_jobs_waiting")
        jobs.create_index("ix_jobs_waiting", ["state", "created"])
        jobs.drop_column("turn")
        jobs.drop_column("asker")
