"""Attacks on a board that need a socket or a real browser; the rest is in test_board_safety."""

from __future__ import annotations

import json
import socket
from urllib.parse import quote, urlsplit

import pytest
from browsing import chromium, served, visiting
from small_store import add, opened, right
from test_board_safety import HOSTILE, board, harmless
from test_leaderboard_app import ask

from genomark.leaderboard.app import leaderboard_app
from genomark.leaderboard.board import Board
from genomark.leaderboard.export import export_static
from genomark.leaderboard.responses import POLICY

SCRIPT, IMAGE = HOSTILE[:2]
#: What only the text of strangers would have put there.
_PLANTED = """() => document.querySelectorAll(
    "main img, main iframe, [onerror], [onmouseover], [href^='javascript:'], main base").length"""


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    with board(tmp_path_factory.mktemp("attacked"), HOSTILE) as store:
        yield store


@pytest.fixture(scope="module")
def app(store):
    return leaderboard_app(store)


@pytest.fixture(scope="module")
def base(store, tmp_path_factory):
    with served(store, tmp_path_factory.mktemp("incoming")) as url:
        yield url


def raw(base, request):
    """Send bytes as they are; gives status, headers (names in lower case) and body."""
    with socket.create_connection(("127.0.0.1", urlsplit(base).port), timeout=20) as connection:
        connection.sendall(request)
        received = b""
        while part := connection.recv(65536):
            received += part
    head, _, body = received.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = [tuple(line.split(": ", 1)) for line in lines]
    return int(first.split()[1]), [(name.lower(), value) for name, value in headers], body


def get(base, target, *headers):
    lines = [b"GET " + target + b" HTTP/1.1", b"Host: board", b"Connection: close", *headers]
    return raw(base, b"\r\n".join(lines) + b"\r\n\r\n")


@pytest.mark.parametrize(
    "target",
    [
        b"/static/../app.py",
        b"/static/../../leaderboard/app.py",
        b"/static/..%2f..%2fapp.py",
        b"/static/%2e%2e/app.py",
        b"/static//etc/passwd",
        b"/static/%2fetc%2fpasswd",
        b"/static/board.css%00",
        b"/static/vendor/..\\..\\app.py",
        b"/static/",
        b"//etc/passwd",
        b"/../../etc/passwd",
        b"/benchmarks/%00",
        b"/benchmarks/b%00.json",
        b"/benchmarks/..",
        b"/models/%ff%fe",
        b"/models/..%2f..%2fstore.sqlite",
        b"/suites/%2e%2e",
        b"/results/../store.sqlite",
        b"/results/..%2fstore.sqlite",
        b"/results/%2e%2e%2fstore.lock",
        b"/predictions/../../etc/passwd.parquet",
        b"/predictions/..%2f..%2fetc%2fpasswd.parquet",
        b"/submissions/..%2f..%2fstore.sqlite",
    ],
)
def test_no_path_leads_out_of_the_board(base, target):
    status, headers, body = get(base, target)
    assert status == 404
    assert dict(headers)["content-security-policy"] == POLICY
    assert b"root:" not in body
    assert b"SQLite" not in body
    assert b"import " not in body


@pytest.mark.parametrize(
    "target",
    [
        b"/?search=%0d%0aSet-Cookie:%20a=b",
        b"/?search=%0aX-Injected:%20yes",
        b"/benchmarks/b%0d%0aX-Injected:%20yes",
        b"/models/a%0d%0a%0d%0a<script>alert(1)</script>",
        b"/compare?models=%0d%0aSet-Cookie:%20a=b&models=m",
    ],
)
def test_no_line_of_a_request_becomes_a_header(base, target):
    status, headers, body = get(base, target)
    assert status in (200, 400, 404)
    assert not {"set-cookie", "x-injected"} & {name for name, _ in headers}
    harmless(body.decode())


def test_no_header_of_a_request_reaches_a_page(base):
    forged = (
        b"X-Forwarded-Host: forged.example",
        b"X-Forwarded-Proto: javascript",
        b"Forwarded: host=forged.example",
        b"X-Original-URL: /metrics",
        b"Referer: http://forged.example/",
        b"User-Agent: <script>alert(1)</script>",
        b"Accept-Language: forged.example",
    )
    plain, changed = get(base, b"/"), get(base, b"/", *forged)
    assert changed[2] == plain[2]
    assert not any("forged" in value for _, value in changed[1])


