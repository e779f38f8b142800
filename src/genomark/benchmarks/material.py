"""What a training set could hold of a benchmark's items: their sequences and where they lie."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

#: Columns of `Material.items`.
MATERIAL_COLUMNS = {
    "item_id": pl.String,
    "sequence": pl.String,
    "chrom": pl.String,
    "start": pl.Int64,
    "end": pl.Int64,
}


@dataclass(frozen=True)
class Material:
    """Sequences and places of items.

    Attributes
    ----------
    items : polars.DataFrame
        `MATERIAL_COLUMNS`, one row an item, in the order of `Scored`. Each is null where it is
        not known; `start` and `end` are 0-based, half-open.
    assembly : str or None
        Of `chrom`, `start` and `end`, such as ``"hg38"``; None where no item has a place.
    """

    items: pl.DataFrame
    assembly: str | None = None

    @classmethod
    def of(cls, frame: pl.DataFrame, assembly: str | None = None) -> Material:
        """Take `item_id` and what else of `MATERIAL_COLUMNS` a table has; the rest is null."""
        columns = [
            (pl.col(name) if name in frame.columns else pl.lit(None)).cast(dtype).alias(name)
            for name, dtype in MATERIAL_COLUMNS.items()
        ]
        return cls(frame.select(columns), assembly)
