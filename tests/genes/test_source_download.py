"""Downloads from live addresses: whole or absent, capped, and told of in one line."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import re
import socket
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from genomark.errors import DatasetError, DatasetUnavailableError
from genomark.genes.sources import download as module
from genomark.genes.sources import progress
from genomark.genes.sources.download import download, forget
from genomark.genes.sources.source import PinnedFile, RemoteFile, RemoteFolder

BODY = b"name\tid\n" * 5000


@dataclass
class Answer:
    body: bytes = BODY
    status: int = 200
    framing: str = "length"  # or "chunked", or "close"
    declare: int | None = None  # a Content-Length that is a lie
    drops: int = 0  # how often the connection breaks half-way


class Site:
    """An HTTP server on this machine that counts what it is asked."""

    def __init__(self):
        self.answers: dict[str, Answer] = {}
        self.asked: list[str] = []
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self.handler())
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,))
        self.thread.start()

    def url(self, path):
        return f"http://127.0.0.1:{self.server.server_address[1]}{path}"

    def file(self, name="a.tsv", limit=1_000_000, **how):
        self.answers[f"/{name}"] = Answer(**how)
        return RemoteFile(name, self.url(f"/{name}"), limit)

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def handler(site):  # noqa: N805
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                site.asked.append(self.path)
                answer = site.answers.get(self.path)
                if answer is None or answer.status != 200:
                    self.send_error(404 if answer is None else answer.status)
                    return
                self.protocol_version = "HTTP/1.1" if answer.framing == "chunked" else "HTTP/1.0"
                self.send_response(200)
                body = answer.body
                if answer.framing == "length":
                    self.send_header("Content-Length", str(answer.declare or len(body)))
                elif answer.framing == "chunked":
                    self.send_header("Transfer-Encoding", "chunked")
                self.send_header("Connection", "close")
                self.end_headers()
                self.close_connection = True
                dropped = answer.drops > 0
                answer.drops -= dropped
                sent = body[: len(body) // 2] if dropped else body
                if answer.framing == "chunked":
                    sent = b"%x\r\n%b\r\n" % (len(sent), sent) + (b"" if dropped else b"0\r\n\r\n")
                with suppress(OSError):  # the client went away, as some tests mean it to
                    self.wfile.write(sent)

            def log_message(self, *_):
                pass

        return Handler


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Where the source ``toy`` is kept, in a cache of its own."""
    monkeypatch.setenv("GENOMARK_CACHE", str(tmp_path / "cache"))
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(module, "BACKOFF", 0.01)
    return tmp_path / "cache" / "sources" / "toy"


@pytest.fixture
def site():
    served = Site()
    yield served
    served.close()


def get(*remotes, **how):
    return download("toy", remotes, progress=False, **how)


@pytest.mark.parametrize("framing", ["length", "chunked", "close"])
def test_a_file_arrives_whole_with_a_note_of_where_it_came_from(site, folder, framing):
    remote = site.file(framing=framing)
    ((path, origin),) = get(remote)
    assert path == folder / "a.tsv"
    assert path.read_bytes() == BODY
    assert (origin.name, origin.url, origin.bytes) == ("a.tsv", remote.url, 40_000)
    assert origin.sha256 == hashlib.sha256(BODY).hexdigest()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", origin.fetched)
    assert json.loads((folder / "a.tsv.origin.json").read_text())["sha256"] == origin.sha256
    assert sorted(each.name for each in folder.iterdir()) == ["a.tsv", "a.tsv.origin.json"]


def test_what_is_in_the_cache_is_not_asked_for_again(site):
    remote = site.file()
    first, second = get(remote), get(remote)
    assert first == second
    assert site.asked == ["/a.tsv"]


def test_fresh_asks_again(site):
    remote = site.file()
    get(remote)
    site.answers["/a.tsv"].body = b"new"
    ((path, origin),) = get(remote, fresh=True)
    assert path.read_bytes() == b"new"
    assert origin.bytes == 3


