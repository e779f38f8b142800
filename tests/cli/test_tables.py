"""Names of files, and the tables in them, read back."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import polars as pl
import pytest

from genomark.cli.tables import TABLE_ENDINGS, check_ending, table_bytes
from genomark.errors import UsageError

ROWS = [
    {"id": "a", "value": 0.1, "n": 3, "good": True},
    {"id": 'b, "c"\td', "value": None, "n": -1, "good": False},
]
FRAME = pl.DataFrame(ROWS)


def content(ending: str) -> bytes:
    return table_bytes(FRAME, Path(f"some.file{ending}"))


@pytest.mark.parametrize(("ending", "separator"), [(".csv", ","), (".tsv", "\t")])
def test_text_has_a_header_and_quotes(ending: str, separator: str) -> None:
    found = list(csv.reader(io.StringIO(content(ending).decode()), delimiter=separator))
    assert found == [
        ["id", "value", "n", "good"],
        ["a", "0.1", "3", "true"],
        ['b, "c"\td', "", "-1", "false"],
    ]
    assert content(ending).endswith(b"false\n")


def test_json_is_a_list_of_rows_and_ends_in_a_line_feed() -> None:
    assert json.loads(content(".json")) == ROWS
    assert content(".json").endswith(b"]\n")


def test_jsonl_is_a_row_a_line() -> None:
    assert [json.loads(line) for line in content(".jsonl").splitlines()] == ROWS


def test_parquet_keeps_types() -> None:
    frame = pl.read_parquet(content(".parquet"))
    assert frame.schema == {"id": pl.String, "value": pl.Float64, "n": pl.Int64, "good": pl.Boolean}
    assert frame.to_dicts() == ROWS


def test_capitals_in_a_name_do_not_matter() -> None:
    for ending in TABLE_ENDINGS:
        check_ending(Path(f"X{ending.upper()}"), TABLE_ENDINGS)
        assert table_bytes(FRAME, Path(f"X{ending.upper()}")) == content(ending)


def test_nothing_to_write_has_no_ending() -> None:
    check_ending(None, TABLE_ENDINGS)


@pytest.mark.parametrize("name", ["out.txt", "out", ".csv", "out.csv.gz"])
def test_another_ending_is_refused_with_those_there_are(name: str) -> None:
    with pytest.raises(UsageError) as caught:
        check_ending(Path(name), (".csv", ".svg"))
    assert str(caught.value) == f"{name}: expected a name that ends in .csv, .svg"
