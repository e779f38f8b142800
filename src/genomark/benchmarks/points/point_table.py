"""A table of sequences and measured values, of which only some rows are ever held.

What a user gives may be text, or parquet in one block: to read some of its rows, all before them
would have to be unpacked. So it is written once, checked, in small blocks, under the digest of its
bytes; whoever needs rows reads those blocks alone.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path

import msgspec
import polars as pl

from genomark.datasets.location import cache_folder, writing
from genomark.digests import digest_of, digest_of_file
from genomark.errors import UsageError, one_line
from genomark.sequences.columns import GROUP_NAMES, ID_NAMES, LABEL_NAMES, SEQUENCE_NAMES

#: Raised whenever the same file is written in another way.
_VERSION = 1
#: A block, which is read as a whole, has no more rows, nor letters, about.
_BLOCK_ROWS, _BLOCK_LETTERS = 16_384, 4 << 20
#: Blocks that are looked at side by side.
_AT_ONCE = 4
#: Rows that tell how long sequences are.
_FIRST = 1_000
#: The column of row numbers, from 0.
_NUMBER = "number of the row"
#: Where the file says how many rows a block has.
_ROWS = "genomark.rows"
_SEPARATORS = {".csv": ",", ".tsv": "\t", ".tab": "\t", ".txt": "\t"}
_PARQUET = (".parquet", ".pq")
#: What a model of sequences can be asked (GAME 1.0, section 2.2).
_STRANGE = "[^ACGTNacgtn]"


class PointColumns(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Names of the columns; what is not given is looked for under its usual names.

    Attributes
    ----------
    sequence : str, optional
        Else the first of `sequence`, `seq`, `text`, `dna`, `rna`.
    truth : str, optional
        What was measured; of two classes 0 and 1. Else `truth`, `label`, `labels`, `target`, `y`.
    id : str, optional
        Each once. Else `item_id`, `id` or `name`; without any, the number of the row, from 1.
    cluster : str, optional
        What is drawn together when an interval is made. Else `cluster` or `group`; without any,
        sequences that are the same.
    """

    sequence: str | None = None
    truth: str | None = None
    id: str | None = None
    cluster: str | None = None


