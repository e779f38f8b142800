"""A small board, and bundles for it."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from genomark.results.submission import (
    BenchmarkNamed,
    Board,
    Draft,
    Limits,
    ModelNamed,
    SigningKey,
    board,
    make_bundle,
    read_test_table,
    signing_key,
)
from genomark.results.submission.hidden import TestTable

BENCHMARK = "guanine/cons30"
#: Keys that are vouched for.
INVITED = ("mine", "other", "third", "thief")


@dataclass
class World:
    """A board of one benchmark, whose labels only the tests and the sealed file know."""

    folder: Path
    ids: list[str]
    truth: np.ndarray
    clusters: np.ndarray
    now: datetime = datetime(2026, 3, 1, 12, tzinfo=UTC)
    limits: Limits = field(default_factory=Limits)

    @property
    def board_folder(self) -> Path:
        return self.folder / "board"

    @property
    def board_key(self) -> Path:
        return self.folder / "secrets" / "board.key"

    def make(self, **options) -> Board:
        Board.init(self.board_folder, self.board_key, self.limits)
        made = self.open()
        made.add(BENCHMARK, self.table(), **options)
        for name in INVITED:
            made.admit(self.key(name).public)
        return made

    def table(self) -> TestTable:
        pl.DataFrame(
            {
                "item_id": self.ids,
                "label": ["y"] * len(self.ids),
                "truth": self.truth,
                "cluster": [f"cluster {each}" for each in self.clusters],
            }
        ).write_csv(self.folder / "labels.csv")
        read = read_test_table(self.folder / "labels.csv")
        (self.folder / "labels.csv").unlink()
        return read

    def open(self) -> Board:
        return Board.open(self.board_folder, self.board_key, clock=lambda: self.now)

    def key(self, name: str = "mine") -> SigningKey:
        return signing_key(self.folder / "secrets" / f"{name}.pem")[0]

    def noisy(self, noise: float, seed: int = 0) -> np.ndarray:
        drawn = np.random.default_rng(seed).normal(size=len(self.ids))
        return (self.truth - self.truth.mean()) / self.truth.std() + noise * drawn

    @staticmethod
    def parquet(frame: pl.DataFrame) -> bytes:
        buffer = io.BytesIO()
        frame.write_parquet(buffer)
        return buffer.getvalue()

    def frame(self, values: np.ndarray) -> pl.DataFrame:
        return pl.DataFrame({"item_id": self.ids, "label": "y", "value": values}).sort("item_id")

    def bundle(
        self,
        values: np.ndarray | bytes,
        name: str = "model",
        *,
        key: str = "mine",
        benchmark: str = BENCHMARK,
        version: str = "1",
        created: timedelta = timedelta(),
        nonce: str | None = None,
    ) -> bytes:
        content = values if isinstance(values, bytes) else self.parquet(self.frame(values))
        draft = Draft(
            BenchmarkNamed(benchmark, version), ModelNamed(name, "1", "d"), content, "# A model"
        )
        return make_bundle(draft, self.key(key), created=self.now + created, nonce=nonce)


@pytest.fixture
def new_world(tmp_path: Path) -> Callable[..., World]:
    """``new_world(n)``: nothing made yet; labels are not whole, so that bytes can be told."""

    def make(n: int = 240, **options) -> World:
        rng = np.random.default_rng(42)
        truth = np.round(rng.normal(size=n) * 1000, 6) + 0.000173
        ids = [f"chr{i % 5}:{1000 + 700 * i}" for i in range(n)]
        return World(tmp_path, ids, truth, np.arange(n) // 3, **options)

    return make


@pytest.fixture
def world(new_world) -> World:
    made = new_world()
    made.make()
    return made


@pytest.fixture
def quick_decoding(monkeypatch: pytest.MonkeyPatch) -> None:
    """Decode in this process: for tests that send many sound bundles."""
    monkeypatch.setattr(
        board,
        "decode_predictions",
        lambda content, *_: pl.read_parquet(io.BytesIO(content))["value"].to_numpy()[:, None],
    )
