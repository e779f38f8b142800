"""The process that decodes what a stranger calls a parquet file; see `decoding`.

Runs as a script, imports nothing of genomark, knows no label and no key, and can neither take much
memory or time nor write more than its answer. Standard input is the file; standard output becomes
the values, float64, items by labels in their order, or with exit code 3 the reason of a refusal.
"""

from __future__ import annotations

import io
import json
import resource
import sys
from typing import NoReturn

#: Rows of another order are looked up; of this many wrong ones the first is shown.
_SHOWN = 60
REFUSED = 3


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

    content = sys.stdin.buffer.read()
    expected = {"item_id": pl.String(), "label": pl.String(), "value": pl.Float64()}
    found = dict(pl.read_parquet_schema(io.BytesIO(content)))
    if found != expected:
        columns = ", ".join(f"{name} {dtype}" for name, dtype in found.items())[:200]
        _refuse(f"columns are {columns}; expected item_id String, label String, value Float64")
    rows, labels = order["items"] * len(order["labels"]), order["labels"]
    # The footer says how many rows there are; what it says wrongly is no parquet file.
    told = pl.scan_parquet(io.BytesIO(content)).select(pl.len()).collect().item()
    if told != rows:
        _refuse(
            f"{told:,} rows; expected {rows:,}, one for each of {order['items']:,} items"
            + (f" and {len(labels)} labels" if len(labels) > 1 else "")
        )
    frame = pl.read_parquet(io.BytesIO(content)).with_row_index("row", offset=1)
    _check_values(frame)
    asked = pl.read_parquet(order["ids"]).select("item_id")
    asked = asked.join(pl.DataFrame({"label": labels}), how="cross", maintain_order="left_right")
    names = ["item_id", "label"]
    if not frame.select(names).equals(asked):
        _check_rows(frame, asked)
        frame = asked.join(frame, on=names, how="left", maintain_order="left")
    sys.stdout.buffer.write(frame["value"].to_numpy().tobytes())


def _check_values(frame) -> None:  # type: ignore[no-untyped-def]
    import polars as pl

    wrong = frame.filter(pl.any_horizontal(pl.all().is_null()) | pl.col("value").is_finite().not_())
    if wrong.height:
        _refuse(
            f"row {wrong['row'][0]:,} has no id, no label or no finite value, one of "
            f"{wrong.height:,} such rows; expected a finite number in each"
        )


def _check_rows(frame, asked) -> None:  # type: ignore[no-untyped-def]
    names = ["item_id", "label"]
    strange = frame.join(asked, on=names, how="anti", maintain_order="left")
    if strange.height:
        row = strange.row(0, named=True)
        shown = ascii(row["item_id"][:_SHOWN]), ascii(row["label"][:_SHOWN])
        _refuse(
            f"row {row['row']:,}: item {shown[0]}, label {shown[1]} is not asked, nor are "
            f"{strange.height - 1:,} other rows; expected the items and labels of the benchmark"
        )
    twice = frame.filter(frame.select(names).is_duplicated())
    if twice.height:
        row = twice.row(0, named=True)
        _refuse(
            f"row {row['row']:,}: item {row['item_id'][:_SHOWN]!a} is there twice, and "
            f"{asked.join(frame, on=names, how='anti').height:,} items are missing"
        )


_main()