@pytest.mark.parametrize("harm", ["note", "content", "address", "forgotten", "nonsense"])
def test_a_file_that_is_not_as_noted_counts_as_absent(site, folder, harm):
    remote = site.file()
    ((path, _),) = get(remote)
    if harm == "note":
        (folder / "a.tsv.origin.json").unlink()
    elif harm == "content":
        path.write_bytes(BODY[:-1])
    elif harm == "nonsense":
        (folder / "a.tsv.origin.json").write_bytes(b"{")
    elif harm == "forgotten":
        forget(path)
    else:
        remote = RemoteFile("a.tsv", site.url("/a.tsv?v=2"), 1_000_000)
        site.answers["/a.tsv?v=2"] = Answer()
    get(remote)
    assert len(site.asked) == 2
    assert path.read_bytes() == BODY


@pytest.mark.parametrize(
    ("status", "says"),
    [(404, "HTTP 404 Not Found"), (503, "HTTP 503 Service Unavailable"), (799, "HTTP 799")],
)
def test_a_refusal_names_the_address_and_says_what_to_do(site, folder, status, says):
    remote = site.file(status=status)
    with pytest.raises(DatasetUnavailableError) as caught:
        get(remote)
    assert str(caught.value) == (
        f"{remote.url}: {says}. Get it another way and give it by hand: "
        "genomark tasks build toy --file PATH"
    )
    assert len(site.asked) == 1
    assert list(folder.iterdir()) == []


def test_success_without_a_file_is_a_refusal(site):
    with pytest.raises(DatasetUnavailableError, match="HTTP 204 No Content"):
        get(site.file(status=204))


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_a_dropped_connection_is_tried_again(site, framing):
    remote = site.file(framing=framing, drops=2)
    ((path, _),) = get(remote)
    assert path.read_bytes() == BODY
    assert len(site.asked) == 3


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_a_connection_that_keeps_dropping_leaves_nothing(site, folder, framing):
    with pytest.raises(DatasetUnavailableError, match=r"dropped 3 times \(.*--file PATH"):
        get(site.file(framing=framing, drops=9))
    assert list(folder.iterdir()) == []


def test_a_file_shorter_than_announced_is_not_kept(site, folder):
    with pytest.raises(DatasetUnavailableError, match="dropped 3 times"):
        get(site.file(declare=50_000))
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("framing", ["length", "chunked", "close"])
def test_a_file_larger_than_it_should_be_is_not_kept(site, folder, framing):
    with pytest.raises(DatasetUnavailableError, match=r"more than the 39\.0 kB it should have"):
        get(site.file(framing=framing, limit=39_000))
    assert len(site.asked) == 1
    assert list(folder.iterdir()) == []


def test_an_earlier_file_survives_a_refusal_of_a_later_one(site, folder):
    good, bad = site.file("good"), site.file("bad", status=500)
    with pytest.raises(DatasetUnavailableError, match="HTTP 500"):
        get(good, bad)
    site.answers["/bad"].status = 200
    get(good, bad)
    assert site.asked == ["/good", "/bad", "/bad"]


def test_an_old_file_serves_until_a_new_one_is_there(site, folder):
    remote = site.file()
    get(remote)
    site.answers["/a.tsv"].status = 500
    with pytest.raises(DatasetUnavailableError):
        get(remote, fresh=True)
    ((path, _),) = get(remote)
    assert path.read_bytes() == BODY
    assert len(site.asked) == 2


def test_a_file_that_is_given_by_another_option_says_which(site):
    remote = dataclasses.replace(site.file(status=404), by_hand="--hgnc FILE")
    with pytest.raises(DatasetUnavailableError, match=r"give it by hand: --hgnc FILE$"):
        get(remote)


def test_nobody_listening_is_told_at_once():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    with pytest.raises(DatasetUnavailableError, match="Connection refused"):
        get(RemoteFile("a", f"http://127.0.0.1:{port}/a", 10))


@pytest.mark.parametrize("url", ["http://ex..ample/", "http://127.0.0.1:1/with space", "nonsense"])
def test_an_address_that_is_none_is_one_line(url):
    with pytest.raises(DatasetUnavailableError) as caught:
        get(RemoteFile("a", url, 10))
    assert "\n" not in str(caught.value)


