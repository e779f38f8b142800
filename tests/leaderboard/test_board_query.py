"""What an address may ask, and what it may not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genomark.errors import UsageError
from genomark.leaderboard.query import ALLOWED, SORTS, Query, read_query, sort_of


def test_nothing_asked_is_nothing():
    for page in ALLOWED:
        assert read_query(page, []) == Query()


def test_what_is_empty_counts_as_left_out():
    assert read_query("front", [("sort", ""), ("standing", ""), ("search", "")]) == Query()
    assert read_query("compare", [("models", ""), ("models", "a")]).models == ("a",)


def test_all_that_is_allowed_can_be_asked():
    found = read_query(
        "front",
        [("sort", "x"), ("order", "desc"), ("standing", "verified"), ("search", "a b"),
         ("suite", "s")],
    )  # fmt: skip
    assert found == Query(sort="x", descending=True, standing="verified", search="a b", suite="s")
    assert read_query("items", [("start", "200")]).start == 200
    assert read_query("front", [("order", "asc")]).descending is False


@pytest.mark.parametrize(
    ("page", "asked", "told"),
    [
        ("front", [("colour", "red")], "'colour'; it knows sort, order, standing, search, suite"),
        ("statistics", [("x", "1")], "it knows none"),
        ("front", [("sort", "a"), ("sort", "b")], "sort is given twice"),
        ("front", [("order", "up")], "order is 'up'; expected asc, desc"),
        ("front", [("standing", "x\ny")], "standing is 'x y'; expected verified"),
        ("items", [("start", "-1")], "start is '-1'"),
        ("items", [("start", "1e3")], "start is '1e3'"),
        ("items", [("start", "٣")], "start is '٣'"),
        ("items", [("start", "9" * 13)], "start is"),
        ("item", [("item", "x" * 1001)], "item has 1,001 letters"),
        ("compare", [("models", str(n)) for n in range(6)], "6 models to compare"),
    ],
)
def test_anything_else_is_refused_by_name(page, asked, told):
    with pytest.raises(UsageError) as caught:
        read_query(page, asked)
    assert told in str(caught.value)


def test_pages_sort_by_what_they_know_and_by_columns():
    for page, known in SORTS.items():
        assert sort_of(page, Query()) == known[0]
        assert sort_of(page, Query(sort=known[-1])) == known[-1]
    assert sort_of("front", Query(sort="gue.h3"), ["gue.h3"]) == "gue.h3"
    with pytest.raises(UsageError, match=r"sort is 'gue\.h3'; expected rank"):
        sort_of("front", Query(sort="gue.h3"), ["gue.h4"])


@given(st.sampled_from(sorted(ALLOWED)), st.lists(st.tuples(st.text(), st.text()), max_size=4))
def test_whatever_is_asked_is_a_query_or_one_clear_line(page, asked):
    try:
        found = read_query(page, asked)
    except UsageError as error:
        told = str(error)
    else:
        assert isinstance(found, Query)
        return
    assert told.isprintable()
    assert len(told) < 800
