"""What is kept of scored predictions, so that no reader needs the data of the benchmark again."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from genomark.benchmarks import Asking
from genomark.benchmarks.scored import Scored
from genomark.errors import GenomarkError

_FLOAT = np.dtype("<f8")


@dataclass(frozen=True)
class Replicates:
    """The headline of one model, drawn again and again.

    Two models of one column whose `compared` and seed are the same were drawn in pairs: the
    differences of `drawn` are those that a paired comparison rests on.

    Attributes
    ----------
    method : str
        How the interval of the headline was made, in the words of its row.
    clusters : int
        How many were drawn.
    compared : ndarray of bool, shape (asked,)
        The items that it rests on, in the order of the benchmark.
    drawn : ndarray of float64
        NaN where undefined.
    """

    method: str
    clusters: int
    compared: NDArray[np.bool_]
    drawn: NDArray[np.float64]


@dataclass(frozen=True)
class Evidence:
    """What of scored predictions goes into a store.

    Attributes
    ----------
    replicates : Replicates or None
        None where the headline has no value.
    items : bytes or None
        Parquet: `item_id`, `group`, `truth`, `value`, `said` as `Scored.items` has them, and
        `answered`. None where the truth is hidden, or is no number a label.
    """

    replicates: Replicates | None = None
    items: bytes | None = None


NO_EVIDENCE = Evidence()


def evidence(scored: Scored, asking: Asking, method: str) -> Evidence:
    """Take from scored predictions what is kept of them.

    Parameters
    ----------
    scored : Scored
    asking : Asking
        As they were asked: the seed is that of the replicates.
    method : str
        Of the headline's row.
    """
    compared = scored.compared
    replicates = None
    if compared.any():
        found = scored.headline(asking, compared)
        if found.value is not None:
            replicates = Replicates(
                method, found.clusters, compared.to_numpy().astype(np.bool_), found.drawn
            )
    return Evidence(replicates, _items(scored.items()))


def to_row(replicates: Replicates) -> dict[str, object]:
    """Write replicates as a row of the table of the same name, without the id."""
    return {
        "method": replicates.method.replace("\0", " "),
        "clusters": replicates.clusters,
        "asked": replicates.compared.size,
        "compared": np.packbits(replicates.compared).tobytes(),
        "shape": ",".join(map(str, replicates.drawn.shape)),
        "drawn": np.ascontiguousarray(replicates.drawn, dtype=_FLOAT).tobytes(),
    }


def from_row(
    method: str, clusters: int, asked: int, compared: bytes, shape: str, drawn: bytes
) -> Replicates:
    """Read what `to_row` wrote.

    Raises
    ------
    GenomarkError
        If there are more or fewer bytes than the row tells.
    """
    sizes = tuple(int(size) for size in shape.split(",") if size.isdecimal())
    if len(drawn) != math.prod(sizes) * _FLOAT.itemsize or len(compared) != -(-asked // 8):
        raise GenomarkError("replicates of another size than told: the store is damaged")
    bits = np.unpackbits(np.frombuffer(compared, np.uint8), count=asked)
    values = np.frombuffer(drawn, _FLOAT).reshape(sizes).astype(np.float64)
    return Replicates(method, clusters, bits.astype(np.bool_), values)


def _items(table: pl.DataFrame | None) -> bytes | None:
    if table is None:
        return None
    given = pl.col("value").is_not_null() | pl.col("said").is_not_null()
    buffer = io.BytesIO()
    table.with_columns(given.alias("answered")).write_parquet(buffer, compression="zstd")
    return buffer.getvalue()
