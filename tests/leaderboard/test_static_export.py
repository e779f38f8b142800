"""The board as files: every link leads to a file, and pages are those of the server."""

import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import msgspec
import polars as pl
import pytest
from small_store import add, item_table, opened, right

from genomark.errors import UsageError, WriteError
from genomark.leaderboard.benchmark_view import pairs
from genomark.leaderboard.board import Board
from genomark.leaderboard.export import MARK, StaticLinks, export_static
from genomark.leaderboard.query import Query
from genomark.leaderboard.views import Benchmark

NAMES = ("m", "n", "<script>alert(1)</script>", "../../escape", "ünï/cødé")


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    with opened(tmp_path_factory.mktemp("exported")) as store:
        for place, id in enumerate(NAMES):
            answers = right(0.4 + place / 10, seed=place)
            add(store, "b", id, answers, items=item_table(answers))
            add(store, "gb/x", id, answers)
            add(store, "Odd one/../x", id, answers)
        add(store, "b", "m", right(0.5), version="0")
        yield store


@pytest.fixture(scope="module")
def site(store, tmp_path_factory):
    folder = tmp_path_factory.mktemp("site") / "board"
    export_static(store, folder)
    return folder


class Addresses(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.ids: set[str] = set()

    def handle_starttag(self, tag, attrs):
        for name, value in attrs:
            if name in ("href", "src", "action"):
                self.found.append(value)
            if name == "id":
                self.ids.add(value)


def addresses(page: Path) -> Addresses:
    parser = Addresses()
    parser.feed(page.read_text(encoding="utf-8"))
    return parser


def test_every_link_of_every_page_leads_to_a_file(site):
    pages = sorted(site.rglob("*.html"))
    # Four columns, five models, a suite, and three pages that there is one of.
    assert len(pages) == 4 + 5 + 1 + 3
    checked = 0
    for page in pages:
        for address in addresses(page).found:
            parts = urlsplit(address)
            assert not parts.scheme, f"{page}: {address}"
            assert not parts.netloc, f"{page}: {address}"
            assert not address.startswith("/"), f"{page}: {address}"
            target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
            assert target.is_file(), f"{page.relative_to(site)}: {address}"
            assert target.is_relative_to(site.resolve())
            if parts.fragment and target.suffix == ".html":
                assert parts.fragment in addresses(target).ids, f"{page}: {address}"
            checked += 1
    assert checked > 100


def test_names_of_strangers_are_in_no_path_and_no_markup(site):
    names = [str(each.relative_to(site)) for each in site.rglob("*")]
    assert all(re.fullmatch(r"[A-Za-z0-9._~@/-]+", each) for each in names)
    assert not any(".." in each for each in names)
    for page in site.rglob("*.html"):
        assert "<script>alert" not in page.read_text(encoding="utf-8")


def test_twins_are_those_of_the_pages(site, store):
    view = msgspec.json.decode((site / "benchmarks" / "b.json").read_bytes(), type=Benchmark)
    assert [each.model.id for each in view.lines] == [
        each.model_id for each in Board(store).snapshot().columns["b"].scores.entries
    ]
    table = pl.read_parquet(site / "benchmarks" / "b.parquet")
    assert table["value"].to_list() == [each.score.value for each in view.lines]
    assert pl.read_csv(site / "benchmarks" / "b.csv", schema=table.schema).equals(table)
    items = pl.read_parquet(site / "benchmarks" / "b" / "items.parquet")
    assert set(items.columns[3:]) == {each.model.slug for each in view.lines}
    assert not (site / "benchmarks" / "gb.x" / "items.parquet").exists()


def test_pairs_of_each_benchmark_are_a_script(site, store):
    board = Board(store)
    for slug in board.snapshot().columns:
        text = (site / "data" / "pairs" / f"{slug}.js").read_text()
        call = re.fullmatch(r"window\.genomark\.pairs\((\"[^\"]*\"),(.*)\);\n", text, re.DOTALL)
        assert json.loads(call[1]) == slug
        told = json.loads(call[2])
        expected = pairs(board, board.snapshot(), slug, Query())
        assert len(told["pairs"]) == len(expected)
        for row, pair in zip(told["pairs"], expected, strict=True):
            a, b, *numbers = row
            given = dict(zip(told["fields"], numbers, strict=True))
            assert (told["models"][a], told["models"][b]) == (pair.model_a, pair.model_b)
            assert given["difference"] == pytest.approx(pair.difference, rel=1e-5, abs=1e-12)
            assert (given["n"], given["tied"], given["paired"]) == (pair.n, pair.tied, pair.paired)


def test_documents_of_all_results_are_there(site, store):
    for entry in store.entries():
        document = json.loads((site / "results" / f"{entry.id}.json").read_bytes())
        assert document["model"]["id"] == entry.model_id


def test_an_older_export_is_replaced_whole(store, tmp_path):
    folder = tmp_path / "site"
    export_static(store, folder)
    (folder / "models" / "gone.html").write_text("an old page")
    export_static(store, folder)
    assert not (folder / "models" / "gone.html").exists()
    assert (folder / "index.html").is_file()
    # Nothing is left beside it.
    assert [each.name for each in tmp_path.iterdir()] == ["site"]


@pytest.mark.parametrize("kind", ["file", "folder", "link"])
def test_what_is_no_export_is_left_alone(store, tmp_path, kind):
    folder = tmp_path / "mine"
    if kind == "file":
        folder.write_text("precious")
    elif kind == "folder":
        folder.mkdir()
        (folder / "precious.txt").write_text("precious")
    else:
        (tmp_path / "elsewhere").mkdir()
        folder.symlink_to(tmp_path / "elsewhere")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(UsageError, match="choose a new folder"):
        export_static(store, folder)
    assert sorted(tmp_path.rglob("*")) == before


def test_an_empty_folder_may_be_written_to(store, tmp_path):
    folder = tmp_path / "new"
    folder.mkdir()
    export_static(store, folder)
    assert (folder / MARK).is_file()
    assert folder.stat().st_mode & 0o777 == 0o755


def test_a_failure_leaves_the_old_board_and_nothing_beside_it(store, tmp_path, monkeypatch):
    folder = tmp_path / "site"
    export_static(store, folder)
    before = (folder / "index.html").read_bytes()
    real, written = Path.write_bytes, []

    def full(self, content):
        if len(written) == 20:
            raise OSError(28, "No space left on device")
        written.append(self)
        return real(self, content)

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(WriteError, match="No space left"):
        export_static(store, folder)
    monkeypatch.undo()
    assert (folder / "index.html").read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["site"]


def test_a_folder_that_cannot_be_put_in_place_leaves_the_old_one(store, tmp_path, monkeypatch):
    folder = tmp_path / "site"
    export_static(store, folder)
    real = Path.rename

    def rename(self, target):
        if Path(target) == folder and self.name != "old":
            raise OSError(1, "Operation not permitted")
        return real(self, target)

    monkeypatch.setattr(Path, "rename", rename)
    with pytest.raises(WriteError, match="not permitted"):
        export_static(store, folder)
    monkeypatch.undo()
    assert (folder / "index.html").is_file()
    assert [each.name for each in tmp_path.iterdir()] == ["site"]


def test_progress_is_told_up_to_the_end(store, tmp_path):
    told = []
    n = export_static(store, tmp_path / "site", lambda *how: told.append(how))
    assert n == sum(each.is_file() for each in (tmp_path / "site").rglob("*"))
    assert [done for done, _, _ in told] == sorted(done for done, _, _ in told)
    assert {total for _, total, _ in told} == {told[0][1]}
    assert n <= told[0][1] == len(told)


def test_an_empty_board_can_be_written(tmp_path):
    with opened(tmp_path) as store:
        export_static(store, tmp_path / "site")
    assert "<!DOCTYPE html>" in (tmp_path / "site" / "index.html").read_text()


def test_links_are_relative_and_say_no_more_than_a_file_can():
    here, below = StaticLinks(), StaticLinks("../")
    assert here.url("front", sort="x") == "index.html"
    assert below.url("front", twin="csv") == "../index.csv"
    assert below.url("benchmark", "a.b~0") == "../benchmarks/a.b~0.html"
    assert below.url("item", "b", item="i<1>") == "../benchmarks/b/items.parquet"
    assert here.url("compare", models=["a", "b"]) == "compare.html?models=a&models=b"
    assert below.url("pairs", "b", twin="js") == "../data/pairs/b.js"
    assert here.url("static", "board.css") == "static/board.css"
    assert not here.served
    with pytest.raises(UsageError, match="'submit'"):
        here.url("submit")


def test_the_command_writes_a_board(tmp_path):
    with opened(tmp_path) as store:
        add(store, "b", "m", right(0.5))
    command = [sys.executable, "-c", "from genomark.cli import main; main()", "export"]
    place = str(tmp_path / "store")
    done = subprocess.run(
        [*command, "--static", str(tmp_path / "site"), "--store", place],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "index.html" in done.stderr + done.stdout
    assert (tmp_path / "site" / "index.html").is_file()


@pytest.mark.slow
def test_the_command_makes_no_store(tmp_path):
    command = [sys.executable, "-c", "from genomark.cli import main; main()", "export"]
    done = subprocess.run(
        [*command, "--static", str(tmp_path / "site"), "--store", str(tmp_path / "no")],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert list(tmp_path.iterdir()) == []


def test_a_store_stays_as_it_is(store, tmp_path):
    before = store.generation
    export_static(store, tmp_path / "site")
    assert store.generation == before
