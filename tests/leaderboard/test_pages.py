"""Every page of a made-up board: well-formed, reachable, and never marked up by strangers."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from itertools import pairwise

import example_views
import msgspec
import pytest
from example_views import HOSTILE, LONG, MODELS, PAGES, SCRIPT
from html_tree import Element, read_html

from genomark.errors import UsageError
from genomark.leaderboard.export import StaticLinks
from genomark.leaderboard.links import ServedLinks
from genomark.leaderboard.pages import render
from genomark.leaderboard.slugs import slug_of

UPDATED = "2026-05-04T03:02:01.000+00:00"
#: Pages in further states.
STATES = {
    **PAGES,
    "benchmark, older": lambda: example_views.benchmark(older=True),
    "model, published": lambda: example_views.model(len(MODELS) - 1),
    "compare, none": lambda: example_views.compare(0),
    "compare, five": lambda: example_views.compare(5),
    "submit, again": lambda: example_views.submit(HOSTILE),
    **{
        f"submission, {state}": (lambda state=state: example_views.submission(state))
        for state in ("scoring", "scored", "refused", "failed")
    },
    **{
        f"error, {status}": (lambda status=status: example_views.problem(status))
        for status in (400, 418, 500, 503)
    },
}
#: Pages of a board that is written as files.
WRITTEN = ("front", "suite", "benchmark", "model", "compare", "statistics")


class Recorded:
    """Links that remember what they were asked for."""

    def __init__(self, links=None) -> None:
        self.links = links or ServedLinks()
        self.given: set[str] = set()

    @property
    def served(self) -> bool:
        return self.links.served

    @property
    def submits(self) -> bool:
        return self.links.submits

    def url(
        self, kind: str, slug: str = "", *, twin: str = "", **query: str | Sequence[str]
    ) -> str:
        found = self.links.url(kind, slug, twin=twin, **query)
        self.given.add(found)
        return found


def drawn(state: str, query: dict[str, list[str]] | None = None, links=None) -> str:
    page = state.partition(",")[0]
    return render(page, STATES[state](), query or {}, links or ServedLinks(), updated=UPDATED)


@pytest.fixture(scope="module")
def trees() -> dict[str, Element]:
    return {state: read_html(drawn(state)) for state in STATES}


@pytest.mark.parametrize("state", STATES)
def test_pages_are_well_formed(trees, state):
    tree = trees[state]
    assert tree.get("lang") == "en"
    assert len(tree.all("main")) == 1
    ids = [each.get("id") for each in tree.all() if "id" in each.attributes]
    assert len(ids) == len(set(ids))
    assert tree.one("head").one("title").text.endswith(" · genomark")


@pytest.mark.parametrize("state", STATES)
def test_nothing_of_strangers_is_markup(trees, state):
    tree = trees[state]
    assert not tree.all("img", "style", "iframe", "object", "embed", "base")
    for each in tree.all():
        assert "style" not in each.attributes
        assert not any(name.startswith("on") for name in each.attributes), each
        for name in ("href", "src", "action"):
            assert not re.match(r"\s*(javascript|data|vbscript):", each.get(name), re.I)
    for script in tree.all("script"):
        if script.get("type") == "application/json":
            assert not set("<>&\u2028\u2029") & set(script.text)
            json.loads(script.text)
        else:
            assert script.get("src")
            assert script.text == ""


@pytest.mark.parametrize("state", STATES)
def test_characters_that_cannot_be_printed_are_replaced(state):
    text = drawn(state)
    assert all(each.isprintable() or each == "\n" for each in text)
    text.encode()


def test_hostile_names_are_shown_as_text(trees):
    assert trees["model"].one("h1").text == HOSTILE
    assert SCRIPT in trees["item"].one("h1").text
    assert "{{ 7*7 }}" in trees["front"].text
    assert "model�gnp.exe" in trees["front"].text
    assert any(each.get("title") == LONG for each in trees["front"].all("a"))


def test_control_characters_and_halves_of_pairs_never_reach_a_page():
    view = example_views.problem()
    view = msgspec.structs.replace(view, message="a\x00b\x1b[31m\udc80\u202ec\nd")
    text = render("error", view, {}, ServedLinks())
    assert "a�b�[31m��c\nd" in text
    assert text.encode()


@pytest.mark.parametrize("state", STATES)
def test_every_address_comes_from_the_links(state):
    links = Recorded()
    tree = read_html(drawn(state, links=links))
    ids = {each.get("id") for each in tree.all()}
    for each in tree.all():
        for name in ("href", "src", "action"):
            address = each.get(name)
            if address.startswith("#"):
                assert address[1:] in ids
            elif address:
                assert address.partition("#")[0] in links.given, (each.name, address)
    # None leads to another host.
    assert all(each.startswith("/") and not each.startswith("//") for each in links.given)


def test_places_on_the_page_of_statistics_exist(trees):
    ids = {each.get("id") for each in trees["statistics"].all()}
    places = {
        each.get("href").partition("#")[2]
        for tree in trees.values()
        for each in tree.all("a")
        if each.get("href").startswith("/statistics#")
    }
    assert {"ties", "badges", "holm", "attempts"} <= places <= ids


def test_the_form_is_linked_only_where_there_is_one():
    empty = msgspec.structs.replace(example_views.front(), suites=[], columns=[], lines=[])
    for view in (example_views.front(), empty):
        for submits in (True, False):
            tree = read_html(render("front", view, {}, ServedLinks(submits=submits)))
            linked = [each for each in tree.all("a") if each.get("href") == "/submit"]
            assert bool(linked) == submits


@pytest.mark.parametrize("page", WRITTEN)
def test_pages_without_a_server_link_files_alone(page):
    links = Recorded(StaticLinks("../"))
    tree = read_html(drawn(page, links=links))
    assert all(each.startswith("../") for each in links.given)
    # What only a server can do is not offered until a script can.
    forms = tree.all("form")
    assert all("hidden" in form.attributes for form in forms)
    # Ranks among some results, or over one suite, are for a server to find.
    names = {name for form in forms for name in inputs(form)}
    assert names <= ({"standing"} if page == "model" else {"search", "models", "benchmark"})
    assert not any("sort=" in each for each in links.given)


def test_comparing_without_a_server_names_the_files_of_each_benchmark():
    view = example_views.compare(0)
    view = msgspec.structs.replace(view, columns=example_views.compare().columns)
    tree = read_html(render("compare", view, {}, StaticLinks()))
    (script,) = [each for each in tree.all("script") if each.get("id") == "columns"]
    told = json.loads(script.text)
    assert [each["slug"] for each in told] == [each.column.slug for each in view.columns]
    assert told[0]["pairs"] == "data/pairs/kircher2019.js"
    assert told[0]["page"] == "benchmarks/kircher2019.html"
    assert any(each.get("src") == "static/compare.js" for each in tree.all("script"))


@pytest.mark.parametrize("state", STATES)
def test_headings_go_down_one_step_at_a_time(trees, state):
    levels = [int(each.name[1]) for each in trees[state].all("h1", "h2", "h3", "h4")]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def cells_of(row: Element) -> int:
    return sum(int(each.get("colspan") or 1) for each in row.all("td", "th"))


@pytest.mark.parametrize("state", STATES)
def test_tables_have_captions_and_scopes_and_even_rows(trees, state):
    for table in trees[state].all("table"):
        assert table.one("caption").text.strip()
        assert all(each.get("scope") for each in table.all("th"))
        widths = {cells_of(row) for row in table.all("tr")}
        assert len(widths) == 1, (state, table.one("caption").text, widths)
        for row in table.one("thead").all("tr"):
            assert row.all("th")
        for body in table.all("tbody"):
            named = [row for row in body.all("tr") if len(row.all("td", "th")) > 1]
            assert all(row.all("th") for row in named)
        # It scrolls in a box of its own, which the keyboard reaches.
        box = table.parent
        assert box is not None
        assert "box" in box.get("class").split()
        assert box.get("tabindex") == "0"
        assert box.get("aria-label")


@pytest.mark.parametrize("state", STATES)
def test_controls_and_drawings_are_named(trees, state):
    tree = trees[state]
    labelled = {each.get("for") for each in tree.all("label")}
    for each in tree.all("input", "select"):
        if each.get("type") != "hidden":
            assert each.within("label") or each.get("id") in labelled
    for each in tree.all("svg"):
        told = each.get("aria-label") or each.get("aria-hidden") or each.one("title").text
        assert told
    for each in tree.all("a", "button"):
        assert each.text.strip() or each.get("aria-label"), each


@pytest.mark.parametrize("state", STATES)
def test_the_first_link_skips_to_the_content(trees, state):
    tree = trees[state]
    assert tree.all("a")[0].get("href") == "#main"
    assert tree.one("main").get("id") == "main"
    current = [each for each in tree.all("a") if each.get("aria-current")]
    assert len(current) == (state.partition(",")[0] in ("front", "compare", "statistics", "submit"))


def test_the_foot_tells_version_time_and_twins(trees):
    def twins(state: str) -> list[str]:
        links = trees[state].one("footer").all("a")
        return [each.get("href") for each in links if each.text in ("JSON", "CSV", "parquet")]

    assert twins("front") == ["/index.json", "/index.csv", "/index.parquet"]
    assert twins("benchmark") == [
        f"/benchmarks/kircher2019.{form}" for form in ("json", "csv", "parquet")
    ]
    assert twins("compare") == ["/compare.json"]
    assert twins("statistics") == twins("error") == []
    foot = trees["front"].one("footer").text
    assert "genomark 0.1.0" in foot
    assert "2026-05-04 03:02:01" in foot


def test_twins_are_of_what_is_shown():
    asked = {"search": ["kmer"], "sort": ["model"]}
    tree = read_html(drawn("suite", asked))
    addresses = [each.get("href") for each in tree.one("footer").all("a")]
    assert "/suites/other.csv?search=kmer&sort=model" in addresses


def test_scripts_of_charts_are_loaded_only_where_there_are_charts(trees):
    def sources(state: str) -> list[str]:
        return [each.get("src") for each in trees[state].all("script")]

    assert "/static/vendor/vega.min.js" in sources("benchmark")
    assert "/static/vendor/vega.min.js" in sources("compare")
    assert "/static/vendor/vega.min.js" not in sources("front")
    assert "/static/vendor/vega.min.js" not in sources("compare, none")
    for script in trees["benchmark"].all("script"):
        assert "defer" in script.attributes or script.get("src") in ("", "/static/theme.js")


def inputs(form: Element) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for each in form.all("input"):
        found.setdefault(each.get("name"), []).append(each.get("value"))
    for each in form.all("select"):
        chosen = [option for option in each.all("option") if "selected" in option.attributes]
        value = (chosen[0].attributes.get("value", chosen[0].text) if chosen else "") or ""
        found.setdefault(each.get("name"), []).append(value)
    return found


def test_forms_keep_what_else_was_asked():
    asked = {"sort": ["model"], "order": ["desc"], "search": [HOSTILE], "standing": ["verified"]}
    (form,) = read_html(drawn("front", asked)).all("form")
    assert inputs(form) == {**asked, "suite": [""]}
    assert form.get("action") == "/"
    assert "data-searched" in form.attributes


def test_heads_sort_and_keep_what_else_was_asked():
    asked = {"search": ["a&b"], "standing": ["verified"], "sort": ["wins"]}
    tree = read_html(drawn("front", asked))
    heads = {each.text.strip(): each for each in tree.all("th") if each.all("a")}
    wins, model = heads["Wins"], heads["Model"]
    assert wins.get("aria-sort") == "descending"
    assert "order=asc" in wins.one("a").get("href")
    assert "search=a%26b&standing=verified&sort=model&order=asc" in model.one("a").get("href")
    assert [each.text.strip() for each in tree.all("th") if each.get("aria-sort")] == ["Wins"]


def test_columns_of_the_map_sort_by_their_slug():
    column = example_views.COLUMNS[9]
    assert not column.higher_is_better
    tree = read_html(drawn("front", {"sort": [column.slug]}))
    (head,) = [each for each in tree.all("th") if each.get("aria-sort")]
    assert head.get("aria-sort") == "ascending"
    assert f"sort={column.slug}&order=desc" in head.all("a")[1].get("href")


def test_map_tells_figure_rank_and_standing_in_text(trees):
    tree = trees["front"]
    (table,) = [each for each in tree.all("table") if each.get("id") == "map"]
    row = table.one("tbody").all("tr")[1]
    assert row.one("th").text == "kmer:k=5"
    cell = row.all("td")[4]
    assert cell.text == "0.776°1–3"
    assert re.fullmatch(
        r"0\.776 \[0\.\d{3}, 0\.\d{3}\]; rank 1 to 3; self-reported; 12,000 items",
        cell.get("title"),
    )
    published = table.one("tbody").all("tr")[-1]
    assert published.all("td")[4].text.endswith("†")
    assert "published" in published.all("td")[4].get("title")


def test_ranking_holds_published_scores_apart(trees):
    tree = trees["benchmark"]
    ranking, published = tree.all("table")[:2]
    assert "Enformer (2021)" not in ranking.one("tbody").text
    assert [each.text for each in published.one("tbody").all("th")] == ["Enformer (2021)"]
    assert "no interval" in published.one("tbody").text
    assert "1 of 3" in ranking.text
    assert "unknown" in ranking.text
    assert "3.4 % seen" in ranking.text


def test_ranking_by_another_metric_shows_that_metric():
    tree = read_html(drawn("benchmark", {"metric": ["mean_spearman"]}))
    rows = tree.all("table")[0].one("tbody").all("tr")
    assert all("0.500 [0.400, 0.600]" in row.text for row in rows)
    assert "Ranks and bars are by mean_pearson" in tree.text
    assert not [each for each in tree.all("path") if each.get("class") == "ceiling"]


def test_the_ranking_says_where_not_all_tie_sets_are_drawn():
    view = example_views.benchmark()
    slugs = [line.model.slug for line in view.lines]
    for sets, told in (([slugs[:2]] * 20, "the first 16 of 20 sets are drawn"), ([], None)):
        tree = read_html(
            render("benchmark", msgspec.structs.replace(view, tie_sets=sets), {}, ServedLinks())
        )
        caption = tree.all("caption")[0].text
        assert (told or "Point and 95 %") in caption
        assert ("Bars at the left" in caption) == bool(sets)
        assert len(tree.all("thead")[0].all("th")) == (11 if sets else 10)


def test_groups_of_a_suite_are_named(trees):
    groups = [each for each in trees["suite"].all("li") if each.parent.name == "ol"]
    assert [len(each.all("a")) for each in groups] == [3, 4]
    assert "kmer:k=5" in groups[0].text
    view = example_views.suite()
    many = [[model.slug for model in MODELS] * 2] * 20
    tree = read_html(
        render("suite", msgspec.structs.replace(view, cliques=many), {}, ServedLinks())
    )
    assert "The first 12 of 20 groups." in tree.text
    assert tree.all("ol")[0].text.count("and 12 more") == 12


def test_older_versions_lead_to_the_newest(trees):
    note = next(each for each in trees["benchmark, older"].all("p") if "note" in each.get("class"))
    assert "This version is replaced by version 1.2.0" in note.text


def test_waiting_submissions_are_looked_at_again(trees):
    for state in STATES:
        refreshed = [each for each in trees[state].all("meta") if each.get("http-equiv")]
        waits = state in ("submission", "submission, scoring")
        assert [each.get("http-equiv") for each in refreshed] == ["refresh"] * waits
        polled = [each for each in trees[state].all() if "data-poll" in each.attributes]
        assert len(polled) == waits
    assert polled == []


def test_form_sends_the_token_that_guards_it(trees):
    form = trees["submit"].one("form")
    assert form.get("method") == "post"
    assert form.get("action") == "/submissions"
    assert form.get("enctype") == "multipart/form-data"
    assert inputs(form) == {"csrf": ["0123abcd"], "token": [""], "file": [""]}
    # It is read as it comes in: whether it is taken is known before the file.
    assert list(inputs(form))[-1] == "file"
    assert HOSTILE in trees["submit, again"].text


def test_items_link_by_a_query_and_never_a_path(trees):
    links = [each.get("href") for each in trees["items"].one("main").all("a")]
    items = [each for each in links if "/item?" in each]
    assert len(items) == 100
    slug = slug_of(SCRIPT)
    assert items[0].startswith(f"/benchmarks/{slug}/item?item=%22%3E%3Cimg")
    assert f"/benchmarks/{slug}/items" in links
    assert f"/benchmarks/{slug}/items?start=200" in links


def test_pages_are_the_same_bytes_twice():
    assert drawn("suite") == drawn("suite")


@pytest.mark.parametrize(
    ("page", "view"), [("nothing", None), ("front", None), ("statistics", example_views.problem())]
)
def test_a_page_of_another_view_is_refused(page, view):
    with pytest.raises(UsageError, match="expected"):
        render(page, view, {}, ServedLinks())


@pytest.mark.parametrize(("search", "shown"), [("", True), ("kmer", False)])
def test_a_search_leaves_the_diagram_out_and_says_so(search, shown):
    view = example_views.suite()
    whole = msgspec.structs.replace(view.lines[0].scores[0], rank_first=1, value=0.5)
    lines = [
        msgspec.structs.replace(line, scores=[whole] * len(view.columns)) for line in view.lines[:3]
    ]
    query = {"search": [search]} if search else {}
    text = render("suite", msgspec.structs.replace(view, lines=lines), query, ServedLinks())
    assert ("Critical-difference diagram" in text) == shown
    assert ("leave the search out" in text) == (not shown)


def test_only_the_controls_of_the_keeper_mark_the_scale():
    view = example_views.benchmark()
    kept, claimed = (
        [
            msgspec.structs.replace(line, model=msgspec.structs.replace(line.model, owner=owner))
            for line in view.lines
        ]
        for owner in ("", "eve")
    )
    for lines, marks in ((kept, True), (claimed, False)):
        text = render("benchmark", msgspec.structs.replace(view, lines=lines), {}, ServedLinks())
        assert ('class="guide"' in text) == marks
        assert ('class="dot control"' in text) == marks
        assert ("</span> controls." in text) == marks


def test_attempts_and_times_are_sorted_by_what_they_are(trees):
    view = example_views.benchmark()
    ranked = [line for line in view.lines if line.score.standing != "published"]
    table = next(each for each in trees["benchmark"].all("table") if each.get("id"))
    rows = table.one("tbody").all("tr")
    told = [
        [cell.get("data-value") for cell in row.all("td") if "data-value" in cell.attributes]
        for row in rows
    ]
    assert [each[0] for each in told] == [str(line.score.attempts) for line in ranked]
    # A word before it: a script would take the year for the number to sort by.
    assert [each[-1] for each in told] == [f"on {line.added}" for line in ranked]


def test_the_page_of_statistics_tells_how_intervals_are_made(trees):
    text = trees["statistics"].text
    for told in ("Student's t", "log odds", "93 to 97 of 100", "fewer than seven clusters"):
        assert told in text


@pytest.mark.parametrize(
    ("ranked", "told"), [(5, "Too few benchmarks to tell"), (0, "Nobody is ranked over the suite")]
)
def test_a_suite_without_leaders_says_why(ranked, told):
    view = example_views.front()
    line = msgspec.structs.replace(view.suites[0], leaders=[], columns=3, models=5, ranked=ranked)
    text = render("front", msgspec.structs.replace(view, suites=[line]), {}, ServedLinks())
    assert told in text
    assert "Ahead" not in text
