"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r1"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make all tables, and the number that every change raises."""
    _make_results()
    op.create_table(
        "documents",
        sa.Column("result_id", sa.Text, sa.ForeignKey("results.id"), primary_key=True),
        sa.Column("document", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "replicates",
        sa.Column("result_id", sa.Text, sa.ForeignKey("results.id"), primary_key=True),
        sa.Column("method", sa.Text, nullable=False),
        sa.Column("clusters", sa.BigInteger, nullable=False),
        sa.Column("asked", sa.BigInteger, nullable=False),
        sa.Column("compared", sa.LargeBinary, nullable=False),
        sa.Column("shape", sa.Text, nullable=False),
        sa.Column("drawn", sa.LargeBinary, nullable=False),
    )
    state = op.create_table(
        "state",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("value", sa.BigInteger, nullable=False),
    )
    op.bulk_insert(state, [{"name": "generation", "value": 0}])


def _make_results() -> None:
    op.create_table(
        "results",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("added", sa.Text, nullable=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("standing", sa.Text, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("benchmark_id", sa.Text, nullable=False),
        sa.Column("benchmark_version", sa.Text, nullable=False),
        sa.Column("benchmark_digest", sa.Text, nullable=False),
        sa.Column("item_limit", sa.BigInteger),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("model_id", sa.Text, nullable=False),
        sa.Column("model_version", sa.Text, nullable=False),
        sa.Column("model_digest", sa.Text, nullable=False),
        sa.Column("seed", sa.BigInteger, nullable=False),
        sa.Column("headline", sa.Text, nullable=False),
        sa.Column("value", sa.Double),
        sa.Column("low", sa.Double),
        sa.Column("high", sa.Double),
        sa.Column("n", sa.BigInteger, nullable=False),
        sa.Column("n_clusters", sa.BigInteger, nullable=False),
        sa.Column("asked", sa.BigInteger, nullable=False),
        sa.Column("answered", sa.BigInteger, nullable=False),
        sa.Column("wall_seconds", sa.Double, nullable=False),
        sa.Column("cpu_seconds", sa.Double, nullable=False),
        sa.Column("peak_rss_bytes", sa.BigInteger, nullable=False),
        sa.Column("predictions", sa.Text),
        sa.Column("items", sa.Text),
        sa.Column("withdrawn", sa.Text),
    )
    op.create_index("results_number", "results", ["number"], unique=True)
    op.create_index(
        "results_column", "results", ["benchmark_id", "benchmark_version", "benchmark_digest"]
    )
    op.create_index("results_model", "results", ["model_id"])
