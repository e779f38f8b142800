"""What pages say of their own limits."""

import numpy as np
import pytest
from small_store import ITEMS, add, opened, right
from test_board_views import ask, ids
from test_leaderboard_app import ask as ask_app

from genomark.errors import UsageError, WriteError
from genomark.leaderboard import benchmark_view, export
from genomark.leaderboard.app import leaderboard_app
from genomark.leaderboard.benchmark_view import benchmark
from genomark.leaderboard.board import Board
from genomark.leaderboard.export import export_static
from genomark.leaderboard.model_view import model
from genomark.leaderboard.suite_view import suite
from genomark.results.store import Store


@pytest.fixture
def store(tmp_path):
    with opened(tmp_path) as store:
        yield store


def test_a_metric_that_is_not_known_is_told(store):
    add(store, "b", "m", right(0.5), metric="wow")
    board = Board(store)
    page = ask(board, benchmark, "benchmark", "b")
    assert any("whether more of wow is better" in each for each in page.notes)
    assert page.lines[0].score.value == 0.5
    notes = ask(board, suite, "suite", "other").notes
    assert any("Nothing is ranked on b" in each for each in notes)


def test_pairs_that_are_not_paired_are_counted(store):
    add(store, "b", "m", right(0.5))
    add(store, "b", "n", right(0.7))
    add(store, "b", "told", 0.6, interval=(0.5, 0.7), standing="self-reported")
    notes = ask(Board(store), benchmark, "benchmark", "b").notes
    assert any(each.startswith("2 of 3 pairs are compared as independent") for each in notes)


def test_too_many_tie_sets_are_not_listed_and_told(store, monkeypatch):
    for number in range(3):
        add(store, "b", f"m{number}", right(0.5, seed=number))
    monkeypatch.setattr(benchmark_view, "tie_sets", lambda tied: None)
    page = ask(Board(store), benchmark, "benchmark", "b")
    assert page.tie_sets == []
    assert any("tie sets: they are not listed" in each for each in page.notes)


def test_columns_that_some_lack_are_told(store):
    for task in ("one", "two"):
        add(store, task, "m", right(0.5))
    add(store, "one", "n", right(0.6))
    page = ask(Board(store), suite, "suite", "other")
    assert page.complete == 1
    assert any(each.startswith("1 of 2 benchmarks have a score of every") for each in page.notes)


def test_another_metric_is_shown_as_a_reason(store):
    add(store, "b", "m", right(0.5))
    add(store, "b", "n", 3.0, metric="mse", standing="self-reported")
    lines = ask(Board(store), benchmark, "benchmark", "b").lines
    assert lines[1].score.reason == "reported by another metric: mse"
    assert lines[1].score.value is None


def test_why_a_result_is_not_verified_is_a_note(store):
    from synthetic_board import made_result

    store.add(made_result("b", "accuracy", "m", 0.5), reason="its data are not at hand")
    (line,) = ask(Board(store), benchmark, "benchmark", "b").lines
    assert line.notes == ["made up", "its data are not at hand"]


def test_lines_are_sorted_by_cost_and_by_another_metric(store):
    from synthetic_board import made_result

    from genomark.scoring import Cost

    for id, seconds in (("slow", 9.0), ("fast", 1.0), ("untold", 0.0)):
        cost = Cost(seconds, seconds, 5, 0, 0)
        store.add(made_result("b", "accuracy", id, 0.5, cost=cost))
        store.add(made_result("c", "accuracy", id, 0.5, cost=cost))
    board = Board(store)
    assert ids(ask(board, benchmark, "benchmark", "b", sort="cost").lines) == [
        "fast",
        "slow",
        "untold",
    ]
    down = ask(board, benchmark, "benchmark", "b", sort="cost", order="desc").lines
    assert ids(down) == ["slow", "fast", "untold"]
    assert down[-1].cost is None
    assert ask(board, model, "model", "untold").cost is None
    found = ask(board, model, "model", "slow", sort="cost")
    assert (found.cost.wall_seconds, found.cost.peak_rss_bytes) == (18.0, 5)
    assert len(ask(board, model, "model", "slow", sort="rank").scores) == 2
    assert len(ask(board, model, "model", "slow", sort="place").scores) == 2


def test_one_column_is_enough_for_a_place(store):
    for id, share in (("a", 0.2), ("b", 0.9)):
        add(store, "b", id, right(share))
    board = Board(store)
    assert [ask(board, model, "model", id).scores[0].place for id in "ab"] == [0.0, 1.0]


def test_a_board_whose_files_are_elsewhere_has_no_predictions(tmp_path):
    with opened(tmp_path) as store:
        id = add(store, "b", "m", right(0.5), predictions=b"bytes")
    with Store.open(tmp_path / "store") as store:
        store._files = None
        app = leaderboard_app(store)
        answer = ask_app(app, f"/predictions/{id}.parquet")
        assert answer.status_code == 404
        assert str(tmp_path) not in answer.text
        assert ask_app(app, "/benchmarks/b").status_code == 200


def test_an_export_beside_which_nothing_can_be_written_says_so(store, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises((WriteError, UsageError), match="file"):
        export_static(store, tmp_path / "file" / "site")


def test_numbers_of_a_script_are_short():
    assert export._short(1 / 3) == 0.333333
    assert export._short(None) is None
    assert export._short(ITEMS) == ITEMS
    assert export._short(float(np.float64(1e-300) / 3)) == 3.33333e-301