def test_a_folder_is_read_off_the_page_that_lists_it(site):
    names = ["part-00001-ab.parquet", "part-00000-ab.parquet", "_SUCCESS", "../", "part-x.parquet"]
    page = "".join(f'<a href="{name}">{name}</a>\n' for name in ["?C=N;O=D", *names, "/part-1"])
    site.answers["/deep/"] = Answer(page.encode())
    for name in names[:2]:
        site.answers[f"/deep/{name}"] = Answer(name.encode())
    found = get(RemoteFolder(site.url("/deep/"), r"part-\d{5}-[0-9a-z-]+\.parquet", 1000))
    assert [path.name for path, _ in found] == ["part-00000-ab.parquet", "part-00001-ab.parquet"]
    assert [path.read_bytes().decode() for path, _ in found] == sorted(names[:2])
    assert site.asked[1:] == ["/deep/part-00000-ab.parquet", "/deep/part-00001-ab.parquet"]


def test_a_page_that_lists_nothing_wanted_is_told_of_and_asked_for_again(site):
    site.answers["/deep/"] = Answer(b"<html>under maintenance</html>")
    remote = RemoteFolder(site.url("/deep/"), r"part-\d+", 1000)
    for _ in range(2):
        with pytest.raises(DatasetUnavailableError, match="lists none of the files"):
            get(remote)
    assert site.asked == ["/deep/", "/deep/"]


def test_a_pinned_file_comes_from_the_catalogue(real_data):
    path = real_data("gene2gene", "test_label.txt")
    ((found, origin),) = get(PinnedFile("gene2gene", "test_label.txt"))
    assert found.read_bytes() == path.read_bytes()
    assert origin.fetched is None
    assert origin.url.startswith("https://raw.githubusercontent.com/jingcheng-du/Gene2vec/")
    assert origin.bytes == 42_896


def test_a_cache_that_cannot_be_written_is_told_of(site, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("GENOMARK_CACHE", str(tmp_path / "file"))
    with pytest.raises(DatasetError, match="set GENOMARK_CACHE"):
        get(site.file())


def test_lines_tell_of_a_download_whose_size_is_known(site, capsys):
    download("toy", [site.file()], progress=None)
    begun, done = capsys.readouterr().err.splitlines()
    assert begun == "Downloading toy/a.tsv (40.0 kB)"
    assert done.startswith("Downloaded toy/a.tsv in ")


def test_lines_tell_of_a_download_whose_size_is_not_known(site, capsys, monkeypatch):
    monkeypatch.setattr(progress, "_SECONDS_BETWEEN_LINES", 0.0)
    download("toy", [site.file(framing="chunked")], progress=None)
    begun, *between, done = capsys.readouterr().err.splitlines()
    assert begun == "Downloading toy/a.tsv (size not told)"
    assert between[-1] == "  40.0 kB so far"
    assert done.startswith("Downloaded toy/a.tsv in ")


def test_work_of_less_than_two_seconds_is_not_talked_about(capsys):
    with progress.counting("Building toy", 3, None) as show:
        show(1, "b")
    assert capsys.readouterr().err == ""


def test_longer_work_says_how_far_it_is(capsys, monkeypatch):
    monkeypatch.setattr(progress, "PATIENCE", 0.0)
    with progress.counting("Building toy", 3, None) as show:
        show(1, "b")
        show(2, "c")  # too soon after the first
    assert capsys.readouterr().err == "Building toy: 1 of 3 done, now b\n"
    with progress.counting("Building toy", 3, False) as show:
        show(1, "b")
    assert capsys.readouterr().err == ""


def test_longer_work_draws_a_bar_where_somebody_watches(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(progress, "PATIENCE", 0.0)
    with progress.counting("Building toy", 3, None) as show:
        show(1, "the second")
    assert "the second" in screen.getvalue()
    assert "1/3" in screen.getvalue()
