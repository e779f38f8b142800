"""From the bytes of a file to its rows: JSON, tables, parquet, FASTA, FASTQ, BED."""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import msgspec
import polars as pl

from genomark.datasets.git_lfs import LFS_POINTER
from genomark.errors import UsageError, one_line
from genomark.sequences.fasta import fasta_records, fastq_records
from genomark.sequences.records import Records, by_column

Format = Literal["json", "csv", "tsv", "parquet", "fasta", "fastq", "bed"]

#: Bytes a file may have once unpacked: more is a genome, or a trap.
UNPACKED_LIMIT = 1 << 31

_FORMAT_OF_SUFFIX: dict[str, Format] = {
    **dict.fromkeys((".json", ".jsonl", ".ndjson"), "json"),
    ".csv": "csv",
    **dict.fromkeys((".tsv", ".tab"), "tsv"),
    **dict.fromkeys((".parquet", ".pq"), "parquet"),
    **dict.fromkeys((".fasta", ".fa", ".fna", ".ffn", ".frn", ".fas"), "fasta"),
    **dict.fromkeys((".fastq", ".fq"), "fastq"),
    ".bed": "bed",
}
#: What a file of another name begins with.
_FORMAT_OF_START: dict[bytes, Format] = {
    b"PAR1": "parquet",
    b">": "fasta",
    b"@": "fastq",
    b"[": "json",
    b"{": "json",
}
#: What decoding raises; the second where lists lie in lists without end.
_NOT_JSON = (msgspec.DecodeError, RecursionError)
_BED_COLUMNS = ("chrom", "start", "end", "name", "score", "strand")
#: Keys under which a JSON object keeps its rows.
_ROWS = ("sequences", "data")


def read_records(path: Path, where: str) -> Records:
    """Read the rows of a file, packed with gzip or not.

    The name says what a file is (`.json`, `.jsonl`, `.csv`, `.tsv`, `.parquet`, `.fasta`, `.fa`,
    `.fastq`, `.bed` and the like, each also with `.gz`); of any other name, what it begins with.

    Parameters
    ----------
    path : Path
    where : str
        What messages call the file.

    Returns
    -------
    Records
        Of a table of text, all cells are text, and an empty one is None.

    Raises
    ------
    UsageError
        If the file is not there, cut short, no data, not of its format, or has no rows.
    """
    raw = _content(path, where)
    suffixes = [suffix.lower() for suffix in path.suffixes if suffix.lower() != ".gz"]
    kind = _FORMAT_OF_SUFFIX.get(suffixes[-1] if suffixes else "") or _sniffed(raw, where)
    records = _READERS[kind](raw, where)
    if not records.n:
        raise UsageError(f"{where}: no sequences in it")
    return records


def _content(path: Path, where: str) -> bytes:
    try:
        with path.open("rb") as handle:
            packed = handle.read(2) == b"\x1f\x8b"
        if packed:
            with gzip.open(path) as unpacked:
                raw = unpacked.read(UNPACKED_LIMIT + 1)
        else:
            # Room is made for all that is asked for, whether or not it is there.
            most = min(path.stat().st_size, UNPACKED_LIMIT) + 1
            with path.open("rb") as handle:
                raw = handle.read(most)
    except EOFError as error:
        raise UsageError(f"{where}: the gzip file is cut short; get it again") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise UsageError(f"{where}: the gzip file is damaged ({error}); get it again") from error
    except OSError as error:
        raise UsageError(f"Cannot read {where}: {error.strerror}") from error
    if len(raw) > UNPACKED_LIMIT:
        raise UsageError(f"{where}: more than {UNPACKED_LIMIT:,} bytes, unpacked; split it up")
    if raw.startswith(LFS_POINTER):
        raise UsageError(
            f"{where}: is a pointer, not the data (Git LFS); fetch the data with 'git lfs pull'"
        )
    return raw.removeprefix(b"\xef\xbb\xbf")


def _sniffed(raw: bytes, where: str) -> Format:
    start = raw[:4096].lstrip()
    for sign, kind in _FORMAT_OF_START.items():
        if start.startswith(sign):
            return kind
    header = start.split(b"\n", 1)[0]
    if b"\t" in header or b"," in header:
        return "tsv" if b"\t" in header else "csv"
    raise UsageError(
        f"{where}: cannot tell what this is; name it .json, .jsonl, .csv, .tsv, .parquet, .fasta, "
        ".fastq or .bed"
    )


def _text(raw: bytes, where: str) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise UsageError(f"{where}, line {line}: not UTF-8; save the file as UTF-8") from error


