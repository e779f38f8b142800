"""Who may submit, and what was submitted."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r2"
down_revision = "r1"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables of tokens and submissions."""
    op.create_table(
        "tokens",
        sa.Column("digest", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("made", sa.Text, nullable=False),
        sa.Column("daily", sa.BigInteger, nullable=False),
        sa.Column("revoked", sa.Text),
    )
    op.create_table(
        "submissions",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("received", sa.Text, nullable=False),
        sa.Column("token", sa.Text, nullable=False),
        sa.Column("bundle", sa.Text, nullable=False),
        sa.Column("benchmark", sa.Text, nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("card", sa.Text, nullable=False),
        sa.Column("key", sa.Text),
        sa.Column("nonce", sa.Text),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("tries", sa.BigInteger, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("verdict", sa.Text),
        sa.Column("result_id", sa.Text),
    )
    op.create_index("submissions_bundle", "submissions", ["bundle"], unique=True)
    op.create_index("submissions_nonce", "submissions", ["key", "nonce"])
    op.create_index("submissions_state", "submissions", ["state", "received"])
    op.create_index("submissions_token", "submissions", ["token", "received"])
