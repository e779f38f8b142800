"""Tables of text: every cell is what the file says, and ``NA`` is a gene."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import polars as pl

from genomark.errors import UsageError


def read_text_table(path: Path, separator: str = ",", *, repeats: bool = False) -> pl.DataFrame:
    """Read a delimited file with a header, guessing nothing.

    Blank lines are passed over, but for a file of one column, where a blank line is an empty cell
    unless it comes after the last row.

    Parameters
    ----------
    path : Path
        UTF-8, with or without a byte-order mark; lines end in LF or CRLF.
    separator : str
        One character.
    repeats : bool
        Whether a column name may be there again; the second ``symbol`` is then ``symbol.1``.

    Returns
    -------
    polars.DataFrame
        All columns String, without nulls: an empty cell is an empty string.

    Raises
    ------
    UsageError
        If there is no such file, it is not UTF-8, its rows differ in length, or a column has no
        name or that of another.
    """
    text = read_text(path)
    if not text.strip():
        raise UsageError(f"{path}: empty; expected a header and rows")
    frame = _parsed(text.encode(), separator)
    if frame is None:
        frame = _walked(text, separator, path)
    header = ["" if name is None else str(name) for name in frame.row(0)]
    names = _column_names(header, path, repeats=repeats)
    body = frame.slice(1)
    if len(names) == 1:
        filled = body.to_series().is_not_null().arg_true()
        body = body.head(filled[-1] + 1 if len(filled) else 0)
    body.columns = names
    return body.fill_null("")


def read_text(path: Path) -> str:
    """Read a file as text.

    Parameters
    ----------
    path : Path
        UTF-8; a byte-order mark is no part of the text.

    Raises
    ------
    UsageError
        If there is no such file, it cannot be read, or it is not UTF-8.
    """
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise UsageError(f"{path}: no such file") from None
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror})") from error
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise UsageError(f"{path}, line {line}: not UTF-8; save the file as UTF-8") from error


def _parsed(raw: bytes, separator: str) -> pl.DataFrame | None:
    """Parse at full speed; None where the rows do not all have as many cells as the first.

    Rows that are too long make the parser fail. Short ones it fills up with nulls, which an empty
    cell is, too: they show in the number of separators.
    """
    try:
        frame = pl.read_csv(
            io.BytesIO(raw), separator=separator, has_header=False, infer_schema=False
        )
    except pl.exceptions.PolarsError:
        return None
    if frame.width == 1 or not frame.to_series(frame.width - 1).null_count():
        return frame
    inside = frame.select(
        pl.sum_horizontal(pl.all().str.count_matches(separator, literal=True).sum())
    ).item()
    between = frame.height * (frame.width - 1)
    return frame if raw.count(separator.encode()) == between + inside else None


def _walked(text: str, separator: str, path: Path) -> pl.DataFrame:
    """Parse line by line, to say where the fault lies or to find that there is none."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    rows: list[list[str] | list[None]] = []
    width = 0
    try:
        for row in reader:
            if not row and width != 1:
                continue
            width = width or len(row)
            if row and len(row) != width:
                raise UsageError(
                    f"{path}, line {reader.line_num}: expected {width} cells as in the header, "
                    f"found {len(row)}"
                )
            rows.append(row or [None])
    except csv.Error as error:
        raise UsageError(f"{path}, line {reader.line_num}: {error}") from error
    columns = zip(*rows, strict=True)
    return pl.DataFrame(
        [pl.Series(str(place), cells, pl.String) for place, cells in enumerate(columns)]
    )


def _column_names(header: list[str], path: Path, *, repeats: bool) -> list[str]:
    names: list[str] = []
    for place, name in enumerate(header, start=1):
        if not name.strip():
            hint = "; an index that pandas wrote? Write with index=False" if place == 1 else ""
            raise UsageError(f"{path}: column {place} has no name{hint}")
        if name in names and not repeats:
            raise UsageError(f"{path}: there is more than one column '{name}'")
        again = header[: place - 1].count(name)
        names.append(f"{name}.{again}" if again else name)
    if len(set(names)) < len(names):
        raise UsageError(f"{path}: column names that cannot be told apart: {', '.join(header)}")
    return names
