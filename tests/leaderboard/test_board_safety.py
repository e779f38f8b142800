"""Names of strangers on every page: they are text, and never markup, a path or a fault."""

import re
import tempfile
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import quote, urlencode

import msgspec
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_store import add, item_table, opened, right
from test_leaderboard_app import ask

from genomark.leaderboard.app import leaderboard_app
from genomark.leaderboard.export import export_static
from genomark.leaderboard.views import Benchmark, Front

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "{{ 7 * 7 }}{% raw %}",
    "</script><script>alert(1)</script>",
    "<!--",
    "]]>",
    "../../../../etc/passwd",
    "javascript:alert(1)",
    "\u202egnp.exe\u202c",
    "שלום",
    "a\tb\nc\r\nX-Injected: yes",
    "=1+1",
    "%0d%0aSet-Cookie: a=b",
    "x" * 300,
    "\u2028\u2029",
    " ",
    "CON",
    "index.json",
]
NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1,
                max_size=60)  # fmt: skip


class Tags(HTMLParser):
    """Names of tags and attributes, and what stands in links."""

    def __init__(self):
        super().__init__()
        self.tags, self.attributes, self.links = set(), set(), []

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        for name, value in attrs:
            self.attributes.add(name)
            if name in ("href", "src", "action"):
                self.links.append(value)


def harmless(text):
    tags = Tags()
    tags.feed(text)
    assert not tags.tags & {"img", "iframe", "object", "embed", "base", "style"}
    assert not any(name.startswith("on") or name == "style" for name in tags.attributes)
    assert all(re.match(r"[/#?.]|[a-z]+[/.]", each) for each in tags.links), tags.links
    assert "alert(1)</script>" not in text


def board(folder, names):
    store = opened(folder)
    for place, name in enumerate(names):
        answers = right(0.5 + (place % 5) / 10, seed=place)
        table = item_table(answers, item_id=[f"{name} {n}" for n in range(60)],
                           said=pl.Series([name] * 60))  # fmt: skip
        add(store, "b", name, answers, items=table if place == 0 else None, owner=name[:5],
            title=name, environment={name: name}, model_version=name)  # fmt: skip
        add(
            store, name, "m", answers, title=name, version=name[:9], owner="" if place % 2 else name
        )
    return store


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    with board(tmp_path_factory.mktemp("hostile"), HOSTILE) as store:
        yield leaderboard_app(store)


def pages(app):
    front = msgspec.json.decode(ask(app, "/index.json").content, type=Front)
    yield "/"
    yield from (f"/suites/{each.slug}" for each in front.suites)
    yield from (f"/benchmarks/{each.slug}" for each in front.columns)
    yield from (f"/models/{each.model.slug}" for each in front.lines)
    slugs = [("models", each.model.slug) for each in front.lines]
    for start in range(0, len(slugs), 5):
        yield f"/compare?{urlencode(slugs[start : start + 5])}"
    yield "/benchmarks/b/items"


def test_no_page_holds_what_a_name_says_as_markup(app):
    count = 0
    for path in pages(app):
        answer = ask(app, path)
        assert answer.status_code == 200, path
        harmless(answer.text)
        count += 1
    assert count > 40


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_asked_is_repeated_as_text_if_at_all(app, name):
    encoded = quote(name, safe="")
    for path in (
        f"/?search={encoded}",
        f"/?sort={encoded}",
        f"/?{encoded}=1",
        f"/benchmarks/b/items?search={encoded}",
        f"/benchmarks/b/item?item={encoded}",
        f"/benchmarks/b?metric={encoded}",
        f"/compare?models={encoded}",
        f"/models/{encoded}",
    ):
        answer = ask(app, path)
        assert answer.status_code in (200, 400, 404), path
        harmless(answer.text)
        assert not any("injected" in each or each == "set-cookie" for each in answer.headers)


def test_names_are_in_the_data_as_they_are(app):
    front = msgspec.json.decode(ask(app, "/index.json").content, type=Front)
    assert set(HOSTILE) < {each.model.id for each in front.lines}
    assert set(HOSTILE) < {each.id for each in front.columns}


def test_an_item_of_any_name_can_be_looked_at(app):
    name = f"{HOSTILE[0]} 7"
    answer = ask(app, f"/benchmarks/b/item?{urlencode({'item': name})}")
    assert answer.status_code == 200
    harmless(answer.text)
    told = ask(app, f"/benchmarks/b/item.json?{urlencode({'item': name})}").json()
    assert told["item"] == name


def test_files_of_such_a_board_have_plain_names(tmp_path):
    with board(tmp_path, HOSTILE) as store:
        export_static(store, tmp_path / "site")
    for each in (tmp_path / "site").rglob("*"):
        assert re.fullmatch(r"[A-Za-z0-9._~@-]+", each.name)
        if each.suffix == ".html":
            harmless(each.read_text(encoding="utf-8"))


@given(st.lists(NAMES, min_size=1, max_size=3, unique=True))
@settings(max_examples=12, deadline=None, derandomize=True)
def test_any_name_can_be_on_a_board(names):
    with tempfile.TemporaryDirectory() as folder, board(Path(folder), names) as store:
        app = leaderboard_app(store)
        for path in pages(app):
            answer = ask(app, path)
            assert answer.status_code == 200, path
            harmless(answer.text)
        view = msgspec.json.decode(ask(app, "/benchmarks/b.json").content, type=Benchmark)
        assert {each.model.id for each in view.lines} >= set(names)
        assert ask(app, "/index.csv").status_code == 200
