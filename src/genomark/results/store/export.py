"""What leaves a store as a file: a table of results, or their documents."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import msgspec
import polars as pl

from genomark.atomic import write_whole
from genomark.errors import UsageError
from genomark.results.collection import Results
from genomark.results.spreadsheet import guarded_csv
from genomark.results.store.entry import Entry
from genomark.results.store.store import Store

ENDINGS = (".parquet", ".csv", ".json")
_NUMBERS = {
    **dict.fromkeys(
        ("number", "item_limit", "seed", "n", "n_clusters", "asked", "answered"), pl.Int64
    ),
    **dict.fromkeys(("peak_rss_bytes", "attempts"), pl.Int64),
    **dict.fromkeys(("value", "low", "high", "wall_seconds", "cpu_seconds"), pl.Float64),
}


def entries_frame(entries: Sequence[Entry]) -> pl.DataFrame:
    """Lay results one below the other; columns as `Entry` has them."""
    names = Entry.__struct_fields__
    schema = {name: _NUMBERS.get(name, pl.String) for name in names}
    rows = [msgspec.structs.astuple(each) for each in entries]
    return pl.DataFrame(rows, schema=schema, orient="row")


def export(store: Store, entries: Sequence[Entry], path: Path) -> None:
    """Write results to a file: ``.csv`` or ``.parquet`` as a table, ``.json`` in full.

    In CSV a text that a spreadsheet would take for a formula begins with an apostrophe.

    Parameters
    ----------
    store : Store
    entries : sequence of Entry
        Of this store.
    path : Path
        What ends in ``.json``, `genomark.results.load_results` reads.

    Raises
    ------
    UsageError
        For any other ending.
    WriteError
        If it cannot be written.
    """
    if path.suffix not in ENDINGS:
        raise UsageError(f"{path}: expected a name ending in {', '.join(ENDINGS)}")
    if path.suffix == ".json":
        results = store.results(each.id for each in entries)
        write_whole(path, Results(results).to_json())
        return
    frame = entries_frame(entries)
    if path.suffix == ".csv":
        write_whole(path, guarded_csv(frame))
        return
    buffer = io.BytesIO()
    frame.write_parquet(buffer, compression="zstd")
    write_whole(path, buffer.getvalue())
