"""The K562 lentiMPRA samples as tables (Agarwal et al. 2025)."""

from __future__ import annotations

import polars as pl

from genomark.datasets.fetch import path

NAME = "lentimpra_k562_sample"


def read_sample(file: str) -> pl.DataFrame:
    """Read one sample.

    Parameters
    ----------
    file : str
        ``"sample_train.txt"``, ``"sample_valid.txt"`` or ``"sample_test.txt"``.

    Returns
    -------
    polars.DataFrame
        Columns `seq_id`, `seq` (230 nt, adapters included), `mean_value` (log2 RNA/DNA), `fold`,
        and `element`: the id before ``_``, which both orientations of an enhancer share.
    """
    table = pl.read_csv(path(NAME, file), separator="\t")
    return table.with_columns(element=pl.col("seq_id").str.split("_").list.first())


def training_table() -> tuple[pl.DataFrame, int]:
    """Train and valid samples without any element of the test sample.

    Returns
    -------
    table : polars.DataFrame
    dropped : int
        Sequences left out.
    """
    table = pl.concat([read_sample("sample_train.txt"), read_sample("sample_valid.txt")])
    tested = read_sample("sample_test.txt")["element"].unique().to_list()
    kept = table.filter(~pl.col("element").is_in(tested))
    return kept, table.height - kept.height