class PointTable:
    """Rows of a table, read as they are asked for.

    Parameters
    ----------
    path : Path
        Parquet, CSV or TSV; text may be packed with gzip.
    columns : PointColumns

    Raises
    ------
    UsageError
        When it is first read: if there is no such file, it is not of its format, lacks a column,
        or a row has no sequence, no finite number, a letter that is no base, or another's id.
    """

    def __init__(self, path: Path, columns: PointColumns) -> None:
        self._path = path
        self._columns = columns

    @cached_property
    def digest(self) -> str:
        """Digest of the bytes and of which columns are looked at."""
        if not self._path.is_file():
            raise UsageError(f"{self._path}: there is no such file")
        return digest_of([digest_of_file(self._path), self._columns, _VERSION])

    @cached_property
    def height(self) -> int:
        """How many rows there are."""
        return int(self._scan.select(pl.len()).collect().item())

    @cached_property
    def block(self) -> int:
        """How many rows are read at once at least."""
        _ = self._scan
        return int(pl.read_parquet_metadata(self._place)[_ROWS])

    def chunks(self) -> Iterator[tuple[int, int]]:
        """Cut all rows into what may be looked at at once: first row, and how many."""
        yield from _chunks(self.height, self.block)

    def rows(self, first: int, n: int) -> pl.DataFrame:
        """Read some rows, `item_id`, `sequence` and `truth` (Float64)."""
        return self._scan.slice(first, n).select("item_id", "sequence", "truth").collect()

    def items(self) -> pl.DataFrame:
        """Read all rows without their sequences.

        Returns
        -------
        polars.DataFrame
            `item_id`, `truth` (Float64) and `cluster`: numbered in the order of the names, or of
            the first row where sequences that are the same are one.
        """
        if "cluster" in self._scan.collect_schema():
            items = self._scan.select("item_id", "truth", "cluster").collect()
            return items.with_columns(_numbered("cluster"))
        # Its own number would not be the same everywhere; which rows share it is.
        parts = [
            self._scan.slice(first, n)
            .select("item_id", "truth", cluster=pl.col("sequence").str.to_uppercase().hash())
            .collect()
            for first, n in self.chunks()
        ]
        rows = pl.concat(parts).with_row_index("row")
        first_row = pl.col("row").first().over("cluster")
        return rows.with_columns(cluster=first_row).drop("row").with_columns(_numbered("cluster"))

    @cached_property
    def _scan(self) -> pl.LazyFrame:
        if not self._place.is_file():
            self._write(self._place)
        return pl.scan_parquet(self._place)

    @cached_property
    def _place(self) -> Path:
        return cache_folder("points") / f"{self.digest}.parquet"

    def _write(self, place: Path) -> None:
        """Write the table in blocks and check it; it is in its place once it is sound."""
        with writing(place), tempfile.TemporaryDirectory(dir=place.parent) as folder:
            written = Path(folder) / place.name
            try:
                chosen = self._chosen()
                block = _rows_of_a_block(chosen)
                chosen.sink_parquet(
                    written,
                    row_group_size=block,
                    compression="zstd",
                    compression_level=1,
                    metadata={_ROWS: str(block)},
                )
            except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
                raise UsageError(
                    f"{self._path}: cannot be read as a table ({one_line(error)})"
                ) from error
            self._check(pl.scan_parquet(written), block)
            written.replace(place)

    def _chosen(self) -> pl.LazyFrame:
        """Give the columns under names of ours."""
        suffixes = [each.lower() for each in self._path.suffixes if each.lower() != ".gz"]
        kind = suffixes[-1] if suffixes else ""
        if kind in _PARQUET:
            source = pl.scan_parquet(self._path, row_index_name=_NUMBER)
        elif kind in _SEPARATORS:
            separator = _SEPARATORS[kind]
            source = pl.scan_csv(
                self._path, separator=separator, infer_schema=False, row_index_name=_NUMBER
            )
        else:
            known = ", ".join((*_PARQUET, *_SEPARATORS))
            raise UsageError(f"{self._path}: expected a name that ends in {known}")
        _, *there = source.collect_schema().names()
        asked = self._columns
        sequence = self._named(asked.sequence, SEQUENCE_NAMES, there)
        truth = self._named(asked.truth, ("truth", *LABEL_NAMES), there)
        if sequence is None or truth is None:
            what = "a sequence" if sequence is None else "what was measured"
            raise UsageError(
                f"{self._path}: no column for {what}; there are {', '.join(there)}. Name it in a "
                "declaration (points:FILE.toml)"
            )
        item = self._named(asked.id, ("item_id", *ID_NAMES), there)
        cluster = self._named(asked.cluster, ("cluster", *GROUP_NAMES), there)
        number = pl.col(_NUMBER) + 1 if item is None else pl.col(item)
        return source.select(
            number.cast(pl.String).alias("item_id"),
            pl.col(sequence).cast(pl.String).alias("sequence"),
            pl.col(truth).cast(pl.Float64, strict=False).alias("truth"),
            *([] if cluster is None else [pl.col(cluster).cast(pl.String).alias("cluster")]),
        )

    def _named(self, given: str | None, usual: Sequence[str], there: list[str]) -> str | None:
        if given is None:
            return next((name for name in usual if name in there), None)
        if given not in there:
            raise UsageError(f"{self._path}: no column '{given}'; there are {', '.join(there)}")
        return given

    def _check(self, written: pl.LazyFrame, block: int) -> None:
        n = int(written.select(pl.len()).collect().item())
        if not n:
            raise UsageError(f"{self._path}: no rows in it")
        faults = {
            "no sequence": _is_empty("sequence"),
            "a letter of its sequence is none of A, C, G, T and N": pl.col("sequence")
            .str.contains(_STRANGE)
            .fill_null(value=False),
            "what was measured is no finite number": ~pl.col("truth")
            .is_finite()
            .fill_null(value=False),
            "no id": _is_empty("item_id"),
        }
        if "cluster" in written.collect_schema():
            faults["no cluster"] = _is_empty("cluster")
        for first, rows in _chunks(n, block):
            bad = written.slice(first, rows).select(**faults).collect()
            for fault in faults:
                if bad[fault].any():
                    raise UsageError(
                        f"{self._path}, row {first + bad[fault].arg_true()[0] + 1}: {fault}"
                    )
        ids = written.select("item_id").collect()["item_id"]
        if ids.n_unique() < n:
            row = (~ids.is_first_distinct()).arg_true()[0]
            raise UsageError(f"{self._path}, row {row + 1}: '{ids[row]}' is the id of another row")


def _is_empty(column: str) -> pl.Expr:
    return pl.col(column).str.len_bytes().fill_null(0) == 0


def _numbered(column: str) -> pl.Expr:
    return (pl.col(column).rank("dense") - 1).cast(pl.UInt32).alias(column)


def _rows_of_a_block(chosen: pl.LazyFrame) -> int:
    first = chosen.select("sequence").head(_FIRST).collect()["sequence"]
    letters = int(first.str.len_bytes().sum())
    return max(1, min(_BLOCK_ROWS, _BLOCK_LETTERS * len(first) // max(1, letters)))


def _chunks(height: int, block: int) -> Iterator[tuple[int, int]]:
    for first in range(0, height, _AT_ONCE * block):
        yield first, min(_AT_ONCE * block, height - first)
