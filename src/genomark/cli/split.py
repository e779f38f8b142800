"""``genomark split``: a set of sequences shared out so that no two parts have near copies."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    import polars as pl

    from genomark.datasets.leakage import OrthogonalSplit
    from genomark.sequences.records import Records

#: What the parts are called, by how many there are; more are folds.
_NAMES = {2: ("train", "test"), 3: ("train", "valid", "test")}
_DROPPED = "dropped"
#: Different numbers of a column from which on it is cut into ten classes of one size.
_MANY_NUMBERS = 20


def split(
    sequences: Annotated[
        Path, typer.Argument(metavar="FILE", help="Sequences: FASTA, CSV, TSV, parquet, ...")
    ],
    out: Annotated[
        Path,
        typer.Option(
            "--out", "-o", metavar="FILE", help="A .csv, .tsv, .parquet, .json or .jsonl to write."
        ),
    ],
    ratio: Annotated[
        str, typer.Option(metavar="A:B[:C...]", help="train:test, train:valid:test, or folds.")
    ] = "80:10:10",
    identity: Annotated[
        float, typer.Option(help="Identity of the alignment from which on two are alike.")
    ] = 0.8,
    coverage: Annotated[
        float, typer.Option(help="Share of the shorter of two that the alignment has to cover.")
    ] = 0.5,
    stratify: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help="All parts get the same shares of its values."),
    ] = None,
    single_strand: Annotated[
        bool, typer.Option("--single-strand", help="A reverse complement is another: for RNA.")
    ] = False,
    seed: Annotated[int, typer.Option(min=0, help="Of the order of groups of one size.")] = 0,
    threads: Annotated[
        int | None, typer.Option(min=1, help="Default: one a core. Changes no result.")
    ] = None,
) -> None:
    """Split sequences so that none has a near copy in another part.

    Writes the rows of the file with two more columns: 'split', and 'group', which is the same for
    sequences that are alike along any chain. A group stays whole; where one is larger than the
    largest part, rows that tie two parts together are marked as 'dropped'.

    \b
    Examples:
      genomark split enhancers.csv --out split.csv
      genomark split mpra.parquet --ratio 70:30 --identity 0.7 --stratify label -o split.parquet
      genomark split rnas.fa --ratio 1:1:1:1:1 --single-strand -o folds.tsv
    """
    import os

    from genomark.atomic import write_whole
    from genomark.cli.tables import TABLE_ENDINGS, check_ending, table_bytes
    from genomark.cli.terminal import status
    from genomark.datasets.leakage import Alike, orthogonal_split
    from genomark.models.genes.waiting import Waiting
    from genomark.sequences.columns import Columns, sequences_of
    from genomark.sequences.formats import read_records

    check_ending(out, TABLE_ENDINGS)
    ratios = _ratios(ratio)
    records = read_records(sequences, str(sequences))
    texts = sequences_of(records, Columns(), None)
    table = _table(records, texts)
    strata = None if stratify is None else _strata(records, stratify)
    with Waiting(len(texts), "comparing") as waiting:
        made = orthogonal_split(
            texts,
            ratios,
            alike=Alike(identity, coverage, both_strands=not single_strand),
            strata=strata,
            seed=seed,
            threads=threads or os.cpu_count() or 1,
            progress=waiting.advance,
        )
    names = _NAMES.get(len(ratios), tuple(f"fold-{n}" for n in range(1, len(ratios) + 1)))
    # What was dropped is -1, and so the last.
    called = [(*names, _DROPPED)[number] for number in made.splits]
    write_whole(out, table_bytes(_with_splits(table, called, made, out), out))
    for line in _summary(made, names, ratios):
        status(line)
    status(f"written: {out}")


def _ratios(text: str) -> list[float]:
    from genomark.errors import UsageError, one_line

    try:
        ratios = [float(part) for part in text.split(":")]
    except ValueError:
        ratios = []
    if len(ratios) < 2 or not all(0 < each < float("inf") for each in ratios):
        raise UsageError(
            f"--ratio {one_line(text)}: expected two or more numbers above 0, such as 80:10:10"
        )
    return ratios


def _table(records: Records, texts: Sequence[str]) -> pl.DataFrame:
    """Make a table of the rows as they are; of a file with regions or headers, with sequences."""
    import polars as pl

    from genomark.errors import UsageError

    taken = [name for name in ("split", "group") if name in records.columns]
    if taken:
        raise UsageError(
            f"{records.where}: has a column '{taken[0]}' already; rename it or leave it out"
        )
    columns = {name: list(cells) for name, cells in records.columns.items()}
    table = pl.DataFrame([pl.Series(name, cells, strict=False) for name, cells in columns.items()])
    return table if table.height == len(texts) else pl.DataFrame({"sequence": texts})


def _strata(records: Records, column: str) -> list[object]:
    """Give the values of a column; of many numbers, tenths of their order."""
    import numpy as np

    from genomark.errors import UsageError

    values = records.column(column)
    for row, value in enumerate(values):
        if value is None:
            raise records.fault(row, f"column '{column}': no value to stratify by")
        if isinstance(value, list):
            raise UsageError(f"{records.where}: column '{column}' holds lists; give one of values")
    try:
        numbers = np.array(values, dtype=np.float64)
    except ValueError:
        return values
    if np.unique(numbers).size <= _MANY_NUMBERS:
        return values
    return list(np.searchsorted(np.quantile(numbers, np.arange(0.1, 0.95, 0.1)), numbers))


def _with_splits(
    table: pl.DataFrame, called: Sequence[str], made: OrthogonalSplit, out: Path
) -> pl.DataFrame:
    import polars as pl

    from genomark.errors import UsageError

    nested = [name for name, dtype in table.schema.items() if dtype.is_nested()]
    if nested and out.suffix.lower() in (".csv", ".tsv"):
        raise UsageError(f"{out}: column '{nested[0]}' holds lists; write .parquet or .jsonl")
    return table.with_columns(
        pl.Series("split", called, dtype=pl.String), pl.Series("group", made.groups)
    )


def _summary(made: OrthogonalSplit, names: Sequence[str], ratios: Sequence[float]) -> list[str]:
    """Say how large the parts are, what was dropped, and what the check found."""
    n = made.splits.size
    sizes = [int((made.splits == number).sum()) for number in range(len(names))]
    parts = [
        f"{name} {size:,} ({size / max(n, 1):.1%} of {share / sum(ratios):.1%})"
        for name, size, share in zip(names, sizes, ratios, strict=True)
    ]
    n_groups = len(set(made.groups.tolist()))
    dropped = int(made.dropped.sum())
    return [
        f"{n:,} sequences in {n_groups:,} groups, the largest of {made.largest_group:,}",
        ", ".join(parts) + f"; dropped {dropped:,}",
        f"largest similarity between parts: {made.largest_similarity:.3f} "
        "(matches / length of the shorter; 0: no more than chance), none of them alike",
    ]
