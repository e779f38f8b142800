"""Read files from outside: unpacked under a cap, refused in one line where they are not data."""

from __future__ import annotations

import csv
import gzip
import io
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from genomark.errors import UsageError

#: Bytes a file may have once unpacked.
UNPACKED_LIMIT = 1 << 30

_WEB_PAGE = (b"<!doctype html", b"<html")


def read_data(path: Path, *, limit: int = UNPACKED_LIMIT) -> bytes:
    """Read a file, unpacking gzip and zip by what they begin with.

    Parameters
    ----------
    path : Path
        A zip holds one file, folders and what macOS adds not counted.
    limit : int
        Bytes the content may have; nothing beyond them is unpacked.

    Raises
    ------
    UsageError
        When the file is not there, empty, larger than `limit`, cut short or damaged, or is a web
        page.
    """
    try:
        if (packing := _packing(path)) == "zip":
            content = _unzipped(path, limit)
        elif packing == "gzip":
            with gzip.open(path) as packed:
                content = packed.read(limit + 1)
        else:
            with path.open("rb") as plain:
                content = plain.read(limit + 1)
    except EOFError as error:
        raise UsageError(f"{path}: the gzip file is cut short; get it again") from error
    except (gzip.BadGzipFile, zipfile.BadZipFile, zlib.error, NotImplementedError) as error:
        raise UsageError(f"{path}: cut short or damaged ({error}); get it again") from error
    except OSError as error:
        raise UsageError(f"Cannot read {path}: {error.strerror or error}") from error
    if len(content) > limit:
        raise UsageError(f"{path}: more than {limit:,} bytes, unpacked; that is no file of tasks")
    return _checked(path, content)


def check_plain(path: Path) -> None:
    """Return quietly if a file is data and not packed.

    Raises
    ------
    UsageError
        As `read_data`, and when it is packed.
    """
    read_data(path)
    if packing := _packing(path):
        raise UsageError(f"{path}: packed ({packing}); unpack it first")


def read_text(path: Path, *, limit: int = UNPACKED_LIMIT) -> str:
    """Read a UTF-8 text, unpacked; a byte order mark is left out.

    Raises
    ------
    UsageError
        As `read_data`, and when it is no UTF-8.
    """
    try:
        return read_data(path, limit=limit).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{path}: not UTF-8 text ({error.reason} at byte {error.start})"
        ) from error


def read_columns(
    path: Path, columns: Sequence[str], *, separator: str, optional: Sequence[str] = ()
) -> pl.DataFrame:
    """Read some columns of a table with a header, as strings without blanks around them.

    Parameters
    ----------
    path : Path
        CSV or TSV, packed or not; fields may be quoted.
    columns : sequence of str
        Those that must be there.
    separator : str
        ``,`` or a tab.
    optional : sequence of str
        More that are read where they are there.

    Returns
    -------
    polars.DataFrame
        `columns`, then those of `optional` that are there. Empty cells are ``""``: ``NA`` is the
        symbol of a gene. Blank lines are no rows.

    Raises
    ------
    UsageError
        As `read_text`, and when a column is missing, a row has too many fields or the last one too
        few, or there is no row.
    """
    text = read_text(path)
    frame = _parsed(path, text, separator)
    missing = [column for column in columns if column not in frame.columns]
    if missing:
        raise UsageError(
            f"{path}: no column {_quoted(missing)}. Its columns are {_quoted(frame.columns[:8])}"
            f"{' and others' if frame.width > 8 else ''}: is it the right file?"
        )
    _check_end(path, text, separator, frame.width)
    rows = frame.filter(~pl.all_horizontal(pl.all().is_null()))
    if rows.is_empty():
        raise UsageError(f"{path}: a header and no row below it")
    there = [*columns, *(column for column in optional if column in frame.columns)]
    return rows.select(pl.col(there).fill_null("").str.strip_chars())


def _parsed(path: Path, text: str, separator: str) -> pl.DataFrame:
    try:
        return pl.read_csv(io.StringIO(text), separator=separator, infer_schema=False)
    except pl.exceptions.PolarsError as error:
        reason = str(error).strip().partition("\n")[0]
        raise UsageError(f"{path}: not a table with a header ({reason})") from error


def _check_end(path: Path, text: str, separator: str, width: int) -> None:
    """Refuse a text that breaks off within a row."""
    if text.endswith("\n"):
        return
    (fields,) = csv.reader([text[text.rfind("\n") + 1 :]], delimiter=separator)
    if len(fields) < width:
        raise UsageError(
            f"{path}: cut short: the last row has {len(fields)} of {width} fields; get it again"
        )


def _packing(path: Path) -> str | None:
    with path.open("rb") as stream:
        head = stream.read(2)
    return {b"PK": "zip", b"\x1f\x8b": "gzip"}.get(head)


def _unzipped(path: Path, limit: int) -> bytes:
    with zipfile.ZipFile(path) as archive:
        members = [
            member
            for member in archive.infolist()
            if not member.is_dir() and not member.filename.startswith("__MACOSX/")
        ]
        if len(members) != 1:
            raise UsageError(f"{path}: holds {len(members)} files where there should be one")
        if members[0].flag_bits & 1:
            raise UsageError(f"{path}: protected by a password; unpack it first")
        # Judged before anything is unpacked; the module never unpacks more than is declared.
        if members[0].file_size > limit:
            raise UsageError(
                f"{path}: {members[0].file_size:,} bytes unpacked, more than {limit:,}; that is no "
                "file of tasks"
            )
        return archive.read(members[0])


def _checked(path: Path, content: bytes) -> bytes:
    if not content.strip():
        raise UsageError(f"{path}: the file is empty")
    if content[:256].lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith(_WEB_PAGE):
        raise UsageError(f"{path}: a web page, perhaps of an error, where data should be")
    return content


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)
