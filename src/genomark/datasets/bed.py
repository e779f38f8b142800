"""Regions in BED files."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import polars as pl

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
_GZIP = b"\x1f\x8b"
_MOST_COLUMNS = 12
_LONGEST_LINE = 1_000_000
_HEADINGS = {("start", "end"), ("chromstart", "chromend")}
_WHOLE = re.compile(r"\d{1,12}")

_Row = tuple[str, int, int, str | None, float | None, str | None]


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
        If the file cannot be read, has no region, or a line of it is none; the line is named.
    """
    path = Path(path)
    try:
        with path.open("rb") as handle:
            packed = handle.read(2) == _GZIP
        with gzip.open(path, "rt") if packed else path.open() as lines:
            rows = list(_rows(path, lines))
    except OSError as error:
        raise UsageError(f"Cannot read {path}: {error.strerror or error}") from error
    except (EOFError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: damaged, or not BED ({error}); get it again") from error
    if not rows:
        raise UsageError(f"{path}: no region in it")
    return pl.DataFrame(rows, schema=BED_COLUMNS, orient="row")


def _rows(path: Path, lines: IO[str]) -> Iterator[_Row]:
    number = regions = width = 0
    while line := lines.readline(_LONGEST_LINE):
        number += 1
        fields = line.rstrip("\r\n").split("\t") if "\t" in line else line.split()
        if not line.strip() or line.startswith("#") or fields[0] in ("track", "browser"):
            continue
        heading = tuple(field.strip().lower() for field in fields[1:3])
        if not regions and heading in _HEADINGS:
            continue
        regions += 1
        width = width or len(fields)
        try:
            yield _region(fields, width)
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
