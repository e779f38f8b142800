"""An exchange over a plain socket, and connections that are kept between calls."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import pickle
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import aiohttp
import numpy as np
import pytest

from genomark.errors import RemoteModelError
from genomark.models.connections import Connections
from genomark.models.direct import DirectLines, goes_direct
from genomark.models.remote import RemotePredictor
from genomark.models.remote_settings import RemoteSettings
from genomark.models.transport import (
    BrokenConnectionError,
    DeadlineError,
    Deadlines,
    HttpAnswer,
    NoConnectionError,
    TooLongError,
    exchange,
    login_for,
)
from genomark.protocol import (
    FrameReader,
    PredictResponse,
    TaskPrediction,
    compress,
    tensor_frames,
)

SOON = Deadlines(connect=20.0, read=20.0, total=60.0)
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nh\r\n1\r\ni\r\n0\r\n\r\n"


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


class Scripted:
    """A server that says what it is told to, request by request, whatever it is asked."""

    def __init__(self, says: list[bytes | None]) -> None:
        self._says = says
        self.requests: list[bytes] = []
        self.connections = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/predict"
        self.closed = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        with self._listener:
            while self._says:
                line, _ = self._listener.accept()
                self.connections += 1
                # A client that has read enough closes with the rest unread, which is a reset here.
                with line, contextlib.suppress(ConnectionError):
                    self._talk(line)
                self.closed.set()

    def _talk(self, line: socket.socket) -> None:
        while self._says:
            request = self._request(line)
            if not request:
                return
            self.requests.append(request)
            says = self._says.pop(0)
            if says is None:
                return
            line.sendall(says)
            if says.startswith(b"HTTP/1.0"):
                return

    def _request(self, line: socket.socket) -> bytes:
        read = b""
        while b"\r\n\r\n" not in read:
            block = line.recv(1 << 16)
            if not block:
                return b""
            read += block
        head, _, body = read.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
        whole = bytearray(body)
        while len(whole) < length:
            whole += line.recv(1 << 16)
        return head + b"\r\n\r\n" + whole


def post(
    server: Scripted, lines: DirectLines | None = None, body: bytes = b"x", **more: int
) -> HttpAnswer:
    most = more.get("max_bytes", 1 << 20)
    return (lines or DirectLines()).post(server.url, body, {"Accept": "a/b"}, SOON, most)


@pytest.mark.parametrize(
    "said",
    [
        OK,
        CHUNKED,
        b"HTTP/1.0 200 OK\r\n\r\nhi",
        b"HTTP/1.1 100 Continue\r\n\r\n" + OK,
        OK.replace(b"OK\r\n", b"OK\r\nX-Long: " + b"a" * 20_000 + b"\r\n"),
    ],
    ids=["length", "chunks", "until the end", "after a hundred", "a long header"],
)
def test_an_answer_is_read_whatever_tells_its_length(said: bytes) -> None:
    server = Scripted([said])
    answer = post(server)
    assert (answer.status, answer.body, answer.wire_bytes) == (200, b"hi", 2)


def test_a_request_says_what_it_is() -> None:
    server = Scripted([OK])
    post(server, body=b"12345")
    (request,) = server.requests
    head, _, body = request.partition(b"\r\n\r\n")
    first, *headers = head.decode().split("\r\n")
    assert first == "POST /predict HTTP/1.1"
    told = dict(header.split(": ", 1) for header in headers)
    assert told["Content-Length"] == "5"
    assert told["Accept"] == "a/b"
    assert server.url == f"http://{told['Host']}/predict"
    assert body == b"12345"


@pytest.mark.parametrize("size", [0, 1_000_000, 8_000_000])
def test_a_body_of_any_size_arrives_whole(size: int) -> None:
    server = Scripted([OK])
    body = bytes(size)
    post(server, body=body)
    assert server.requests[0].endswith(b"\r\n\r\n" + body)


def test_a_connection_is_used_again() -> None:
    server, lines = Scripted([OK, CHUNKED, OK]), DirectLines()
    assert [post(server, lines).body for _ in range(3)] == [b"hi"] * 3
    assert server.connections == 1


def test_one_that_the_server_closed_meanwhile_is_made_anew_without_a_word() -> None:
    server, lines = Scripted([b"HTTP/1.0" + OK[8:], OK]), DirectLines()
    post(server, lines)
    assert server.closed.wait(5)
    assert post(server, lines).body == b"hi"
    assert server.connections == 2


def test_one_that_is_closed_at_the_very_moment_it_is_used_is_made_anew_once() -> None:
    server, lines = Scripted([OK, None, OK, None, None]), DirectLines()
    post(server, lines)
    assert post(server, lines).body == b"hi"
    assert server.connections == 2
    with pytest.raises(BrokenConnectionError, match="no answer"):
        post(server, lines)
    assert len(server.requests) == 5


def test_threads_do_not_share_a_connection() -> None:
    server, lines = Scripted([OK]), DirectLines()
    other = Scripted([OK])
    post(server, lines)
    # Of another server: nothing of what was kept may be used for it.
    assert post(other).body == b"hi"


@pytest.mark.parametrize(
    ("said", "kind", "text"),
    [
        (OK[:-1] + b"", BrokenConnectionError, "the connection was closed"),
        (OK[:20], BrokenConnectionError, "the connection was closed"),
        (CHUNKED[:-5], BrokenConnectionError, "the connection was closed"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", RemoteModelError, "http://127.0.0.1"),
        (
            b"HTTP/1.1 200 OK\r\nX: " + b"a" * 70_000,
            RemoteModelError,
            "headers of over 65,536 bytes",
        ),
        (OK.replace(b"2\r\n", b"99999999999\r\n"), TooLongError, "over 1,048,576 bytes"),
        (CHUNKED.replace(b"\r\n1\r\nh", b"\r\n200000\r\n" + b"h" * 0x200000), TooLongError, "over"),
    ],
    ids=["torn body", "torn head", "torn chunks", "no HTTP", "head", "length", "too many chunks"],
)
def test_what_is_no_whole_answer_says_why(said: bytes, kind: type[Exception], text: str) -> None:
    server = Scripted([said])
    # The end of the script closes the connection.
    with pytest.raises(kind, match=text):
        post(server)


def test_who_does_not_listen_cannot_be_reached() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/predict"
    with pytest.raises(NoConnectionError, match="Connection refused"):
        DirectLines().post(url, b"", {}, SOON, 10)


def test_a_server_that_never_reads_holds_nobody_up_for_ever() -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}/predict"
        deadlines = Deadlines(connect=1.0, read=0.2, total=0.5)
        with pytest.raises(DeadlineError, match=r"no whole answer within 0\.5 s"):
            DirectLines().post(url, bytes(50_000_000), {}, deadlines, 10)


def test_a_packed_answer_is_unpacked_within_the_cap() -> None:
    packed = compress(b"A" * 100_000)
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: zstd\r\nContent-Length: {len(packed)}\r\n\r\n"
    answer = post(Scripted([head.encode() + packed]))
    assert (answer.body, answer.wire_bytes) == (b"A" * 100_000, len(packed))
    with pytest.raises(TooLongError):
        post(Scripted([head.encode() + packed]), max_bytes=99_999)
    torn = packed[:-2]
    told = head.replace(str(len(packed)), str(len(torn))).encode()
    with pytest.raises(RemoteModelError, match="it ends too soon"):
        post(Scripted([told + torn]))


def test_only_plain_http_without_a_proxy_goes_direct(monkeypatch: pytest.MonkeyPatch) -> None:
    assert goes_direct("http://10.0.0.1:5000")
    assert not goes_direct("https://10.0.0.1:5000")
    monkeypatch.setenv("http_proxy", "http://10.0.0.9:3128")
    assert not goes_direct("http://10.0.0.1:5000")
    monkeypatch.setenv("no_proxy", "10.0.0.1")
    assert goes_direct("http://10.0.0.1:5000")


def test_who_has_to_say_who_it_is_does_not_go_direct(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert not goes_direct("http://me:word@10.0.0.2:5000")
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 10.0.0.3 login me password word\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    login_for.cache_clear()
    assert not goes_direct("http://10.0.0.3:5000")
    assert goes_direct("http://10.0.0.4:5000")
    server = Scripted([OK])
    netrc.write_text("machine 127.0.0.1 login me password word\n")
    login_for.cache_clear()

    async def read(session: aiohttp.ClientSession) -> HttpAnswer:
        return await exchange(session, "POST", server.url, body=b"x", max_bytes=10)

    assert Connections().run(read).status == 200
    login_for.cache_clear()
    # "me:word"
    assert b"Authorization: Basic bWU6d29yZA==" in server.requests[0]


def test_a_path_is_written_as_paths_are() -> None:
    server = Scripted([OK])
    url = server.url.replace("/predict", "/my model/predict")
    DirectLines().post(url, b"x", {}, SOON, 10)
    assert server.requests[0].startswith(b"POST /my%20model/predict HTTP/1.1\r\n")


def test_a_second_answer_that_nobody_asked_for_is_not_taken() -> None:
    server = Scripted([OK + OK.replace(b"200 OK", b"500 No").replace(b"hi", b"no"), OK])
    lines = DirectLines()
    answer = post(server, lines)
    assert (answer.status, answer.body) == (200, b"hi")


def test_what_comes_after_the_last_chunk_is_capped() -> None:
    trailers = CHUNKED[:-2] + b"".join(b"X-%d: y\r\n" % i for i in range(20_000)) + b"\r\n"
    with pytest.raises(RemoteModelError, match="headers of over"):
        post(Scripted([trailers]))


def test_another_protocol_is_none() -> None:
    said = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
    with pytest.raises(RemoteModelError, match="no HTTP answer"):
        post(Scripted([said]))


# --- loops that are kept ---


@pytest.fixture
def greeter() -> Callable[[int], Scripted]:
    return lambda times: Scripted([OK] * times)


async def greeted(session: aiohttp.ClientSession, url: str) -> bytes:
    return (await exchange(session, "POST", url, body=b"x", max_bytes=100)).body


def test_connections_are_kept_between_calls(greeter: Callable[[int], Scripted]) -> None:
    server, connections = greeter(3), Connections()
    for _ in range(3):
        assert connections.run(lambda session: greeted(session, server.url)) == b"hi"
    assert server.connections == 1


def test_calls_from_several_threads_have_a_loop_each() -> None:
    connections, together = Connections(), threading.Barrier(3)

    async def meets(session: aiohttp.ClientSession) -> int:
        await asyncio.to_thread(together.wait, 5)
        return id(asyncio.get_running_loop())

    loops: list[int] = []
    threads = [
        threading.Thread(target=lambda: loops.append(connections.run(meets))) for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(loops)) == 3


def test_a_call_within_a_running_loop_has_one_of_another_thread(
    greeter: Callable[[int], Scripted],
) -> None:
    server, connections = greeter(1), Connections()

    async def cell() -> bytes:
        return connections.run(lambda session: greeted(session, server.url))

    assert asyncio.run(cell()) == b"hi"


def test_an_error_leaves_the_loop_usable(greeter: Callable[[int], Scripted]) -> None:
    server, connections = greeter(1), Connections()

    async def fails(session: aiohttp.ClientSession) -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        connections.run(fails)
    assert connections.run(lambda session: greeted(session, server.url)) == b"hi"


def test_what_is_let_go_of_is_closed_also_from_within_a_loop(
    greeter: Callable[[int], Scripted],
) -> None:
    server = greeter(2)

    def used() -> Connections:
        connections = Connections()
        connections.run(lambda session: greeted(session, server.url))
        return connections

    async def cell() -> None:
        held = [await asyncio.to_thread(used)]
        held.clear()
        gc.collect()

    asyncio.run(cell())
    assert server.closed.wait(5)


def test_a_model_travels_without_its_connections() -> None:
    model = RemotePredictor("http://127.0.0.1:9")
    back = pickle.loads(pickle.dumps(model))  # noqa: S301 - of our own making
    assert back.url == model.url
    back.settings = RemoteSettings(attempts=1)
    with pytest.raises(RemoteModelError, match="Connection refused"):
        _ = back.info


# --- frames ---


def frames_of(n: int, bins: int = 50_000) -> tuple[list[str], list[bytes]]:
    values = {f"s{i}": np.full(bins, i, dtype=np.float32) for i in range(n)}
    said = ("t", "accessibility", ["NA"], "K562", "NA", "homo_sapiens", "NA", None, "linear")
    response = PredictResponse("p", [TaskPrediction(*said, values)], bin_size=1)
    return list(values), list(tensor_frames(response, list(values)))


def streamed(*pieces: bytes) -> bytes:
    chunks = b"".join(f"{len(piece):x}\r\n".encode() + piece + b"\r\n" for piece in pieces)
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/vnd.genomark.tensor-stream\r\n"
    return head + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n"


def test_frames_are_read_as_they_come_and_not_kept() -> None:
    names, frames = frames_of(20)
    server = Scripted([streamed(*frames)])
    answer = DirectLines().post(server.url, b"x", {}, SOON, 1 << 30, FrameReader(names))
    assert answer.body == b""
    assert answer.wire_bytes == sum(map(len, frames))
    assert answer.frames is not None
    (task,) = answer.frames.answer()["prediction_tasks"]
    assert [int(task["predictions"][name][-1]) for name in names] == list(range(20))


def test_frames_come_over_a_loop_as_well() -> None:
    names, frames = frames_of(3)
    server = Scripted([streamed(*frames)])

    async def read(session: aiohttp.ClientSession) -> HttpAnswer:
        return await exchange(
            session, "POST", server.url, body=b"x", max_bytes=1 << 30, frames=FrameReader(names)
        )

    answer = Connections().run(read)
    assert answer.frames is not None
    assert answer.frames.is_whole


@pytest.mark.parametrize("lost", [0, 1, -1])
def test_frames_of_which_one_is_lost_are_no_answer(lost: int) -> None:
    names, frames = frames_of(12)
    del frames[lost]
    server = Scripted([streamed(*frames)])

    def read() -> object:
        answer = DirectLines().post(server.url, b"x", {}, SOON, 1 << 30, FrameReader(names))
        return RemotePredictor(server.url).decoded(answer, names)

    with pytest.raises(RemoteModelError, match="tensors"):
        read()


def test_more_frames_than_are_read_are_too_long() -> None:
    names, frames = frames_of(12)
    server = Scripted([streamed(*frames)])
    with pytest.raises(TooLongError, match="over 1,000,000 bytes"):
        DirectLines().post(server.url, b"x", {}, SOON, 1_000_000, FrameReader(names))
