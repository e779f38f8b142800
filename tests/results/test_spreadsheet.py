"""No text of a table begins a formula where its CSV is opened."""

from __future__ import annotations

import csv
import io

import polars as pl
import pytest

from genomark.results.spreadsheet import guarded_csv


def cells(table):
    return list(csv.reader(io.StringIO(guarded_csv(table).decode(), newline="")))


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_what_begins_a_formula_gets_an_apostrophe(start):
    text = f'{start}HYPERLINK("x")'
    table = pl.DataFrame({"name": [text, f"a{text}"]})
    assert cells(table) == [["name"], [f"'{text}"], [f"a{text}"]]


def test_numbers_keep_their_sign():
    table = pl.DataFrame({"value": [-0.5, 1e-9], "n": [-1, 2]})
    assert [list(map(float, row)) for row in cells(table)[1:]] == [[-0.5, -1.0], [1e-9, 2.0]]
