"""Files that commands write: their endings, and tables in the formats these name."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from genomark.errors import UsageError

if TYPE_CHECKING:
    import polars as pl


def check_ending(path: Path | None, endings: Iterable[str]) -> None:
    """Refuse a name before any work is done for what it is to hold.

    Parameters
    ----------
    path : Path or None
        None where nothing is to be written.
    endings : iterable of str
        Each with its dot and in small letters; the name may have capitals.

    Raises
    ------
    UsageError
        If the name has none of them.
    """
    known = tuple(endings)
    if path is not None and path.suffix.lower() not in known:
        raise UsageError(f"{path}: expected a name that ends in {', '.join(known)}")


def table_bytes(frame: pl.DataFrame, path: Path) -> bytes:
    """Give what a file of this name holds; it ends in one of `TABLE_ENDINGS`."""
    return _WRITERS[path.suffix.lower()](frame)


def _parquet(frame: pl.DataFrame) -> bytes:
    content = io.BytesIO()
    frame.write_parquet(content)
    return content.getvalue()


_WRITERS: dict[str, Callable[[pl.DataFrame], bytes]] = {
    ".csv": lambda frame: frame.write_csv().encode(),
    ".tsv": lambda frame: frame.write_csv(separator="\t").encode(),
    ".parquet": _parquet,
    ".json": lambda frame: frame.write_json().encode() + b"\n",
    ".jsonl": lambda frame: frame.write_ndjson().encode(),
}
TABLE_ENDINGS = tuple(_WRITERS)