def test_an_absolute_address_is_that_of_this_board(base):
    status, _, body = get(base, b"http://forged.example/statistics")
    assert (status, body) in [(404, body), (200, get(base, b"/statistics")[2])]
    assert b"forged" not in body


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        # The server itself refuses what is longer than 64 kB.
        ("&".join(["models=m"] * 7000), 200),
        ("&".join(f"models={n}" for n in range(4000)), 400),
        ("&".join(["p=1"] * 10_000), 400),
        ("&".join(f"{n:x}=1" for n in range(8000)), 400),
        ("models=" + "m" * 60_000, 400),
        ("benchmark=" + "%3Cscript%3E" * 5000, 400),
        ("&" * 50_000, 200),
        ("=" * 50_000, 400),
        ("models=m;models=b", 400),
        ("models[]=m", 400),
        ("%ff%fe=%00", 400),
    ],
)
def test_a_monstrous_query_is_one_short_line(base, asked, status):
    target = f"/compare?{asked}".encode("ascii")
    told, _, body = get(base, target, b"Accept: application/json")
    assert told == status
    if status == 400:
        message = json.loads(body)["message"]
        assert len(message) < 1000
        assert "\n" not in message


def test_a_request_line_beyond_all_measure_is_refused(base):
    status, _, body = get(base, b"/?search=" + b"a" * 200_000)
    assert 400 <= status < 500
    assert len(body) < 10_000


@pytest.mark.parametrize(
    "path", ["/", "/index.json", "/benchmarks/b", "/benchmarks/b/pairs.csv", "/static/board.css"]
)
def test_to_ask_for_the_head_gives_all_but_the_body(app, path):
    whole, head = ask(app, path), ask(app, path, "HEAD")
    assert head.status_code == 200
    assert head.content == b""
    assert dict(head.headers) == dict(whole.headers)
    again = ask(app, path, "HEAD", headers={"If-None-Match": whole.headers["etag"]})
    assert again.status_code == 304
    assert again.headers["content-security-policy"] == POLICY


@pytest.mark.parametrize("method", ["OPTIONS", "PATCH", "TRACE", "CONNECT", "PROPFIND", "GETS"])
def test_no_other_method_does_anything(app, method):
    for path in ("/", "/benchmarks/b", "/results/x", "/static/board.css"):
        answer = ask(app, path, method)
        assert answer.status_code == 405
        assert "access-control-allow-origin" not in answer.headers
        assert answer.headers["content-security-policy"] == POLICY


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


def test_no_name_runs_in_a_browser(browser, base, store):
    slugs = [each.slug for each in Board(store).snapshot().models.values() if each.owner]
    compared = "&".join(f"models={quote(slug)}" for slug in slugs[:5])
    addresses = [
        "/",
        "/suites/other",
        "/benchmarks/b",
        *(f"/models/{quote(slug)}" for slug in slugs[:4]),
        f"/compare?{compared}&benchmark=b",
        "/benchmarks/b/items",
        f"/benchmarks/b/item?item={quote(SCRIPT + ' 7', safe='')}",
        "/submit",
    ]
    with visiting(browser, base) as visit:
        for address in addresses:
            page = visit.see(address)
            assert page.evaluate(_PLANTED) == 0, address
        page = visit.see("/benchmarks/b")
        assert SCRIPT in page.inner_text("#ranking-table")


def test_what_a_chart_tells_of_a_point_is_text(browser, tmp_path):
    names = [SCRIPT, IMAGE, HOSTILE[4]]
    with opened(tmp_path) as store:
        for place, name in enumerate(names):
            add(store, "b", name, right(0.2 + place / 4, seed=place))
        with served(store, tmp_path / "incoming") as base, visiting(browser, base) as visit:
            page = visit.see("/benchmarks/b")
            points = page.locator("#chart-cost .canvas svg .mark-symbol[role*=object] path")
            points.first.wait_for()
            told = []
            for point in points.all():
                point.hover(force=True)
                page.wait_for_selector("#vg-tooltip-element.visible")
                told.append(page.inner_text("#vg-tooltip-element"))
                assert page.evaluate(_PLANTED.replace("main img", "img")) == 0
    assert all(any(name in each for each in told) for name in names), told


def test_no_name_runs_from_the_disk(browser, store, tmp_path):
    site = tmp_path / "site"
    export_static(store, site)
    with visiting(browser, site.as_uri()) as visit:
        page = visit.see("/compare.html")
        for place, name in enumerate((SCRIPT, IMAGE)):
            options = page.locator(f"[name=models] >> nth={place}").locator("option")
            texts = options.all_inner_texts()
            index = next(at for at, text in enumerate(texts) if text.startswith(name[:20]))
            page.locator("[name=models]").nth(place).select_option(index=index)
        page.click("main button[type=submit]")
        page.wait_for_selector("#compared .differences")
        assert SCRIPT[:20] in page.inner_text("#compared")
        assert page.evaluate(_PLANTED) == 0
        page = visit.see("/benchmarks/b.html")
        page.wait_for_selector("#chart-cost .canvas svg")
        assert page.evaluate(_PLANTED) == 0
