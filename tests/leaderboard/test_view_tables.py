"""The twins of pages as tables: what is in them is what the views tell."""

import io

import polars as pl
import pytest
from small_store import add, opened, right

from genomark.leaderboard.benchmark_view import benchmark, pairs
from genomark.leaderboard.board import Board
from genomark.leaderboard.front_view import front
from genomark.leaderboard.model_view import model
from genomark.leaderboard.query import Query
from genomark.leaderboard.tables import (
    benchmark_table,
    model_table,
    pairs_table,
    scores_table,
    written,
)


@pytest.fixture(scope="module")
def board(tmp_path_factory):
    with opened(tmp_path_factory.mktemp("tables")) as store:
        for place, id in enumerate(("m", '=HYPERLINK("x")', "comma, and\nline")):
            for benchmark_id in ("b", "c"):
                add(store, benchmark_id, id, right(0.5 + place / 10, seed=place))
        add(store, "c", "none", None)
        yield Board(store)


def view_of(board, make, *slug):
    return make(board, board.snapshot(), *slug, Query())


def test_the_table_of_the_front_page_has_a_row_for_each_score(board):
    view = view_of(board, front)
    table = scores_table(view)
    told = [
        (line.model.id, column.id, score.value, score.low, score.rank_first, score.result)
        for line in view.lines
        for column, score in zip(view.columns, line.scores, strict=True)
        if score
    ]
    columns = ("model", "benchmark", "value", "low", "rank_first", "result")
    assert table.select(columns).rows() == told
    assert len(table) == 7


def test_the_table_of_a_benchmark_has_further_metrics(board):
    view = view_of(board, benchmark, "c")
    table = benchmark_table(view)
    assert table["model"].to_list() == [each.model.id for each in view.lines]
    assert table["other pearson"].to_list() == [0.5] * 4
    assert table["other pearson low"].to_list() == [0.4] * 4
    assert table["wall_seconds"].to_list() == [12.5] * 4
    assert table.filter(model="none")["reason"].to_list() == ["constant"]
    assert table["leakage"].null_count() == 4


def test_the_table_of_pairs_is_that_of_the_view(board):
    view = view_of(board, pairs, "c")
    table = pairs_table(view)
    assert len(table) == len(view) == 3
    assert table.row(0) == tuple(getattr(view[0], name) for name in table.columns)


def test_the_table_of_a_model_has_its_places(board):
    view = view_of(board, model, "m")
    table = model_table(view)
    assert table["benchmark"].to_list() == ["b", "c"]
    assert table["place"].to_list() == [each.place for each in view.scores]


def test_files_hold_what_tables_do(board):
    table = scores_table(view_of(board, front))
    assert pl.read_parquet(io.BytesIO(written(table, "parquet"))).equals(table)
    read = pl.read_csv(io.BytesIO(written(table, "csv")), schema=table.schema)
    assert read.drop("model").equals(table.drop("model"))


def test_a_name_is_no_formula_of_a_spreadsheet(board):
    table = scores_table(view_of(board, front))
    text = written(table, "csv").decode()
    assert "\"'=HYPERLINK" in text
    read = pl.read_csv(text.encode())
    assert set(read["model"]) == {"m", "none", "comma, and\nline", '\'=HYPERLINK("x")'}
    assert not any(name.startswith(("=", "+", "-", "@")) for name in read["model"])


def test_an_empty_board_has_empty_tables_with_all_columns(tmp_path):
    with opened(tmp_path) as store:
        table = scores_table(view_of(Board(store), front))
    assert len(table) == 0
    assert "rank_first" in table.columns
    assert written(table, "csv").decode().startswith("owner,model,benchmark")
