"""The process that unpacks what a stranger calls a parquet file; see `untrusted`.

Runs as a script and imports nothing of genomark. It takes no more memory or time than it is told,
and before it looks at a byte of the file it gives up the right to open any file, pipe or socket.
Standard input is the file; what is wrong with it becomes standard output, with exit code 3.
"""

from __future__ import annotations

import io
import resource
import sys
from typing import NoReturn

REFUSED = 3
_PLAIN = ("String", "Boolean", "Float32", "Float64", "Int8", "Int16", "Int32", "Int64")
_ALLOWED = frozenset((*_PLAIN, *(f"U{name}" for name in _PLAIN if name.startswith("Int"))))


def _refuse(reason: str) -> NoReturn:
    sys.stdout.buffer.write(reason.encode("ascii", "backslashreplace"))
    sys.stdout.buffer.flush()
    sys.exit(REFUSED)


def _main() -> None:
    memory, seconds, most_rows, answer = map(int, sys.argv[1:])
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_FSIZE, (answer, answer))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    import polars as pl

    # Libraries open files at their first use: all that is used below is used once before.
    buffer = io.BytesIO()
    pl.DataFrame({"item_id": ["a"], "task": ["b"], "value": [[0.0]]}).write_parquet(buffer)
    _check(buffer.getvalue(), most_rows)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))
    _check(sys.stdin.buffer.read(), most_rows)


def _check(content: bytes, most_rows: int) -> None:
    import polars as pl

    schema = dict(pl.read_parquet_schema(io.BytesIO(content)))
    for name, kind in schema.items():
        inner = kind.inner if isinstance(kind, pl.List) else kind
        if str(inner) not in _ALLOWED:
            _refuse(f"column {name[:60]!a} is {str(kind)[:60]}; expected text, numbers or lists")
    if not {"item_id", "task", "value"} <= set(schema):
        _refuse(f"columns are {', '.join(schema)[:200]}; expected item_id, task and value")
    rows = pl.scan_parquet(io.BytesIO(content)).select(pl.len()).collect().item()
    if rows > most_rows:
        _refuse(f"{rows:,} rows; expected {most_rows:,} at most")
    pl.read_parquet(io.BytesIO(content))


_main()
