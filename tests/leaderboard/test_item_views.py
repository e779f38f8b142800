"""Single items, and models compared item by item."""

import numpy as np
import polars as pl
import pytest
from scipy import stats
from small_store import ITEMS, add, item_table, opened, right

from genomark.errors import UsageError
from genomark.leaderboard.board import Board
from genomark.leaderboard.compare_view import SAMPLE, compare, compare_anything, most_differing
from genomark.leaderboard.item_view import PAGE, item, items, items_table
from genomark.leaderboard.query import read_query

VALUES = {
    "one": np.linspace(-1, 1, ITEMS),
    "two": np.linspace(-1, 1, ITEMS)[::-1] * 100 + 7,
    "wide": np.where(np.arange(ITEMS) == 3, 50.0, np.linspace(0, 1, ITEMS)),
}


def kept(values, **more):
    return {"items": item_table(values, **more)}


@pytest.fixture(scope="module")
def board(tmp_path_factory):
    with opened(tmp_path_factory.mktemp("items")) as store:
        for place, (id, values) in enumerate(VALUES.items()):
            add(store, "b", id, right(0.5 + place / 10, seed=place), **kept(values))
            add(store, "c", id, right(0.5 + place / 10, seed=place + 5))
        add(store, "b", "bare", right(0.4))
        yield Board(store)


def ask(board, view, page, *slug, **given):
    pairs = [(name, each) for name, value in given.items()
             for each in (value if isinstance(value, list) else [value])]  # fmt: skip
    return view(board, board.snapshot(), *slug, read_query(page, pairs))


def test_items_are_listed_a_page_at_a_time_and_searched(tmp_path):
    n = 250
    with opened(tmp_path) as store:
        add(store, "b", "m", right(0.5, n), **kept(np.zeros(n)))
        board = Board(store)
        first = ask(board, items, "items", "b")
        last = ask(board, items, "items", "b", start="200")
        found = ask(board, items, "items", "b", search="I24")
        beyond = ask(board, items, "items", "b", start="1000")
    assert (first.total, len(first.items), first.items[0]) == (n, PAGE, "i0")
    assert last.items == [f"i{number}" for number in range(200, 250)]
    assert found.items == ["i24", *(f"i{number}" for number in range(240, 250))]
    assert (beyond.items, beyond.total) == ([], n)


def test_a_search_is_text_and_no_pattern(board):
    assert ask(board, items, "items", "b", search="i.*").total == 0


def test_an_item_shows_all_models_as_they_are_ranked(board):
    found = ask(board, item, "item", "b", item="i3")
    assert [each.model.id for each in found.answers] == ["wide", "two", "one"]
    assert found.answers[0].value == 50.0
    assert found.answers[0].truth == 3.0
    assert found.answers[2].value == pytest.approx(VALUES["one"][3], rel=1e-6)
    assert (found.before, found.after) == ("i2", "i4")


def test_the_ends_have_one_neighbour(board):
    assert ask(board, item, "item", "b", item="i0").before is None
    assert ask(board, item, "item", "b", item=f"i{ITEMS - 1}").after is None


def test_there_is_no_other_item_and_none_where_none_are_kept(board):
    assert ask(board, item, "item", "b", item="x") is None
    assert ask(board, item, "item", "b") is None
    assert ask(board, items, "items", "c") is None
    assert ask(board, item, "item", "c", item="i0") is None
    assert ask(board, items, "items", "nothing") is None


def test_labels_words_and_missing_answers_are_told(tmp_path):
    labels = {
        "item_id": ["x", "x", "y", "y"],
        "group": ["helix", "coil"] * 2,
        "truth": [1.0, None, 0.0, 1.0],
    }
    with opened(tmp_path) as store:
        add(store, "b", "m", right(0.5, 4), **kept([0.25, None, 1.0, 2.0], **labels))
        add(store, "b", "n", right(0.75, 4),
            **kept([None] * 4, said=["yes", None, "no", "no"], **labels))  # fmt: skip
        found = ask(Board(store), item, "item", "b", item="x")
    assert [(each.model.id, each.group, each.truth, each.value, each.said)
            for each in found.answers] == [
        ("n", "helix", 1.0, None, "yes"),
        ("m", "helix", 1.0, 0.25, None),
        ("n", "coil", None, None, None),
        ("m", "coil", None, None, None),
    ]  # fmt: skip


def test_answers_in_another_order_are_put_to_their_items(tmp_path):
    table = item_table(np.arange(6.0))
    mixed = table.reverse().filter(pl.col("item_id") != "i2")
    with opened(tmp_path) as store:
        add(store, "b", "m", right(0.5, 6), items=table)
        add(store, "b", "n", right(0.4, 6), items=mixed)
        found = items_table(board := Board(store), board.snapshot(), "b")
    assert found["m"].to_list() == [0, 1, 2, 3, 4, 5]
    assert found["n"].to_list() == [0, 1, None, 3, 4, 5]
    assert found["truth"].to_list() == [0, 1, 2, 3, 4, 5]


