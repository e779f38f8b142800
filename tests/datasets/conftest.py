"""A server on this machine, a catalogue that names it, and a cache of its own for every test."""

from __future__ import annotations

import hashlib
import os
import random
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import msgspec
import pytest

from genomark.datasets import Dataset, DatasetFile

# The package's function of this name hides its module.
CATALOGUE = sys.modules["genomark.datasets.catalogue"]
DOWNLOAD = "genomark.datasets.download"

CHILD = """
import sys
import msgspec
import genomark.datasets as datasets

catalogue = sys.modules["genomark.datasets.catalogue"]
shipped = msgspec.json.decode(sys.argv[1], type=dict[str, datasets.Dataset])
catalogue._shipped = lambda: shipped
print(datasets.path("toy", sys.argv[2], progress=False))
"""


@dataclass
class Answer:
    """How the server answers for one path."""

    body: bytes
    status: int = 200
    ranges: bool = True  # whether it honours Range
    drops: list[int] = field(default_factory=list)  # bytes sent before each hang-up, in turn
    always_drop: int | None = None  # ... and every time
    framing: str = "length"  # or "chunked", or "close": the end of the connection is the end
    chunk: int = 1 << 16
    pause: float = 0.0  # seconds between chunks
    content_range: str | None = None  # a lie
    declare: int | None = None  # another lie: a Content-Length
    kind: str | None = None  # a Content-Type


class Origin:
    """A real HTTP server on 127.0.0.1 that counts what it is asked and can misbehave."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.requests: list[tuple[str, str | None]] = []  # path and Range
        self.headers: list[dict[str, str]] = []
        self.sent = 0
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def url(self, path: str = "") -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}{path}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _handler(origin) -> type[BaseHTTPRequestHandler]:  # noqa: N805
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked = self.headers.get("Range")
                origin.requests.append((self.path, asked))
                origin.headers.append(dict(self.headers))
                answer = origin.answers.get(self.path)
                if answer is None or answer.status != 200:
                    self.send_error(404 if answer is None else answer.status)
                    return
                body, status = answer.body, 200
                if asked and answer.ranges:
                    start = int(asked.removeprefix("bytes=").removesuffix("-"))
                    if start >= len(body):
                        self.send_error(416)
                        return
                    status, body = 206, body[start:]
                    honest = f"bytes {start}-{len(answer.body) - 1}/{len(answer.body)}"
                    self.content_range = answer.content_range or honest
                self.send(status, body, answer)

            def send(self, status: int, body: bytes, answer: Answer) -> None:
                # A chunked answer exists in HTTP/1.1 only, and so must the client be told.
                self.protocol_version = "HTTP/1.1" if answer.framing == "chunked" else "HTTP/1.0"
                self.send_response(status)
                if status == 206:
                    self.send_header("Content-Range", self.content_range)
                if answer.framing == "length":
                    self.send_header("Content-Length", str(answer.declare or len(body)))
                elif answer.framing == "chunked":
                    self.send_header("Transfer-Encoding", "chunked")
                if answer.kind is not None:
                    self.send_header("Content-Type", answer.kind)
                self.send_header("Connection", "close")
                self.end_headers()
                self.close_connection = True
                limit = answer.drops.pop(0) if answer.drops else answer.always_drop
                self.stream(body if limit is None else body[:limit], answer, whole=limit is None)

            def stream(self, body: bytes, answer: Answer, *, whole: bool) -> None:
                chunked = answer.framing == "chunked"
                try:
                    for at in range(0, len(body), answer.chunk):
                        piece = body[at : at + answer.chunk]
                        frame = b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece
                        self.wfile.write(frame)
                        origin.sent += len(piece)
                        time.sleep(answer.pause)
                    if chunked and whole:
                        self.wfile.write(b"0\r\n\r\n")
                except OSError:
                    pass  # the client went away, as some tests mean it to

            def log_message(self, *_: object) -> None:
                pass

        return Handler


@dataclass
class Toy:
    """The dataset ``toy``, served by an `Origin`."""

    origin: Origin
    cache: Path
    contents: dict[str, bytes] = field(default_factory=dict)
    dataset: Dataset = field(
        default_factory=lambda: Dataset("toy", "Toy", "A toy.", "None.", "Nobody.", ())
    )

    def add(self, path: str, size: int = 300_000, *, url: str | None = None, **how) -> Answer:
        """Add a file of random bytes to the dataset, and let the server answer for it."""
        body = random.Random(path).randbytes(size)
        file = DatasetFile(
            path=path,
            bytes=size,
            sha256=hashlib.sha256(body).hexdigest(),
            url=url or self.origin.url(f"/origin/{path}"),
        )
        self.contents[path] = body
        self.dataset = msgspec.structs.replace(self.dataset, files=(*self.dataset.files, file))
        answer = self.origin.answers[f"/origin/{path}"] = Answer(**{"body": body, **how})
        return answer

    def cached(self, path: str) -> Path:
        return self.cache / "datasets" / "toy" / path

    def part(self, path: str) -> Path:
        return self.cache / "partial" / f"{self.dataset.file(path).sha256}.part"

    def put(self, folder: Path, path: str, body: bytes | None = None) -> Path:
        """Write a file of the dataset, or other bytes in its stead, below `folder`."""
        place = folder / "toy" / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(self.contents[path] if body is None else body)
        return place

    def left(self) -> list[str]:
        """Every file in the cache but the locks."""
        files = (place for place in self.cache.rglob("*") if place.is_file())
        names = (str(place.relative_to(self.cache)) for place in files)
        return sorted(name for name in names if not name.startswith("locks/"))

    def start(self, path: str) -> subprocess.Popen[str]:
        """Let another process fetch a file."""
        shipped = msgspec.json.encode({"toy": self.dataset}).decode()
        return subprocess.Popen(
            [sys.executable, "-c", CHILD, shipped, path],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=dict(os.environ),
        )


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """An empty cache, no mirror, no proxy, and no patience."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("GENOMARK_CACHE", str(folder))
    monkeypatch.delenv("GENOMARK_MIRROR", raising=False)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(f"{DOWNLOAD}.BACKOFF", 0.01)
    monkeypatch.setattr(f"{DOWNLOAD}.TIMEOUT", 5.0)
    return folder


@pytest.fixture
def origin():
    server = Origin()
    yield server
    server.close()


@pytest.fixture
def toy(origin, cache, monkeypatch):
    made = Toy(origin, cache)
    monkeypatch.setattr(CATALOGUE, "_shipped", lambda: {"toy": made.dataset})
    return made


@pytest.fixture(scope="session")
def mirror():
    """The mirror of real data: the one of the environment, else the one beside the checkout."""
    beside = Path(__file__).resolve().parents[3] / "shared" / "mirror"
    place = Path(os.environ.get("GENOMARK_MIRROR") or beside)
    if not (place / "manifest.json").is_file():
        pytest.skip("no mirror of real data here")
    return place


@pytest.fixture
def closed_port():
    """A URL on this machine where nobody listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    return f"http://127.0.0.1:{port}"
