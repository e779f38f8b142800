"""Stores made by hand, result by result: what each model answers is an array of 0 and 1."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from synthetic_board import METHOD, made_result

from genomark.results.store import Evidence, Replicates, Store

ITEMS = 60


def counts(items: int = ITEMS, replicates: int = 400, seed: int = 5) -> NDArray[np.int64]:
    """How often each item is drawn in each replicate: the same for every model."""
    return np.random.default_rng(seed).multinomial(items, np.full(items, 1 / items), replicates)


def drawn(correct: NDArray[np.float64]) -> NDArray[np.float64]:
    return counts(len(correct)) @ correct / len(correct)


def right(share: float, items: int = ITEMS, seed: int = 0) -> NDArray[np.float64]:
    """Answers of which a share is right, to the item."""
    correct = np.zeros(items)
    correct[: round(share * items)] = 1
    return np.random.default_rng(seed).permutation(correct)


def add(
    store: Store,
    benchmark: str,
    model: str,
    correct: NDArray[np.float64] | float | None,
    *,
    metric: str = "accuracy",
    owner: str = "",
    standing: Any = "verified",
    replicates: bool = True,
    compared: NDArray[np.bool_] | None = None,
    items: pl.DataFrame | None = None,
    predictions: bytes | None = None,
    **more: Any,
) -> str:
    """Add a result; gives its id. A number instead of answers comes without replicates."""
    value, interval, evidence = correct, None, Evidence()
    if isinstance(correct, np.ndarray):
        value = float(correct.mean())
        low, high = np.quantile(drawn(correct), [0.025, 0.975])
        interval = (float(low), float(high))
        everything = np.ones(len(correct), dtype=bool) if compared is None else compared
        kept = Replicates(METHOD, len(correct), everything, drawn(correct))
        evidence = Evidence(kept if replicates else None, None if items is None else parquet(items))
    more.setdefault("interval", interval)
    result = made_result(benchmark, metric, model, value, n=ITEMS, **more)
    return store.add(
        result, owner=owner, standing=standing, evidence=evidence, predictions=predictions
    )


def parquet(table: pl.DataFrame) -> bytes:
    buffer = io.BytesIO()
    table.write_parquet(buffer)
    return buffer.getvalue()


def item_table(values: Any, **columns: Any) -> pl.DataFrame:
    """Items as a store keeps them."""
    n = len(values)
    given = {
        "item_id": [f"i{number}" for number in range(n)],
        "group": [""] * n,
        "truth": np.arange(n, dtype=float),
        "value": pl.Series(values, dtype=pl.Float64),
        "said": pl.Series([None] * n, dtype=pl.String),
        "answered": [True] * n,
        **columns,
    }
    return pl.DataFrame(given)


def opened(folder: Path) -> Store:
    return Store.open(folder / "store")
