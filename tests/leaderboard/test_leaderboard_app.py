"""The leaderboard over HTTP, asked in process."""

import asyncio
import gzip
import io
import re

import httpx
import msgspec
import polars as pl
import pytest
from small_store import add, item_table, opened, right

from genomark.leaderboard import app as app_module
from genomark.leaderboard.app import leaderboard_app
from genomark.leaderboard.responses import POLICY
from genomark.leaderboard.views import Benchmark, Compare, Front, Item, Items, Model, Pair, Suite
from genomark.results.store import Store
from genomark.scoring import Result

PAGES = [
    "/",
    "/suites/other",
    "/benchmarks/b",
    "/models/m",
    "/compare",
    "/compare?models=m&models=n",
    "/benchmarks/b/items",
    "/benchmarks/b/item?item=i3",
    "/statistics",
]


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    with opened(tmp_path_factory.mktemp("app")) as store:
        for place, id in enumerate(("m", "n", "<script>alert(1)</script>")):
            answers = right(0.5 + place / 10, seed=place)
            predictions = b"PAR1 not looked at" if place == 0 else None
            add(store, "b", id, answers, items=item_table(answers), predictions=predictions)
            add(store, "c/d", id, answers)
        yield store


@pytest.fixture(scope="module")
def app(store):
    return leaderboard_app(store)


def ask(app, path, method="GET", **how):
    async def exchange():
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.request(method, path, **how)

    return asyncio.run(exchange())


@pytest.mark.parametrize("path", PAGES)
def test_every_page_is_html(app, path):
    answer = ask(app, path)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert answer.text.lstrip().lower().startswith("<!doctype html>")
    assert "<script>alert" not in answer.text


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/index.json", Front),
        ("/suites/other.json", Suite),
        ("/benchmarks/b.json", Benchmark),
        ("/benchmarks/c.d.json", Benchmark),
        ("/benchmarks/b/pairs.json", list[Pair]),
        ("/models/m.json", Model),
        ("/compare.json?models=m&models=n", Compare),
        ("/benchmarks/b/items.json?search=i1", Items),
        ("/benchmarks/b/item.json?item=i3", Item),
    ],
)
def test_every_page_has_a_twin_that_is_its_view(app, path, kind):
    answer = ask(app, path)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    msgspec.json.decode(answer.content, type=kind)


@pytest.mark.parametrize(
    ("path", "rows"),
    [
        ("/index", 6),
        ("/suites/other", 6),
        ("/benchmarks/b", 3),
        ("/benchmarks/b/pairs", 3),
        ("/models/m", 2),
    ],
)
def test_tables_are_the_same_as_csv_and_parquet(app, path, rows):
    csv, parquet = ask(app, f"{path}.csv"), ask(app, f"{path}.parquet")
    assert csv.headers["content-type"] == "text/csv; charset=utf-8"
    assert parquet.headers["content-type"] == "application/vnd.apache.parquet"
    table = pl.read_parquet(io.BytesIO(parquet.content))
    assert len(table) == rows
    assert pl.read_csv(csv.content, schema=table.schema).equals(table)


def test_all_answers_to_all_items_are_a_file(app):
    table = pl.read_parquet(io.BytesIO(ask(app, "/benchmarks/b/items.parquet").content))
    assert table.columns[:3] == ["item_id", "group", "truth"]
    models = msgspec.json.decode(ask(app, "/benchmarks/b.json").content, type=Benchmark).lines
    assert table.columns[3:] == [each.model.slug for each in models]
    assert len(table) == 60


def test_the_page_shows_what_its_twin_tells(app):
    view = msgspec.json.decode(ask(app, "/benchmarks/b.json").content, type=Benchmark)
    text = ask(app, "/benchmarks/b").text
    for line in view.lines:
        assert f"/models/{line.model.slug}" in text
        assert f"{line.score.value:.3f}" in text


def test_parameters_mean_the_same_for_page_and_twin(app):
    down = msgspec.json.decode(ask(app, "/index.json?sort=model&order=desc").content, type=Front)
    ids = [each.model.id for each in down.lines]
    assert ids == ["n", "m", "<script>alert(1)</script>"]
    text = ask(app, "/?sort=model&order=desc").text
    places = [text.rindex(f'"/models/{each.model.slug}"') for each in down.lines]
    assert places == sorted(places)


