"""The board in Chromium: with and without scripts, narrow and wide, served and from the disk."""

from __future__ import annotations

from urllib.parse import quote, urlencode

import msgspec
import pytest
from browsing import AXE, chromium, query_of, served, visiting
from synthetic_board import synthetic_board

from genomark.leaderboard.board import Board
from genomark.leaderboard.export import export_static
from genomark.results.store import Store

KNOWN = "kircher2019"
#: Below this many pixels nobody should have to scroll sideways.
NARROW = {"width": 320, "height": 640}
_SCROLLS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
_GRAVE = """async () => (await axe.run(document, {resultTypes: ["violations"]})).violations
    .filter((each) => each.impact === "serious" || each.impact === "critical")
    .map((each) => `${each.id}: ${each.nodes.map((node) => node.html).slice(0, 3).join(" | ")}`)"""


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    folder = tmp_path_factory.mktemp("browsed") / "store"
    synthetic_board(folder, models=12, benchmarks=3, items=60, with_items=2, seed=1)
    with Store.open(folder) as store:
        yield store


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def base(store, tmp_path_factory):
    with served(store, tmp_path_factory.mktemp("incoming")) as url:
        yield url


@pytest.fixture(scope="module")
def site(store, tmp_path_factory):
    folder = tmp_path_factory.mktemp("written") / "site"
    export_static(store, folder)
    return folder


@pytest.fixture(scope="module")
def pages(store):
    """One address of each kind of page."""
    snapshot = Board(store).snapshot()
    stranger = next(each.slug for each in snapshot.models.values() if each.owner)
    return [
        "/",
        "/suites/quickstart",
        f"/benchmarks/{KNOWN}",
        f"/models/{quote(stranger)}",
        "/compare",
        f"/compare?{urlencode({'models': ['m0', 'm1'], 'benchmark': KNOWN}, doseq=True)}",
        f"/benchmarks/{KNOWN}/items",
        f"/benchmarks/{KNOWN}/item?item=item+7",
        "/statistics",
        "/submit",
    ]


def test_from_the_front_page_to_one_item(browser, base):
    with visiting(browser, base) as visit:
        page = visit.see("/")
        page.click(f"#map thead a[href$='/benchmarks/{KNOWN}']")
        page.wait_for_selector("#ranking-table")
        assert len(visit.names("#ranking-table")) > 8
        # Charts are drawn by scripts under a policy that lets them evaluate nothing.
        page.wait_for_selector("#chart-cost .canvas svg")
        page.click("text=Look at single items")
        with page.expect_navigation():
            page.click(".items a:has(bdi:text-is('item 7'))")
        assert page.inner_text("h1") == "Item item 7"
        assert page.locator("table.forest tbody tr").count() > 8


def test_sorting_by_script_and_by_the_server_give_the_same(browser, base):
    with visiting(browser, base) as visit:
        page = visit.see("/")
        page.click("#map thead >> text=Model")
        by_script = visit.names()
        assert by_script == sorted(by_script, key=str.casefold)
        assert query_of(page) == "sort=model&order=asc"
        # The address is that of what is shown now.
        page.reload()
        assert visit.names()[0] == by_script[0]
        page.click("#map thead th[aria-sort=ascending] a")
        assert visit.names() == by_script[::-1]
    with visiting(browser, base, java_script_enabled=False) as visit:
        page = visit.see("/")
        with page.expect_navigation():
            page.click("#map thead >> text=Model")
        assert "sort=model" in query_of(page)
        first = visit.names()
        with page.expect_navigation():
            page.click("#map thead th[aria-sort] a")
        assert visit.names() == first[::-1]


def test_names_are_searched_as_they_are_typed_and_the_rest_by_the_server(browser, base):
    with visiting(browser, base) as visit:
        page = visit.see("/")
        page.fill("[name=search]", "m1")
        assert visit.names() == ["m1"]
        page.fill("[name=search]", "")
        assert len(visit.names()) == 12
        with page.expect_response("**/?standing=verified"):
            page.select_option("[name=standing]", "verified")
        page.wait_for_selector("text=Show all")
        assert query_of(page) == "standing=verified"
        assert page.locator("#map td:has-text('°')").count() == 0
    with visiting(browser, base, java_script_enabled=False) as visit:
        page = visit.see("/")
        page.fill("[name=search]", "m1")
        page.select_option("[name=suite]", "quickstart")
        with page.expect_navigation():
            page.click("text=Show >> nth=0")
        assert visit.names() == ["m1"]
        assert page.locator("#map thead .upright").count() == 1
        with page.expect_navigation():
            page.click("text=Show all")
        assert len(visit.names()) == 12


@pytest.mark.parametrize("scripts", [True, False])
def test_models_are_compared_by_a_form(browser, base, scripts):
    with visiting(browser, base, java_script_enabled=scripts) as visit:
        page = visit.see("/compare")
        for place, name in enumerate(("m0", "m1")):
            page.select_option(f"[name=models] >> nth={place}", label=name)
        page.click("main button[type=submit]")
        page.wait_for_selector(".differences tbody .plot .whisker", state="attached")
        # Which benchmarks they share is known now.
        page.select_option("[name=benchmark]", KNOWN)
        page.click("main button[type=submit]")
        page.wait_for_url(f"**benchmark={KNOWN}")
        verdicts = page.locator(".differences tbody tr:not(.group) > td:last-child")
        assert set(verdicts.all_inner_texts()) <= {"tied", "apart"}
        assert page.locator("#differing").count() == 1
        if scripts:
            page.wait_for_selector("#chart-answers .canvas svg")