def _json(raw: bytes, where: str) -> Records:
    _text(raw, where)
    document = _json_document(raw, where)
    if isinstance(document, dict):
        key = next((key for key in _ROWS if isinstance(document.get(key), list)), None)
        document = [document] if key is None else document[key]
    rows = [{"sequence": row} if isinstance(row, str) else row for row in document]
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, dict):
            raise UsageError(
                f"{where}, row {number}: expected an object such as "
                '{"sequence": "ACGT", "label": 0}, found '
                f"{one_line(msgspec.json.encode(row).decode())[:60]}"
            )
    return by_column(rows, where)


def _json_document(raw: bytes, where: str) -> Any:
    """Decode a list, an object, or objects one a line."""
    stripped = raw.lstrip()
    try:
        return msgspec.json.decode(stripped)
    except _NOT_JSON as error:
        if not stripped.startswith(b"{"):
            raise UsageError(f"{where}: not JSON ({error})") from error
    rows = []
    for number, line in enumerate(raw.split(b"\n"), start=1):
        if line.strip():
            try:
                rows.append(msgspec.json.decode(line))
            except _NOT_JSON as error:
                raise UsageError(f"{where}, line {number}: not JSON ({error})") from error
    return rows


def _delimited(raw: bytes, where: str, separator: str) -> Records:
    if not raw.isascii():
        _text(raw, where)
    if not raw.strip():
        return Records(where, 0, {})
    try:
        frame = pl.read_csv(
            io.BytesIO(raw), separator=separator, has_header=False, infer_schema=False
        )
    except pl.exceptions.PolarsError as error:
        raise _misfit(raw, where, separator, error) from error
    names = [name or "" for name in frame.row(0)]
    if len(set(names)) < len(names):
        listed = one_line(", ".join(names))
        raise UsageError(f"{where}: two columns of one name in the header: {listed}")
    body = frame.slice(1)
    body.columns = names
    # A blank line is no row, but for a file of one column, where a message should tell of it.
    blank = body.select(pl.all_horizontal(pl.all().is_null())).to_series()
    if body.width > 1 and blank.any():
        body = body.filter(~blank)
    return Records(where, body.height, {name: body[name] for name in names})


def _misfit(raw: bytes, where: str, separator: str, error: Exception) -> UsageError:
    """Find the row that a parser refused; in its own words where it is none of the usual."""
    rows = csv.reader(io.StringIO(raw.decode(), newline=""), delimiter=separator)
    width = len(next(rows))
    for number, row in enumerate((row for row in rows if row), start=1):
        if len(row) > width:
            return UsageError(
                f"{where}, row {number}: {len(row)} cells, and the header has {width}"
            )
    return UsageError(f"{where}: not a table ({one_line(error)})")


def _csv(raw: bytes, where: str) -> Records:
    return _delimited(raw, where, ",")


def _tsv(raw: bytes, where: str) -> Records:
    return _delimited(raw, where, "\t")


def _parquet(raw: bytes, where: str) -> Records:
    try:
        frame = pl.read_parquet(io.BytesIO(raw))
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise UsageError(f"{where}: not parquet, or damaged ({one_line(error)})") from error
    # Cells that are lists become lists, which the others are anyway.
    columns: dict[str, Any] = {
        name: frame[name].to_list() if frame[name].dtype.is_nested() else frame[name]
        for name in frame.columns
    }
    return Records(where, frame.height, columns)


def _fasta(raw: bytes, where: str) -> Records:
    return fasta_records(_text(raw, where), where)


def _fastq(raw: bytes, where: str) -> Records:
    return fastq_records(_text(raw, where), where)


def _bed(raw: bytes, where: str) -> Records:
    """Read BED; a line ``#chrom ...`` is a header, and other lines with ``#`` are comments."""
    names = list(_BED_COLUMNS)
    rows: list[dict[str, str]] = []
    for number, line in enumerate(_text(raw, where).splitlines(), start=1):
        if line.startswith(("#chrom\t", "#chr\t")):
            names = ["chrom", *line.rstrip().split("\t")[1:]]
        if not line.strip() or line.startswith(("#", "track", "browser")):
            continue
        cells = line.split("\t")
        if len(cells) < 3:
            raise UsageError(
                f"{where}, line {number}: expected chrom, start and end, separated by tabs"
            )
        names += [f"column_{place + 1}" for place in range(len(names), len(cells))]
        rows.append(dict(zip(names, cells, strict=False)))
    records = by_column(rows, where)
    renamed = {"chromstart": "start", "chromend": "end"}
    columns = {renamed.get(name.casefold(), name): cells for name, cells in records.columns.items()}
    return Records(where, records.n, columns)


_READERS: dict[Format, Callable[[bytes, str], Records]] = {
    "json": _json,
    "csv": _csv,
    "tsv": _tsv,
    "parquet": _parquet,
    "fasta": _fasta,
    "fastq": _fastq,
    "bed": _bed,
}