@pytest.mark.parametrize(
    "path",
    [
        "/nothing",
        "/suites/nothing",
        "/benchmarks/nothing",
        "/benchmarks/b@00000000",
        "/benchmarks/..%2f..%2fetc%2fpasswd",
        "/models/nobody",
        "/benchmarks/b/pairs",
        "/benchmarks/b/item?item=nothing",
        "/benchmarks/c.d/items",
        "/static/nothing.css",
        "/static/..%2fapp.py",
        "/results/0123",
        f"/results/{'0' * 32}",
        f"/predictions/{'0' * 32}.parquet",
        "/compare.csv",
    ],
)
def test_what_is_not_here_is_404(app, path):
    answer = ask(app, path)
    assert answer.status_code == 404
    assert "etag" not in answer.headers
    assert "/root" not in answer.text


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/?colour=red", "colour"),
        ("/?sort=taste", "taste"),
        ("/?standing=good", "good"),
        ("/benchmarks/b?metric=speed", "speed"),
        ("/benchmarks/b/items?start=-1", "-1"),
        ("/compare?models=nobody&models=m", "nobody"),
        ("/statistics?x=1", "x"),
        ("/?search=%3Cscript%3E&search=2", "twice"),
    ],
)
def test_what_cannot_be_asked_is_400_with_one_line(app, path, told):
    page = ask(app, path)
    assert page.status_code == 400
    assert told in page.text
    assert page.headers["content-type"].startswith("text/html")
    twin = ask(app, path, headers={"accept": "application/json"})
    problem = twin.json()
    assert (twin.status_code, problem["status"]) == (400, 400)
    assert told in problem["message"]
    assert "\n" not in problem["message"]


def test_a_problem_with_data_is_data(app):
    for path in ("/models/nobody.json", "/models/nobody.csv", "/results/x", "/index.parquet?x=1"):
        assert ask(app, path).headers["content-type"] == "application/json"


def test_only_get_and_head_are_allowed(app):
    for method in ("POST", "PUT", "DELETE"):
        answer = ask(app, "/", method)
        assert answer.status_code == 405
        assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD"}
    assert ask(app, "/", "HEAD").status_code == 200


@pytest.mark.parametrize("path", [*PAGES, "/index.json", "/nothing", "/?x=1", "/metrics",
                                  "/health/live", "/openapi.json"])  # fmt: skip
def test_every_answer_is_under_the_policy(app, path):
    headers = ask(app, path).headers
    assert headers["content-security-policy"] == POLICY
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert "'unsafe" not in POLICY


@pytest.mark.parametrize("path", PAGES)
def test_pages_name_no_other_host_and_hold_no_script_or_style(app, path):
    text = ask(app, path).text
    for address in re.findall(r'(?:src|href|action)="([^"]*)"', text):
        assert not re.match(r"[a-z]+:|//", address), address
    assert not re.search(r"\sstyle=|<style|\son[a-z]+=", text)
    for attributes, body in re.findall(r"<script([^>]*)>(.*?)</script>", text, re.DOTALL):
        assert "src=" in attributes or "application/json" in attributes
        assert "src=" not in attributes or not body.strip()


def test_what_is_known_is_not_sent_again(app):
    first = ask(app, "/benchmarks/b")
    tag = first.headers["etag"]
    assert first.headers["cache-control"] == "no-cache"
    for given in (tag, f'"x", {tag}', "*", tag.removeprefix("W/")):
        again = ask(app, "/benchmarks/b", headers={"if-none-match": given})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == tag
    assert ask(app, "/benchmarks/b", headers={"if-none-match": '"x"'}).status_code == 200


def test_tags_differ_by_address_and_form(app):
    paths = ["/benchmarks/b", "/benchmarks/b.json", "/benchmarks/b?sort=model", "/benchmarks/c.d"]
    assert len({ask(app, path).headers["etag"] for path in paths}) == 4


def test_a_question_mark_in_a_path_is_no_query(app):
    page = ask(app, "/models/m?sort=value")
    assert page.status_code == 200
    # Were the two taken for one, this would be the page that is kept.
    assert ask(app, "/models/m%3Fsort=value").status_code == 404
    assert ask(app, "/models/m%3F").status_code == 404


def test_a_new_result_shows_with_the_next_request(tmp_path):
    with opened(tmp_path) as store:
        add(store, "b", "m", right(0.5))
        app = leaderboard_app(store)
        before = ask(app, "/index.json")
        # Another process adds it.
        with Store.open(tmp_path / "store") as other:
            add(other, "b", "n", right(0.6))
        after = ask(app, "/index.json", headers={"if-none-match": before.headers["etag"]})
        assert after.status_code == 200
        lines = msgspec.json.decode(after.content, type=Front).lines
        assert [each.model.id for each in lines] == ["n", "m"]


def test_pages_are_kept_until_something_changes(tmp_path, monkeypatch):
    made = []
    real = app_module.made
    monkeypatch.setattr(app_module, "made", lambda *how: made.append(how[0]) or real(*how))
    with opened(tmp_path) as store:
        add(store, "b", "m", right(0.5))
        app = leaderboard_app(store)
        for _ in range(3):
            assert ask(app, "/index.json").status_code == 200
        assert made == ["front"]
        add(store, "b", "n", right(0.5))
        ask(app, "/index.json")
        assert made == ["front"] * 2


