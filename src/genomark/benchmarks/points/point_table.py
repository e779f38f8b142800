"""A table of sequences and measured values, of which only some rows are ever held.

What a user gives may be text, or parquet in one block: to read some of its rows, all before them
would have to be unpacked. So it is written once, checked, in small blocks, under the digest of its
bytes; whoever needs rows reads those blocks alone. A block that is not as it was written is never
read: the table is written again.
"""

from __future__ import annotations

import errno
import os
import re
import tempfile
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path

import msgspec
import polars as pl

from genomark.atomic import sync_folder
from genomark.benchmarks.points.point_blocks import (
    DamagedBlocksError,
    PointBlocks,
    write_blocks,
)
from genomark.datasets.location import cache_folder, writing
from genomark.digests import digest_of, digest_of_file
from genomark.errors import UsageError, one_line
from genomark.sequences.columns import GROUP_NAMES, ID_NAMES, LABEL_NAMES, SEQUENCE_NAMES

#: Raised whenever the same file is written in another way.
_VERSION = 2
#: A block, which is read as a whole, has no more rows, nor letters, about.
_BLOCK_ROWS, _BLOCK_LETTERS = 16_384, 4 << 20
#: Blocks that are looked at side by side.
_AT_ONCE = 4
#: Rows that tell how long sequences are.
_FIRST = 1_000
#: The column of row numbers, from 0.
_NUMBER = "number of the row"
_SEPARATORS = {".csv": ",", ".tsv": "\t", ".tab": "\t", ".txt": "\t"}
_PARQUET = (".parquet", ".pq")
#: Polars says of a disk that is full, in the midst of other words, what the system called it.
_SYSTEM_ERROR = re.compile(r"os error (\d+)")
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
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
        return digest_of([self._bytes, self._columns, _VERSION])

    @property
    def height(self) -> int:
        """How many rows there are."""
        return self._blocks.height

    @property
    def block(self) -> int:
        """How many rows are read at once at least."""
        return self._blocks.block

    @property
    def two_classes(self) -> bool:
        """Whether all that was measured is 0 or 1."""
        return self._blocks.two_classes

    def chunks(self) -> Iterator[tuple[int, int]]:
        """Cut all rows into what may be looked at at once: first row, and how many."""
        yield from _chunks(self.height, self.block)

    def rows(self, first: int, n: int) -> pl.DataFrame:
        """Read some rows, `item_id`, `sequence` and `truth` (Float64)."""
        start, end = first // self.block, -(-(first + n) // self.block)
        columns = ("item_id", "sequence", "truth")
        found = pl.concat([self._read(number, columns) for number in range(start, end)])
        return found[first - start * self.block :][:n]

    def items(self) -> pl.DataFrame:
        """Read all rows without their sequences.

        Returns
        -------
        polars.DataFrame
            `item_id`, `truth` (Float64) and `cluster`: numbered in the order of the names, or of
            the first row where sequences that are the same are one.
        """
        numbers = range(-(-self.height // self.block))
        if "cluster" in self._blocks.columns:
            columns = ("item_id", "truth", "cluster")
            items = pl.concat([self._read(number, columns) for number in numbers])
            return items.with_columns(_numbered("cluster"))
        columns = ("item_id", "truth", "sequence")
        # Its own number would not be the same everywhere; which rows share it is.
        shared = pl.col("sequence").str.to_uppercase().hash().alias("cluster")
        parts = [
            self._read(number, columns).select("item_id", "truth", shared) for number in numbers
        ]
        rows = pl.concat(parts).with_row_index("row")
        first_row = pl.col("row").first().over("cluster")
        return rows.with_columns(cluster=first_row).drop("row").with_columns(_numbered("cluster"))

    @cached_property
    def _bytes(self) -> str:
        return self._digest_now()

    def _digest_now(self) -> str:
        if not self._path.is_file():
            raise UsageError(f"{self._path}: there is no such file")
        try:
            return digest_of_file(self._path)
        except OSError as error:
            raise UsageError(f"{self._path}: cannot be read ({error.strerror})") from error

    def _read(self, number: int, columns: Sequence[str]) -> pl.DataFrame:
        try:
            return self._blocks.read(number, columns)
        except DamagedBlocksError:
            del self._blocks
            self._write(self._place)
            return self._blocks.read(number, columns)

    @cached_property
    def _blocks(self) -> PointBlocks:
        try:
            return PointBlocks(self._place)
        except DamagedBlocksError:
            self._write(self._place)
            return PointBlocks(self._place)

    @cached_property
    def _place(self) -> Path:
        return cache_folder("points") / f"{self.digest}.blocks"

    def _write(self, place: Path) -> None:
        """Write the table in blocks and check it; it is in its place once it is sound."""
        with writing(place), tempfile.TemporaryDirectory(dir=place.parent) as folder:
            raw, written = Path(folder) / "rows.parquet", Path(folder) / place.name
            block = self._sink(raw)
            # A copy stands for the bytes it is named by.
            if self._digest_now() != self._bytes:
                raise UsageError(
                    f"{self._path}: is not what it was at first (the file has changed); run again"
                )
            rows = pl.scan_parquet(raw)
            write_blocks(written, self._checked(rows, block), block)
            self._check_ids(rows)
            written.replace(place)
            sync_folder(place.parent)

    def _sink(self, raw: Path) -> int:
        """Write the rows as they are, and tell how many are to be a block."""
        try:
            chosen = self._chosen()
            block = _rows_of_a_block(chosen)
            chosen.sink_parquet(raw, row_group_size=block, compression="lz4")
        except (OSError, pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
            said = _SYSTEM_ERROR.search(str(error))
            if said is not None and (code := int(said[1])) in _NO_ROOM:
                raise OSError(code, os.strerror(code)) from error
            raise UsageError(
                f"{self._path}: cannot be read as a table ({one_line(error)})"
            ) from error
        return block

    def _chosen(self) -> pl.LazyFrame:
        """Give the columns under names of ours."""
        suffixes = [each.lower() for each in self._path.suffixes if each.lower() != ".gz"]
        kind = suffixes[-1] if suffixes else ""
        if kind in _PARQUET:
            source = pl.scan_parquet(self._path, row_index_name=_NUMBER)
        elif kind in _SEPARATORS:
            separator = _SEPARATORS[kind]
            source = pl.scan_csv(
                self._path,
                separator=separator,
                # Tables with tabs have no quotes: a stray one would swallow the rows to the next.
                quote_char=None if separator == "\t" else '"',
                infer_schema=False,
                row_index_name=_NUMBER,
            )
        else:
            known = ", ".join((*_PARQUET, *_SEPARATORS))
            raise UsageError(f"{self._path}: expected a name that ends in {known}")
        schema = source.collect_schema()
        _, *there = schema.names()
        asked = self._columns
        sequence = self._named(asked.sequence, SEQUENCE_NAMES, there)
        truth = self._named(asked.truth, ("truth", *LABEL_NAMES), there)
        if sequence is None or truth is None:
            what = "a sequence" if sequence is None else "what was measured"
            raise UsageError(
                f"{self._path}: no column for {what}; there are {', '.join(there)}. Name it in a "
                "declaration (points:FILE.toml)"
            )
        kind_of_truth = schema[truth]
        if not (kind_of_truth.is_numeric() or kind_of_truth in (pl.Boolean, pl.String)):
            raise UsageError(
                f"{self._path}: column '{truth}' is of type {kind_of_truth}; what was measured "
                "must be numbers, booleans or text"
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

    def _checked(self, written: pl.LazyFrame, block: int) -> Iterator[pl.DataFrame]:
        """Give the rows, some blocks at a time, once they are found to be sound."""
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
            # Where a quote is not closed, other rows are in it.
            "a line break in its id": _has_line_break("item_id"),
        }
        if "cluster" in written.collect_schema():
            faults["no cluster"] = _is_empty("cluster")
            faults["a line break in its cluster"] = _has_line_break("cluster")
        for first, rows in _chunks(n, block):
            frame = written.slice(first, rows).collect()
            bad = frame.select(**faults)
            for fault in faults:
                if bad[fault].any():
                    raise UsageError(
                        f"{self._path}, row {first + bad[fault].arg_true()[0] + 1}: {fault}"
                    )
            yield frame

    def _check_ids(self, written: pl.LazyFrame) -> None:
        ids = written.select("item_id").collect()["item_id"]
        if ids.n_unique() < len(ids):
            row = (~ids.is_first_distinct()).arg_true()[0]
            raise UsageError(f"{self._path}, row {row + 1}: '{ids[row]}' is the id of another row")


def _is_empty(column: str) -> pl.Expr:
    return pl.col(column).str.len_bytes().fill_null(0) == 0


def _has_line_break(column: str) -> pl.Expr:
    return pl.col(column).str.contains(r"[\r\n]").fill_null(value=False)


def _numbered(column: str) -> pl.Expr:
    return (pl.col(column).rank("dense") - 1).cast(pl.UInt32).alias(column)


def _rows_of_a_block(chosen: pl.LazyFrame) -> int:
    first = chosen.select("sequence").head(_FIRST).collect()["sequence"]
    letters = int(first.str.len_bytes().sum())
    return max(1, min(_BLOCK_ROWS, _BLOCK_LETTERS * len(first) // max(1, letters)))


def _chunks(height: int, block: int) -> Iterator[tuple[int, int]]:
    for first in range(0, height, _AT_ONCE * block):
        yield first, min(_AT_ONCE * block, height - first)
