"""Sending a bundle: what is tried again, what is told, and where a token never goes."""

from __future__ import annotations

import contextlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from genomark.errors import GenomarkError, UsageError
from genomark.leaderboard.submissions import client as client_module
from genomark.leaderboard.submissions.client import BoardClient

WAITING = {"id": "a" * 32, "received": "", "model": "m", "benchmark": "b", "state": "waiting"}


@contextlib.contextmanager
def board(*answers):
    """A server that answers as told, one after the other; gives its URL and what it was sent."""
    left, seen = list(answers), []

    class Handler(BaseHTTPRequestHandler):
        def _answer(self):
            size = int(self.headers.get("content-length", 0))
            status, body, headers = left.pop(0)
            seen.append((self.command, self.path, dict(self.headers), self.rfile.read(size)))
            if status is None:
                self.connection.close()
                return
            content = json.dumps(body).encode()
            self.send_response(status)
            for name, value in {"Content-Length": str(len(content)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def __getattr__(self, name):
            if name in ("do_GET", "do_POST"):
                return self._answer
            raise AttributeError(name)

        def log_message(self, *_):
            pass

        def handle(self):
            with contextlib.suppress(OSError, ValueError):
                super().handle()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", seen
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def slept(monkeypatch):
    seconds = []
    monkeypatch.setattr(client_module.time, "sleep", seconds.append)
    return seconds


@pytest.fixture
def bundle(tmp_path):
    (tmp_path / "bundle.zip").write_bytes(b"PK" + b"x" * 200_000)
    return tmp_path / "bundle.zip"


def test_a_busy_board_is_asked_again_when_it_says(bundle, slept):
    answers = [(503, {}, {"Retry-After": "7"}), (429, {}, {"Retry-After": "3"}), (202, WAITING, {})]
    progress = []
    with board(*answers) as (url, seen):
        taken = BoardClient(url, "secret").send(bundle, lambda sent, of: progress.append(sent))
    assert taken.id == "a" * 32
    assert slept == [7, 3]
    assert [each[:2] for each in seen] == [("POST", "/submissions")] * 3
    assert all(each[2]["Authorization"] == "Bearer secret" for each in seen)
    assert seen[-1][3] == bundle.read_bytes()
    assert progress[-1] == len(bundle.read_bytes())


@pytest.mark.parametrize(
    ("status", "message"),
    [(401, "No such token"), (409, "submitted before"), (413, "over"), (507, "no room")],
)
def test_a_refusal_is_one_line(bundle, slept, status, message):
    body = {"status": status, "message": f"{message}\x1b[31m\nmore"}
    with board((status, body, {})) as (url, _), pytest.raises(UsageError) as told:
        BoardClient(url, "secret").send(bundle)
    assert message in str(told.value)
    assert str(told.value).isprintable()
    assert "secret" not in str(told.value)
    assert slept == []


def test_days_are_not_waited_for(bundle, slept):
    spent = (429, {"status": 429, "message": "20 submissions"}, {"Retry-After": "86000"})
    with board(spent) as (url, _), pytest.raises(UsageError, match="20 submissions"):
        BoardClient(url, "t").send(bundle)
    assert slept == []


def test_an_answer_that_was_lost_is_asked_for_again(bundle, slept):
    known = {"status": 409, "message": "before", "first": "a" * 32}
    with board((None, {}, {}), (409, known, {}), (200, WAITING, {})) as (url, seen):
        assert BoardClient(url, "t").send(bundle).state == "waiting"
    assert seen[-1][:2] == ("GET", f"/submissions/{'a' * 32}.json")
    assert "Authorization" not in seen[-1][2]


def test_it_waits_until_there_is_a_verdict(slept):
    scoring, scored = {**WAITING, "state": "scoring"}, {**WAITING, "state": "scored"}
    answers = [(200, WAITING, {}), (503, {}, {}), (200, scoring, {}), (200, scored, {})]
    with board(*answers) as (url, _):
        assert BoardClient(url, "t").wait("a" * 32).state == "scored"
    assert len(slept) == 3
    gone = (404, {"status": 404, "message": "no such"}, {})
    with board(gone) as (url, _), pytest.raises(UsageError, match="no such"):
        BoardClient(url, "t").wait("a" * 32)


def test_no_other_place_is_followed(bundle, slept):
    moved = (307, {}, {"Location": "http://127.0.0.1:1/elsewhere"})
    with board(moved) as (url, seen), pytest.raises(UsageError, match="status 307"):
        BoardClient(url, "t").send(bundle)
    assert len(seen) == 1


@pytest.mark.parametrize(
    "url", ["http://board.example", "http://10.0.0.1:8000", "http://0.0.0.0", "http://[fe80::1]"]
)
def test_a_token_is_not_sent_where_it_can_be_read(url):
    with pytest.raises(UsageError, match="can be read on the way"):
        BoardClient(url, "secret")
    BoardClient(url, "secret", insecure=True)
    BoardClient(url.replace("http:", "https:"), "secret")


@pytest.mark.parametrize(
    "url", ["ftp://x", "board.example", "https://", "http://[", "http://a:b@x", "https://x/?q=1"]
)
def test_what_is_no_url_of_a_board_is_refused(url):
    with pytest.raises(UsageError):
        BoardClient(url, "secret")


def test_what_stands_in_a_token_breaks_no_request():
    with pytest.raises(UsageError, match="holds what no token does"):
        BoardClient("http://localhost", "a\r\nX-Evil: 1")


def test_a_board_that_is_not_there_is_told(bundle, slept):
    with board() as (url, _):
        pass
    with pytest.raises(GenomarkError, match="cannot be reached"):
        BoardClient(url, "t").send(bundle)
