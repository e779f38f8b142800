"""The process that decodes what a stranger calls a parquet file; see `decoding`.

Runs as a script, imports nothing of genomark, knows no label and no key. It can neither take much
memory or time nor write more than its answer, and before it looks at a byte of the file it gives up
the right to open any file, pipe or socket. Standard input is the file; standard output becomes the
values, float64, items by labels in their order, or with exit code 3 the reason of a refusal.
"""

from __future__ import annotations

import io
import json
import resource
import sys
from typing import NoReturn

#: Rows of another order are looked up; of this many wrong ones the first is shown.
_SHOWN = 60
_LABELS_SHOWN = 6
REFUSED = 3


def _give_up_files() -> None:
    """Let this process open nothing more, be it file, pipe or socket."""
    import polars as pl

    # Libraries open files at their first use: all that is used below is used once on rows of this
    # process's own.
    frame = pl.DataFrame({"item_id": ["a", "b"], "label": ["y", "y"], "value": [0.0, 1.0]})
    buffer = io.BytesIO()
    frame.write_parquet(buffer)
    asked = frame.select("item_id")
    _rows(buffer.getvalue())
    _answer(buffer.getvalue(), asked.reverse(), ["y"])
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))


def _limit(memory: int, seconds: int, answer: int) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_FSIZE, (answer, answer))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _refuse(reason: str) -> NoReturn:
    sys.stdout.buffer.write(reason.encode("ascii", "backslashreplace"))
    sys.stdout.buffer.flush()
    sys.exit(REFUSED)


def _main() -> None:
    order = json.loads(sys.argv[1])
    _limit(order["memory"], order["seconds"], order["answer"])
    import polars as pl

    asked = pl.read_parquet(order["ids"]).select("item_id")
    _give_up_files()
    content = sys.stdin.buffer.read()
    expected = {"item_id": pl.String(), "label": pl.String(), "value": pl.Float64()}
    found = dict(pl.read_parquet_schema(io.BytesIO(content)))
    if found != expected:
        columns = ", ".join(f"{name} {dtype}" for name, dtype in found.items())[:200]
        _refuse(f"columns are {columns}; expected item_id String, label String, value Float64")
    rows, labels = order["items"] * len(order["labels"]), order["labels"]
    told = _rows(content)
    if told != rows:
        _refuse(
            f"{told:,} rows; expected {rows:,}, one for each of {order['items']:,} items"
            + (f" and {len(labels)} labels" if len(labels) > 1 else "")
        )
    sys.stdout.buffer.write(_answer(content, asked, labels))


def _rows(content: bytes) -> int:
    """Count rows as the footer tells them; what it says wrongly is no parquet file."""
    import polars as pl

    found: int = pl.scan_parquet(io.BytesIO(content)).select(pl.len()).collect().item()
    return found


def _answer(content: bytes, asked, labels: list[str]) -> bytes:  # type: ignore[no-untyped-def]
    """Read the values in the order of the board, or refuse what is not asked."""
    import polars as pl

    frame = pl.read_parquet(io.BytesIO(content)).with_row_index("row", offset=1)
    _check_values(frame)
    whole = asked.join(pl.DataFrame({"label": labels}), how="cross", maintain_order="left_right")
    names = ["item_id", "label"]
    if not frame.select(names).equals(whole):
        _check_rows(frame, whole, labels)
        frame = whole.join(frame, on=names, how="left", maintain_order="left")
    values: bytes = frame["value"].to_numpy().tobytes()
    return values


def _check_values(frame) -> None:  # type: ignore[no-untyped-def]
    import polars as pl

    wrong = frame.filter(pl.any_horizontal(pl.all().is_null()) | pl.col("value").is_finite().not_())
    if wrong.height:
        _refuse(
            f"row {wrong['row'][0]:,} has no id, no label or no finite value, one of "
            f"{wrong.height:,} such rows; expected a finite number in each"
        )


def _check_rows(frame, asked, labels: list[str]) -> None:  # type: ignore[no-untyped-def]
    names = ["item_id", "label"]
    strange = frame.join(asked, on=names, how="anti", maintain_order="left")
    if strange.height:
        row = strange.row(0, named=True)
        shown = ascii(row["item_id"][:_SHOWN]), ascii(row["label"][:_SHOWN])
        _refuse(
            f"row {row['row']:,}: item {shown[0]}, label {shown[1]} is not asked, nor are "
            f"{strange.height - 1:,} other rows; expected items such as "
            f"{asked['item_id'][0][:_SHOWN]!a}, each with {_named(labels)} (of a file of sequences "
            "items are numbered by their rows, of one of coordinates named by their places: run "
            "on the other)"
        )
    twice = frame.filter(frame.select(names).is_duplicated())
    if twice.height:
        row = twice.row(0, named=True)
        _refuse(
            f"row {row['row']:,}: item {row['item_id'][:_SHOWN]!a} is there twice, and "
            f"{asked.join(frame, on=names, how='anti').height:,} items are missing"
        )


def _named(labels: list[str]) -> str:
    shown = ", ".join(ascii(label[:_SHOWN]) for label in labels[:_LABELS_SHOWN])
    more = len(labels) - _LABELS_SHOWN
    return f"label {shown}" + (f" and {more} more" if more > 0 else "")


_main()
