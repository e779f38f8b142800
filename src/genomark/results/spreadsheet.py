"""Tables as CSV that a spreadsheet may open: names in them come from strangers."""

from __future__ import annotations

import io

import polars as pl

#: A spreadsheet takes a text that begins so for a formula.
_FORMULA = r"^[=+\-@\t\r]"


def guarded_csv(table: pl.DataFrame) -> bytes:
    """Write a table as CSV; what would be taken for a formula begins with an apostrophe.

    Parameters
    ----------
    table : polars.DataFrame
        Only its columns of text are guarded: a number may begin with a sign.
    """
    strings = pl.col(pl.String)
    guarded = pl.when(strings.str.contains(_FORMULA)).then(pl.lit("'") + strings).otherwise(strings)
    buffer = io.BytesIO()
    table.with_columns(guarded.name.keep()).write_csv(buffer)
    return buffer.getvalue()