def test_a_file_that_is_damaged_hides_no_other(tmp_path, caplog):
    with opened(tmp_path) as store:
        add(store, "b", "m", right(0.5), **kept(VALUES["one"]))
        add(store, "b", "n", right(0.4), **kept(VALUES["two"]))
        damaged = store.entries(model="m")[0].items
        path = next((tmp_path / "store" / "items").rglob(f"{damaged}.parquet"))
        path.write_bytes(b"no parquet")
        found = ask(Board(store), item, "item", "b", item="i0")
    assert [each.model.id for each in found.answers] == ["n"]
    assert "items of" in caplog.text


def test_models_are_compared_on_what_they_share(board):
    found = ask(board, compare, "compare", models=["one", "two", "bare"])
    assert [each.id for each in found.models] == ["one", "two", "bare"]
    assert [each.column.id for each in found.columns] == ["b", "c"]
    b, c = found.columns
    assert [each is not None for each in b.scores] == [True, True, True]
    assert [each is not None for each in c.scores] == [True, True, False]
    assert (len(b.pairs), len(c.pairs)) == (3, 1)
    assert b.pairs[0].difference == pytest.approx(right(0.5, seed=0).mean() - 0.6)
    assert {each.tasks for each in found.across} == {1, 2}


def test_the_scatter_shows_what_both_answered(board):
    found = ask(board, compare, "compare", models=["one", "two"])
    assert found.chosen.slug == "b"
    assert [each.item for each in found.sample] == [f"i{number}" for number in range(ITEMS)]
    assert found.sample[0].values == [-1.0, 107.0]


def test_a_large_benchmark_is_sampled_the_same_each_time(tmp_path):
    n = SAMPLE + 500
    with opened(tmp_path) as store:
        for id in "mn":
            add(store, "b", id, right(0.5, n), **kept(np.arange(n) * 1.0))
        one = ask(Board(store), compare, "compare", models=["m", "n"])
        two = ask(Board(store), compare, "compare", models=["m", "n"])
    assert len({each.item for each in one.sample}) == SAMPLE
    assert one.sample == two.sample


def test_where_models_differ_most_does_not_depend_on_their_scales():
    random = np.random.default_rng(0)
    values = random.normal(size=(500, 3))
    scaled = values * [1.0, 1e6, 1e-6] + [0.0, 5.0, -3e9 * 1e-12]
    z = stats.zscore(values, axis=0)
    expected = np.argsort(z.min(axis=1) - z.max(axis=1), kind="stable")[:10]
    assert most_differing(scaled, 10).tolist() == expected.tolist()


def test_what_only_one_answered_is_no_difference():
    values = np.array([[1.0, np.nan], [2.0, 5.0], [np.nan, np.nan], [3.0, 4.0]])
    assert sorted(most_differing(values).tolist()) == [1, 3]
    assert most_differing(np.full((2, 2), np.nan)).tolist() == []
    # Who answers all alike differs by what the other does.
    assert most_differing(np.array([[1.0, 0.0], [1.0, 0.0], [1.0, 9.0]]), 1).tolist() == [2]


def test_the_benchmark_can_be_chosen(board):
    found = ask(board, compare, "compare", models=["one", "two"], benchmark="c")
    assert found.chosen.slug == "c"
    assert (found.sample, found.differing) == ([], [])


def test_fewer_than_two_models_are_not_compared(board):
    empty = ask(board, compare, "compare")
    assert (empty.models, empty.columns, empty.across) == ([], [], [])
    assert [each.id for each in empty.available] == ["bare", "one", "two", "wide"]
    assert [each.id for each in ask(board, compare, "compare", models=["one"]).models] == ["one"]


def test_without_a_choice_all_columns_are_told(board):
    found = compare_anything(board.snapshot())
    assert [each.column.slug for each in found.columns] == ["b", "c"]
    assert found.models == []


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"models": ["one", "nobody"]}, "'nobody'"),
        ({"models": ["one", "two"], "benchmark": "x"}, "'x'"),
        ({"models": ["a", "b", "c", "d", "e", "f"]}, "6 models"),
    ],
)
def test_what_cannot_be_compared_is_refused(board, given, message):
    with pytest.raises(UsageError, match=message):
        ask(board, compare, "compare", **given)


def test_the_same_model_twice_is_one(board):
    assert len(ask(board, compare, "compare", models=["one", "one", ""]).models) == 1