def test_text_is_compressed_where_that_is_taken(app):
    plain = ask(app, "/index.json", headers={"accept-encoding": "identity"})
    packed = ask(app, "/index.json", headers={"accept-encoding": "br, gzip;q=0.5"})
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.headers["vary"] == "Accept-Encoding"
    assert packed.content == plain.content
    assert int(packed.headers["content-length"]) < len(plain.content)
    refused = ask(app, "/index.json", headers={"accept-encoding": "gzip;q=0"})
    assert "content-encoding" not in refused.headers
    parquet = ask(app, "/index.parquet", headers={"accept-encoding": "gzip"})
    assert "content-encoding" not in parquet.headers


def test_compressing_gives_the_same_bytes_each_time(app):
    content = app_module.Content(b"x" * 5000, "text/html")
    assert gzip.decompress(content.compressed) == content.body
    assert content.compressed == app_module.Content(b"x" * 5000, "text/html").compressed
    assert app_module.Content(b"x", "text/html").compressed is None


def test_documents_are_as_they_were_added(app, store):
    (entry, *_) = store.entries(model="m")
    for ending in ("", ".json"):
        answer = ask(app, f"/results/{entry.id}{ending}")
        assert msgspec.json.decode(answer.content, type=Result) == store.result(entry.id)
    tag = answer.headers["etag"]
    again = ask(app, f"/results/{entry.id}", headers={"if-none-match": tag})
    assert again.status_code == 304


def test_predictions_are_given_as_they_came(app, store):
    ids = {each.predictions is not None: each.id for each in store.entries(model="m")}
    assert ask(app, f"/predictions/{ids[True]}.parquet").content == b"PAR1 not looked at"
    assert ask(app, f"/predictions/{ids[False]}.parquet").status_code == 404


def test_health_and_counters_are_told(app):
    assert ask(app, "/health/live").json() == {"status": "live"}
    assert ask(app, "/health/ready").json() == {"status": "ready"}
    ask(app, "/")
    ask(app, "/")
    ask(app, "/?x=1")
    text = ask(app, "/metrics").text
    assert re.search(r'genomark_board_requests_total\{status="400"\} [1-9]', text)
    assert re.search(r'genomark_board_answers_total\{how="kept"\} [1-9]', text)


def test_a_store_that_cannot_be_read_is_no_page_and_not_ready(tmp_path):
    with opened(tmp_path) as store:
        add(store, "b", "m", right(0.5))
        app = leaderboard_app(store)
        assert ask(app, "/").status_code == 200
        store.close()
        (tmp_path / "store" / "store.sqlite").write_bytes(b"damaged" * 1000)
        for each in (tmp_path / "store").glob("store.sqlite-*"):
            each.unlink()
        page, ready = ask(app, "/"), ask(app, "/health/ready")
    assert page.status_code == 500
    assert str(tmp_path) not in page.text
    assert page.headers["content-security-policy"] == POLICY
    assert ready.status_code == 503
    assert ask(app, "/health/live").status_code == 200


def test_what_nobody_foresaw_is_a_page_too(app, monkeypatch):
    def broken(*how):
        raise ZeroDivisionError("a secret")

    monkeypatch.setattr(app_module, "made", broken)
    answer = ask(app, "/models/n?sort=cost")
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert answer.headers["content-security-policy"] == POLICY


def test_routes_of_those_who_submit_come_first(store):
    from starlette.responses import PlainTextResponse
    from starlette.routing import Route

    async def submit(request):
        columns = request.app.state.board.snapshot().columns
        return PlainTextResponse(f"the form for {', '.join(columns)}")

    app = leaderboard_app(store, submissions=[Route("/submit", submit)])
    answer = ask(app, "/submit")
    assert answer.text == "the form for b, c.d"
    assert answer.headers["content-security-policy"] == POLICY
    assert ask(leaderboard_app(store), "/submit").status_code == 404


def test_many_at_once_get_the_same(store):
    app = leaderboard_app(store)

    async def all_at_once():
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await asyncio.gather(*(client.get("/index.json") for _ in range(30)))

    answers = asyncio.run(all_at_once())
    assert {each.status_code for each in answers} == {200}
    assert len({each.content for each in answers}) == 1


def test_two_stores_that_came_as_far_have_other_tags(tmp_path):
    with opened(tmp_path / "a") as one, opened(tmp_path / "b") as other:
        tags = []
        for store, share in ((one, 0.5), (other, 0.7)):
            add(store, "b", "m", right(share))
            tags.append(ask(leaderboard_app(store), "/benchmarks/b").headers["etag"])
        assert one.generation == other.generation
        assert tags[0] != tags[1]
        answer = ask(leaderboard_app(other), "/benchmarks/b", headers={"if-none-match": tags[0]})
        assert answer.status_code == 200
