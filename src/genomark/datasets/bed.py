"""Regions in BED files, and the chromosomes of an assembly that they lie on."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import IO

import polars as pl

from genomark.datasets.assemblies import assembly_name, chromosome_name, chromosomes
from genomark.errors import UsageError, one_line

#: Columns of `read_bed`.
BED_COLUMNS = {
    "chrom": pl.String,
    "start": pl.Int64,
    "end": pl.Int64,
    "name": pl.String,
    "score": pl.Float64,
    "strand": pl.String,
}
#: Regions of a file: the human genome in windows of 200 bases has 15 million.
MOST_REGIONS = 20_000_000
#: Letters of a file once unpacked, as of files of sequences.
MOST_LETTERS = 1 << 31
_LESS = "join regions that overlap, or leave out the columns from the fourth on"
_GZIP = b"\x1f\x8b"
_MOST_COLUMNS = 12
_LONGEST_LINE = 1_000_000
#: Rows that are Python objects at a time.
_BATCH = 10_000
#: Chromosomes a message names.
_NAMED = 3
_HEADINGS = {("start", "end"), ("chromstart", "chromend")}
_WHOLE = re.compile(r"\d{1,12}")

#: As many of `BED_COLUMNS` as the file has.
_Row = tuple[str | int | float | None, ...]


def read_bed(path: str | Path) -> pl.DataFrame:
    """Read the regions of a BED file (https://genome.ucsc.edu/FAQ/FAQformat.html#format1).

    Parameters
    ----------
    path : str or Path
        Plain, or packed with gzip or bgzip; 3 to 12 columns, with tabs or blanks between them.
        Lines that begin with ``#``, ``track`` or ``browser`` are passed over, and so is a line of
        headings before the first region.

    Returns
    -------
    polars.DataFrame
        `BED_COLUMNS`, in the order of the file; 0-based and half-open. Null where the file has no
        such column, or ``.``; columns from the seventh on are left out, since formats differ there.

    Raises
    ------
    UsageError
        If the file cannot be read, is damaged, has no region, more than `MOST_REGIONS` of them or
        more than `MOST_LETTERS`, or a line of it is none; the line is named.
    """
    path = Path(path)
    try:
        with path.open("rb") as handle:
            packed = handle.read(2) == _GZIP
        opened = gzip.open if packed else open
        with opened(path, "rt", encoding="utf-8-sig") as lines:
            parts = list(_parts(_rows(path, lines)))
    except OSError as error:
        raise UsageError(f"Cannot read {path}: {error.strerror or error}") from error
    except (EOFError, UnicodeDecodeError, zlib.error) as error:
        raise UsageError(f"{path}: damaged, or not BED ({error}); get it again") from error
    if not parts:
        raise UsageError(f"{path}: no region in it")
    # A column that the file does not have takes no room: it is added once, as one value.
    absent = {name: kind for name, kind in BED_COLUMNS.items() if name not in parts[0].columns}
    return pl.concat(parts).with_columns(
        pl.lit(None, dtype=kind).alias(name) for name, kind in absent.items()
    )


def normalised(places: pl.DataFrame, assembly: str) -> pl.DataFrame:
    """Name chromosomes as an assembly does: what lies on none of them has no chromosome.

    Places can be compared by their names once both sides went through this.

    Parameters
    ----------
    places : polars.DataFrame
        With a column `chrom`; names with ``chr`` or without.
    assembly : str
        Such as ``"hg38"``.

    Returns
    -------
    polars.DataFrame
        The same rows and columns; `chrom` with ``chr``, null on unplaced contigs, alternative
        haplotypes and whatever else is no assembled chromosome.

    Raises
    ------
    UnknownNameError
        If there is no such assembly.
    """
    assembly_name(assembly)
    names = places["chrom"].drop_nulls().unique().to_list()
    known = {name: _assembled(assembly, name) for name in names}
    return places.with_columns(
        pl.col("chrom").cast(pl.String).replace_strict(known, default=None, return_dtype=pl.String)
    )


def assembled_regions(regions: pl.DataFrame, assembly: str, where: str) -> pl.DataFrame:
    """Take the regions that lie on assembled chromosomes, named as the assembly names them.

    Parameters
    ----------
    regions : polars.DataFrame
        Columns `chrom`, `start` and `end`, as `read_bed` gives them.
    assembly : str
    where : str
        What messages call the file.

    Returns
    -------
    polars.DataFrame
        The same columns, in order, without those of other contigs.

    Raises
    ------
    UnknownNameError
        If there is no such assembly.
    UsageError
        If no region lies on an assembled chromosome, or one ends beyond its chromosome, as regions
        of another assembly do.
    """
    assembly = assembly_name(assembly)
    lengths = {name: found.length for name, found in chromosomes(assembly).items()}
    named = normalised(regions, assembly)
    length = pl.col("chrom").replace_strict(lengths, default=None, return_dtype=pl.Int64)
    beyond = named.select((pl.col("end") > length).arg_true()).to_series()
    if len(beyond):
        row = int(beyond[0])
        chrom, start, end = named.select("chrom", "start", "end").row(row)
        raise UsageError(
            f"{where}: region {row + 1:,}, {chrom}:{start}-{end}, ends beyond {chrom} of "
            f"{assembly}, which has {lengths[chrom]:,} positions; name the assembly that the file "
            "is of"
        )
    found = named.drop_nulls("chrom") if named["chrom"].has_nulls() else named
    if found.is_empty():
        there = regions["chrom"].unique(maintain_order=True).head(_NAMED).to_list()
        raise UsageError(
            f"{where}: none of its chromosomes ({one_line(', '.join(there))}, ...) is one of "
            f"{assembly}, which has {', '.join(list(lengths)[:_NAMED])}, ...; name the assembly "
            "that the file is of"
        )
    return found


def _assembled(assembly: str, name: str) -> str | None:
    try:
        return chromosome_name(assembly, name)
    except UsageError:
        return None


def _parts(rows: Iterator[_Row]) -> Iterator[pl.DataFrame]:
    """Make columns of some rows at a time, those columns alone that the file has."""
    while some := list(islice(rows, _BATCH)):
        schema = dict(islice(BED_COLUMNS.items(), len(some[0])))
        yield pl.DataFrame(some, schema=schema, orient="row")


def _rows(path: Path, lines: IO[str]) -> Iterator[_Row]:
    number = regions = width = letters = 0
    while line := lines.readline(_LONGEST_LINE):
        number += 1
        letters += len(line)
        if letters > MOST_LETTERS:
            raise UsageError(f"{path}: more than {MOST_LETTERS:,} letters, unpacked; {_LESS}")
        fields = line.rstrip("\r\n").split("\t") if "\t" in line else line.split()
        if not line.strip() or line.startswith("#") or fields[0] in ("track", "browser"):
            continue
        heading = tuple(field.strip().lower() for field in fields[1:3])
        if not regions and heading in _HEADINGS:
            continue
        regions += 1
        if regions > MOST_REGIONS:
            raise UsageError(f"{path}: more than {MOST_REGIONS:,} regions; {_LESS}")
        width = width or len(fields)
        try:
            yield _region(fields, width)[:width]
        except UsageError as error:
            raise UsageError(f"{path}, line {number}: {error}") from error


def _region(fields: list[str], width: int) -> _Row:
    if not 3 <= len(fields) <= _MOST_COLUMNS:
        raise UsageError(f"{len(fields)} columns; expected 3 to {_MOST_COLUMNS}: chrom, start, end")
    if len(fields) != width:
        raise UsageError(f"{len(fields)} columns where the first region has {width}")
    chrom, start, end = (field.strip() for field in fields[:3])
    name, score, strand = (_told(fields, at) for at in (3, 4, 5))
    if not chrom:
        raise UsageError("no chromosome")
    for place in (start, end):
        if not _WHOLE.fullmatch(place):
            raise UsageError(f"'{one_line(place)}' is no position; expected a whole number")
    if int(start) >= int(end):
        raise UsageError(f"start {start} is not below end {end}")
    if strand not in (None, "+", "-"):
        raise UsageError(f"strand is '{one_line(strand)}'; expected '+', '-' or '.'")
    try:
        number = None if score is None else float(score)
    except ValueError:
        raise UsageError(f"score is '{one_line(score)}'; expected a number") from None
    return chrom, int(start), int(end), name, number, strand


def _told(fields: list[str], at: int) -> str | None:
    field = fields[at].strip() if at < len(fields) else ""
    return field if field not in ("", ".") else None