def test_a_chosen_theme_is_kept_over_pages(browser, base):
    with visiting(browser, base, color_scheme="light") as visit:
        page = visit.see("/")
        ground = "getComputedStyle(document.body).backgroundColor"
        light = page.evaluate(ground)
        page.click("#theme")
        dark = page.evaluate(ground)
        assert dark != light
        page.click("text=Statistics >> nth=0")
        page.wait_for_url("**/statistics", wait_until="load")
        assert page.evaluate(ground) == dark
        assert page.inner_text("#theme") == "Light"


def test_the_map_is_walked_by_arrow_keys(browser, base):
    with visiting(browser, base) as visit:
        page = visit.see("/")
        page.focus("#map tbody td[tabindex='0']")
        before = page.inner_text("#detail")
        page.keyboard.press("ArrowDown")
        after = page.inner_text("#detail")
        assert before.startswith(f"{visit.names()[0]}, ")
        assert after.startswith(f"{visit.names()[1]}, ")


@pytest.mark.parametrize("scripts", [True, False])
def test_no_page_scrolls_sideways_on_a_telephone(browser, base, pages, scripts):
    # The browser itself is asked, which it answers whether pages may run scripts or not.
    with visiting(browser, base, viewport=NARROW, java_script_enabled=scripts) as visit:
        wide = {path: visit.see(path).evaluate(_SCROLLS) for path in pages}
        assert {path: by for path, by in wide.items() if by > 0} == {}


def test_a_submission_without_a_token_is_turned_away_on_the_form(browser, base, tmp_path):
    bundle = tmp_path / "bundle.zip"
    bundle.write_bytes(b"none")
    with visiting(browser, base, java_script_enabled=False) as visit:
        page = visit.see("/submit")
        page.fill("[name=token]", "guessed")
        page.set_input_files("[name=file]", bundle)
        with page.expect_response("**/submissions") as answered:
            page.click("main button[type=submit]")
        assert answered.value.status == 401
        assert "token" in page.inner_text("[role=alert]")
        # The browser tells of the status by itself.
        assert [each for each in visit.complaints if "401" not in each] == []
        visit.complaints.clear()


@pytest.mark.parametrize("theme", ["light", pytest.param("dark", marks=pytest.mark.slow)])
def test_no_page_is_a_serious_obstacle(browser, base, pages, theme):
    if not AXE.is_file():
        pytest.skip(f"axe-core is not installed: npm install --prefix {AXE.parents[2]} axe-core")
    script = AXE.read_text(encoding="utf-8")
    found = {}
    with visiting(browser, base, color_scheme=theme) as visit:
        for path in pages:
            page = visit.drawn(path)
            page.evaluate(script)
            if grave := page.evaluate(_GRAVE):
                found[path] = grave
    assert found == {}


def test_files_from_the_disk_are_a_board_too(browser, site):
    with visiting(browser, site.as_uri()) as visit:
        page = visit.see("/index.html")
        page.fill("[name=search]", "m1")
        assert visit.names() == ["m1"]
        with page.expect_navigation():
            page.click("#map tbody a.model:has(bdi:text-is('m1'))")
        assert "m1" in page.inner_text("h1")
        page.click(f"main a[href*='{KNOWN}.html'] >> nth=0")
        page.wait_for_selector("#chart-cost .canvas svg")
        page.click("#ranking-table thead >> text=Model")
        names = visit.names("#ranking-table")
        assert names == sorted(names, key=str.casefold)


def test_models_are_compared_from_the_disk(browser, site, base, store):
    with visiting(browser, site.as_uri()) as visit:
        page = visit.see("/compare.html")
        for place, name in enumerate(("m0", "m1")):
            page.select_option(f"[name=models] >> nth={place}", label=name)
        page.select_option("[name=benchmark]", KNOWN)
        page.click("main button[type=submit]")
        page.wait_for_selector("#compared .differences .plot")
        alone = page.locator("#compared tbody tr:not(.group) > td:first-of-type").all_inner_texts()
    with visiting(browser, base) as visit:
        page = visit.see(f"/compare?models=m0&models=m1&benchmark={KNOWN}")
        there = page.locator(".differences tbody").filter(has=page.locator(f"a[href$='/{KNOWN}']"))
        asked = there.locator("tr:not(.group) > td:first-of-type").all_inner_texts()
    assert alone == asked != []


def test_pages_from_the_disk_fit_a_telephone(browser, site, store):
    names = sorted(each.relative_to(site).as_posix() for each in site.rglob("*.html"))
    with visiting(browser, site.as_uri(), viewport=NARROW) as visit:
        wide = {name: visit.see(f"/{name}").evaluate(_SCROLLS) for name in names}
    assert len(wide) > 15
    assert {name: by for name, by in wide.items() if by > 0} == {}
    mark = msgspec.json.decode((site / "board.json").read_bytes())
    assert mark["generation"] == store.generation
