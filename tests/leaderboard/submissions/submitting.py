"""Bundles, tokens and servers that take them."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import polars as pl
from starlette.applications import Starlette

from genomark.benchmarks import load_benchmark
from genomark.leaderboard.app import leaderboard_app
from genomark.leaderboard.submissions.desk import Desk
from genomark.leaderboard.submissions.incoming import Incoming
from genomark.leaderboard.submissions.intake import UploadLimits
from genomark.leaderboard.submissions.routes import SubmissionPages
from genomark.leaderboard.submissions.scorer import Hosting, Scorer
from genomark.leaderboard.submissions.tokens import Token, add_token, listed_tokens
from genomark.leaderboard.submissions.waiting_list import Row, WaitingList, now
from genomark.results.store import Store
from genomark.results.submission import (
    BenchmarkNamed,
    Draft,
    ModelNamed,
    SigningKey,
    make_bundle,
    signing_key,
)
from genomark.results.submission.manifest import sha256

BENCHMARK = "simulated-enhancers"
#: Small and swift, so that no test waits long.
LIMITS = UploadLimits(
    bytes=60_000, seconds=5, idle_seconds=0.6, per_minute=1000, spare_bytes=0, retry_seconds=1
)


def parquet(frame: pl.DataFrame) -> bytes:
    buffer = io.BytesIO()
    frame.write_parquet(buffer)
    return buffer.getvalue()


class Submitter:
    """Somebody with a key, and what they pack."""

    def __init__(self, folder: Path) -> None:
        self.key: SigningKey = signing_key(folder / "key.pem")[0]

    def bundle(
        self,
        predictions: bytes = b"none",
        *,
        benchmark: str = BENCHMARK,
        asked: str = "",
        version: str = "1",
        name: str = "model",
        card: str = "# A model",
        **more: Any,
    ) -> bytes:
        named = BenchmarkNamed(benchmark, version, asked)
        draft = Draft(named, ModelNamed(name, "7", "d1gest"), predictions, card)
        return make_bundle(draft, self.key, **more)


def simulated(noise: float = 0.5, seed: int = 1) -> pl.DataFrame:
    """Predictions of the simulated enhancers, as a bundle has them."""
    items = load_benchmark(BENCHMARK).items
    drawn = np.random.default_rng(seed).normal(size=items.height)
    values = items["truth"].to_numpy() + noise * drawn
    frame = pl.DataFrame({"item_id": items["item_id"], "label": "y", "value": values})
    return frame.sort("item_id")


class Door:
    """A server that takes submissions and scores none, on a port of its own."""

    def __init__(self, store: Store, folder: Path, limits: UploadLimits) -> None:
        self.store = store
        self.waiting = WaitingList(store.database)
        self.incoming = Incoming(folder / "incoming")
        self.token = add_token(store, "Lab A")
        self.url = ""
        desk = Desk(store, self.incoming, limits, lambda: None)
        pages = SubmissionPages(desk, self.waiting, lambda board: ())
        self.app: Starlette = leaderboard_app(store, submissions=pages.routes())

    def post(self, content: Any, token: str | None = None, **headers: str) -> httpx.Response:
        given = {
            "Authorization": f"Bearer {token or self.token}",
            "Content-Type": "application/zip",
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        return httpx.post(f"{self.url}/submissions", content=content, headers=given, timeout=20)

    def kept(self) -> list[str]:
        """What lies in the folder, sorted; locks are no submissions."""
        names = (each.name for each in self.incoming.folder.iterdir())
        return sorted(name for name in names if not name.endswith(".lock"))


class Office:
    """A store, what waits for it, and who scores it, all in this process."""

    def __init__(self, store: Store, folder: Path) -> None:
        self.store = store
        self.incoming = Incoming(folder / "incoming")
        self.waiting = WaitingList(store.database)
        self.hosting: Hosting | None = None
        add_token(store, "Lab A", 1000)
        self.token: Token = listed_tokens(store)[0]

    def came(self, bundle: bytes) -> str:
        """Let a bundle wait, whatever it is."""
        id = sha256(bundle)[:32]
        self.incoming.path(id).write_bytes(bundle)
        named = {"benchmark": BENCHMARK, "model": "model", "token": "Lab A"}
        row = Row(id=id, received=now(), bundle=sha256(bundle), **named)
        self.waiting.admit(row, self.token)
        return id

    def scored(self, bundle: bytes) -> Row:
        id = self.came(bundle)
        claimed = self.waiting.claim()
        assert claimed is not None
        Scorer(self.store, self.incoming, self.hosting).score(claimed)
        found = self.waiting.get(id)
        assert found is not None
        return found
