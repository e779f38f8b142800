"""How much of a benchmark a model saw in training."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r3"
down_revision = "r2"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add a column; of what is there already, nobody looked."""
    op.add_column("results", sa.Column("leakage", sa.Double))
