"""Figures as text, addresses, and what a reader can change of a page."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import example_views
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genomark.leaderboard import wording
from genomark.leaderboard.controls import Place
from genomark.leaderboard.links import ServedLinks
from genomark.leaderboard.query import ALLOWED, SORTS, read_query
from genomark.leaderboard.views import Interval, ModelName, Seen

LINKS = ServedLinks()


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0.81249, "0.812"),
        (-0.05, "−0.050"),
        (0.0, "0.000"),
        (12.345, "12.35"),
        (123.45, "123.5"),
        (1234.5, "1,234"),
        (123456.0, "1.23e+05"),
        (0.000123, "1.23e−04"),
        (None, "–"),
        (float("nan"), "–"),
        (float("inf"), "–"),
    ],
)
def test_scores(value, written):
    assert wording.figure(value) == written


def test_intervals():
    assert wording.between(-0.5, 0.25) == "[−0.500, 0.250]"
    assert wording.between(None, None) == wording.between(0.1, None) == "no interval"
    assert wording.with_interval(Interval(0.5, 0.4, 0.6)) == "0.500 [0.400, 0.600]"
    assert wording.with_interval(Interval(0.5)) == "0.500"
    assert wording.with_interval(None) == "–"


def test_ranks():
    assert wording.ranks(1, 1) == "1"
    assert wording.ranks(1, 3) == "1–3"
    assert wording.ranks(2, None) == "2"
    assert wording.ranks(None, None) == "–"


def test_shares_and_p_values():
    assert wording.percent(0.666) == "67 %"
    assert wording.percent(None) == wording.p_value(None) == "–"
    assert wording.p_value(0.0004) == "< 0.001"
    assert wording.p_value(0.0312) == "0.031"
    assert wording.leakage("unknown") == "unknown"
    assert wording.leakage(0.034) == "3.4 % seen"
    assert wording.leakage(0.0) == "nothing trained on"
    assert wording.leakage(0.0, seen(complete=True)) == "none found"
    assert wording.leakage(0.034, seen(complete=True)) == "3.4 % seen"
    assert wording.leakage(0.034, seen(complete=False)) == "≥ 3.4 % seen"
    assert wording.leakage("unknown", seen(complete=False)) == "unknown"
    assert wording.shares(0.012, 0.4567) == "[1.2, 45.7] %"
    assert wording.shares(None, None) == "no interval"


def seen(*, complete: bool) -> Seen:
    return Seen(["x"], complete, Interval(0.0), 9, 0, 0, 0.8, 0.5, "pearson", None, 0, None, [])


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0.004, "4 ms"),
        (0.1, "0.1 s"),
        (59.94, "59.9 s"),
        (90, "1.5 min"),
        (5400, "1.5 h"),
        (2e5, "2.3 d"),
    ],
)
def test_times(value, written):
    assert wording.seconds(value) == written


@pytest.mark.parametrize(
    ("value", "written"),
    [(0, "0 B"), (999, "999 B"), (1000, "1 kB"), (7_340_032, "7.34 MB"), (999_900_000, "1 GB")],
)
def test_bytes(value, written):
    assert wording.size(value) == written


def test_days():
    assert wording.day("2026-05-04T03:02:01+00:00") == "2026-05-04"
    assert wording.day(None) == wording.day("") == "–"


def test_long_names_are_cut_in_the_middle():
    name = wording.called(ModelName("x", "a" * 100 + "end", "o" * 100))
    assert len(name) == 44 + 44 + 3
    assert "…" in name
    assert "end (" in name
    column = msgspec.structs.replace(example_views.COLUMNS[0], title="", id="b" * 300)
    assert len(wording.titled(column)) == 72


@pytest.mark.parametrize(
    ("suite", "id", "head"),
    [
        ("gue", "gue/emp.h3", "emp.h3"),
        ("quickstart", "kircher2019", "kircher2019"),
        ("other", "strange/one", "strange/one"),
        ("gue", "gue/" + "b" * 26, "b" * 26),
        ("gue", "gue/" + "b" * 27, "b" * 25 + "…"),
        ("gue", "gue/a\u202eb", "a�b"),
    ],
)
def test_heads_of_the_map_are_ids_below_their_suite_cut_at_the_end(suite, id, head):
    column = msgspec.structs.replace(example_views.COLUMNS[0], suite=suite, id=id)
    assert wording.headed(column) == head


@given(st.text())
def test_legible_text_can_be_printed(text):
    found = wording.legible(text)
    assert len(found) == len(text)
    assert all(each.isprintable() or each == "\n" for each in found)
    assert all(a == b or b == "�" for a, b in zip(text, found, strict=True))


def test_all_of_a_score_in_a_line():
    score = example_views.scores(example_views.COLUMNS[0], 3)[0]
    assert score is not None
    told = msgspec.structs.replace(score, value=0.5, low=0.4, high=0.6, rank_first=1, rank_last=3)
    assert wording.told(told) == "0.500 [0.400, 0.600]; rank 1 to 3; verified; 12,000 items"
    gone = msgspec.structs.replace(told, value=None, reason="constant", rank_first=None)
    assert wording.told(gone) == "undefined: constant; verified; 12,000 items"


@pytest.mark.parametrize(
    ("kind", "slug", "twin", "address"),
    [
        ("front", "", "", "/"),
        ("front", "", "csv", "/index.csv"),
        ("suite", "game", "", "/suites/game"),
        ("benchmark", "a.b@0a1b2c3d", "parquet", "/benchmarks/a.b@0a1b2c3d.parquet"),
        ("pairs", "x", "json", "/benchmarks/x/pairs.json"),
        ("model", "x~0123456789", "", "/models/x~0123456789"),
        ("compare", "", "json", "/compare.json"),
        ("items", "x", "", "/benchmarks/x/items"),
        ("result", "0" * 32, "", f"/results/{'0' * 32}"),
        ("predictions", "0" * 32, "parquet", f"/predictions/{'0' * 32}.parquet"),
        ("submission", "7", "json", "/submissions/7.json"),
        ("submissions", "", "", "/submissions"),
        ("openapi", "", "json", "/openapi.json"),
        ("static", "vendor/vega.min.js", "", "/static/vendor/vega.min.js"),
    ],
)
def test_addresses(kind, slug, twin, address):
    assert LINKS.url(kind, slug, twin=twin) == address


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_items_are_found_again_whatever_their_id(item):
    address = urlsplit(LINKS.url("item", "x", item=item))
    assert address.path == "/benchmarks/x/item"
    assert parse_qs(address.query, keep_blank_values=True)["item"] == [item]


def test_parameters_are_left_out_where_empty_and_repeated_where_many():
    address = LINKS.url("compare", models=["a", "b"], benchmark="")
    assert address == "/compare?models=a&models=b"


def place(query, kind="benchmark"):
    return Place(LINKS, kind, "x", query)


def test_a_page_again_keeps_what_was_asked():
    asked = {"search": ["é&"], "standing": ["verified"]}
    address = place(asked).again(sort="model")
    assert parse_qs(urlsplit(address).query) == {**asked, "sort": ["model"]}
    assert place(asked).again(search="", standing="") == "/benchmarks/x"
    assert place(asked).kept("search") == [("standing", "verified")]


def test_many_of_one_parameter_are_kept():
    found = place({"models": ["a", "", "b"]}, "compare").kept("benchmark")
    assert found == [("models", "a"), ("models", "b")]


def test_sorting_turns_around_when_asked_twice():
    first = place({}).sorting("value", "desc")
    assert first.aria == "none"
    asked = parse_qs(urlsplit(first.url).query)
    assert asked == {"sort": ["value"], "order": ["desc"]}
    second = place(asked).sorting("value", "desc")
    assert second.aria == "descending"
    asked = parse_qs(urlsplit(second.url).query)
    assert asked["order"] == ["asc"]
    assert place(asked).sorting("value", "desc").aria == "ascending"


def test_unsorted_pages_are_sorted_by_rank():
    assert place({}).sorting("rank", "asc").aria == "ascending"
    assert place({}, "model").sorting("suite", "asc").aria == "ascending"


@pytest.mark.parametrize("kind", SORTS)
def test_what_a_head_asks_is_known_to_the_page(kind):
    for name in SORTS[kind]:
        address = place({"standing": ["verified"]}, kind).sorting(name, "asc").url
        given = [(key, value[0]) for key, value in parse_qs(urlsplit(address).query).items()]
        assert {key for key, _ in given} <= set(ALLOWED[kind])
        assert read_query(kind, given).sort == name


def test_a_page_is_narrowed_by_what_leaves_lines_out():
    assert place({"search": ["x"]}).narrowed
    assert place({"suite": ["x"]}, "front").narrowed
    assert not place({"sort": ["model"], "search": []}).narrowed
