"""The tables of a store, as the newest revision of `migrations` leaves them."""

from __future__ import annotations

import sqlalchemy as sa

#: Revision that this genomark reads and writes.
REVISION = "r3"
#: Name of the one row of `state`: a number that every change raises.
GENERATION = "generation"

metadata = sa.MetaData()

#: Narrow rows: a board is read from these alone. `number` is the generation that added the row.
results = sa.Table(
    "results",
    metadata,
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
    sa.Column("leakage", sa.Double),
    sa.Index("results_number", "number", unique=True),
    sa.Index("results_column", "benchmark_id", "benchmark_version", "benchmark_digest"),
    sa.Index("results_model", "model_id"),
)

#: The Result as JSON, compressed.
documents = sa.Table(
    "documents",
    metadata,
    sa.Column("result_id", sa.Text, sa.ForeignKey("results.id"), primary_key=True),
    sa.Column("document", sa.LargeBinary, nullable=False),
)

#: Replicates of the headline: float64, little-endian; `compared` is a bit an item.
replicates = sa.Table(
    "replicates",
    metadata,
    sa.Column("result_id", sa.Text, sa.ForeignKey("results.id"), primary_key=True),
    sa.Column("method", sa.Text, nullable=False),
    sa.Column("clusters", sa.BigInteger, nullable=False),
    sa.Column("asked", sa.BigInteger, nullable=False),
    sa.Column("compared", sa.LargeBinary, nullable=False),
    sa.Column("shape", sa.Text, nullable=False),
    sa.Column("drawn", sa.LargeBinary, nullable=False),
)

state = sa.Table(
    "state",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("value", sa.BigInteger, nullable=False),
)

#: Who may submit to a leaderboard; of a token only its SHA-256.
tokens = sa.Table(
    "tokens",
    metadata,
    sa.Column("digest", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("made", sa.Text, nullable=False),
    sa.Column("daily", sa.BigInteger, nullable=False),
    sa.Column("revoked", sa.Text),
)

#: What was submitted to a leaderboard, and what became of it.
submissions = sa.Table(
    "submissions",
    metadata,
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
    sa.Index("submissions_bundle", "bundle", unique=True),
    sa.Index("submissions_nonce", "key", "nonce"),
    sa.Index("submissions_state", "state", "received"),
    sa.Index("submissions_token", "token", "received"),
)
