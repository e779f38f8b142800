"""One HTTP exchange over a plain socket: for a request that is sent alone.

An event loop costs more than a short request does. This knows the simple case, HTTP without a
proxy, with the deadlines, caps and errors of `transport`; a connection is kept from one call to the
next.
"""

from __future__ import annotations

import socket
import threading
import time
import weakref
from collections.abc import Mapping
from functools import lru_cache

import httptools
from yarl import URL

from genomark.errors import RemoteModelError, one_line
from genomark.models.http_answer import HttpAnswer, IncomingBody, is_delimited
from genomark.models.transport import (
    BrokenConnectionError,
    DeadlineError,
    Deadlines,
    NoConnectionError,
    accepted_encodings,
    login_for,
    origin_of,
    proxy_for,
    reason_of,
)
from genomark.protocol import FrameReader

_BLOCK_BYTES = 1 << 18
#: Of all headers together.
_HEAD_BYTES = 1 << 16
#: Of chunks of one byte, what stands around each.
_CHUNK_FACTOR = 8


def goes_direct(url: str) -> bool:
    """Whether an address can be asked this way: no proxy, and nobody who has to say who it is."""
    address, origin = URL(url), origin_of(url)
    plain = origin.scheme == "http" and address.user is None and login_for(origin) is None
    return plain and proxy_for(origin) == (None, None)


class DirectLines:
    """Connections to one server, of which each call has one to itself."""

    def __init__(self) -> None:
        self._idle: list[socket.socket] = []
        self._lock = threading.Lock()
        weakref.finalize(self, _close_all, self._idle)

    def post(
        self,
        url: str,
        body: bytes,
        headers: Mapping[str, str],
        deadlines: Deadlines,
        max_bytes: int,
        frames: FrameReader | None = None,
    ) -> HttpAnswer:
        """Send a body and read the whole answer; as `transport.exchange`, with its errors."""
        until = time.monotonic() + deadlines.total

        def answered(line: socket.socket) -> HttpAnswer:
            answer = _Answer(url, max_bytes, frames)
            self._exchange(line, answer, head, body, deadlines, until)
            return answer.whole()

        head = _head(url, tuple(headers.items())) + b"%d\r\n\r\n" % len(body)
        line = self._kept()
        if line is not None:
            try:
                return answered(line)
            except _UnansweredError:
                # It was closed while nobody looked. What was not begun to be answered is sent anew.
                pass
        line = self._connected(url, deadlines)
        try:
            return answered(line)
        except _UnansweredError as error:
            raise BrokenConnectionError(f"{url}: no answer ({error})") from error

    def _kept(self) -> socket.socket | None:
        with self._lock:
            line = self._idle.pop() if self._idle else None
        if line is None:
            return None
        line.setblocking(False)
        try:
            # Nothing is expected: what is there is the end, or no answer to what is asked next.
            line.recv(1)
        except BlockingIOError:
            return line
        except OSError:
            pass
        line.close()
        return self._kept()

    def _connected(self, url: str, deadlines: Deadlines) -> socket.socket:
        origin = origin_of(url)
        try:
            address = origin.raw_host or "", origin.port or 80
            line = socket.create_connection(address, deadlines.connect)
        except TimeoutError as error:
            raise NoConnectionError(
                f"{url}: no answer (no connection within {deadlines.connect:g} s)"
            ) from error
        except OSError as error:
            raise NoConnectionError(f"{url}: no answer ({reason_of(error)})") from error
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return line

    def _exchange(
        self,
        line: socket.socket,
        answer: _Answer,
        head: bytes,
        body: bytes,
        deadlines: Deadlines,
        until: float,
    ) -> None:
        try:
            _send(line, head, body, answer.url, deadlines, until)
            self._read(line, answer, deadlines, until)
        finally:
            if answer.keeps:
                with self._lock:
                    self._idle.append(line)
            else:
                line.close()

    def _read(
        self, line: socket.socket, answer: _Answer, deadlines: Deadlines, until: float
    ) -> None:
        begin = deadlines.begin or deadlines.read
        while not answer.is_whole:
            patience = deadlines.read if answer.begun else max(begin, deadlines.read)
            left = until - time.monotonic()
            line.settimeout(max(min(patience, left), 1e-3))
            try:
                block = line.recv(_BLOCK_BYTES)
            except TimeoutError as error:
                raise _late(answer, deadlines, until) from error
            except OSError as error:
                raise _broken(answer, reason_of(error)) from error
            if not block:
                answer.end()
                return
            answer.feed(block)


@lru_cache(maxsize=64)
def _head(url: str, headers: tuple[tuple[str, str], ...]) -> bytes:
    """Give the head of a request, up to the length of its body."""
    origin = origin_of(url)
    told = {
        "Host": str(origin).partition("://")[2],
        "Accept-Encoding": accepted_encodings(origin),
        "User-Agent": "genomark",
        **dict(headers),
    }
    lines = [
        f"POST {URL(url).raw_path_qs} HTTP/1.1",
        *(f"{name}: {value}" for name, value in told.items()),
        "Content-Length: ",
    ]
    return "\r\n".join(lines).encode("latin-1")


class _UnansweredError(Exception):
    """The connection ended before the first byte of an answer."""


class _Answer:
    """What has come of an answer so far; the parser calls its methods that begin with ``on``."""

    def __init__(self, url: str, max_bytes: int, frames: FrameReader | None) -> None:
        self.url = url
        self.begun = False
        self.is_whole = False
        self.keeps = False
        self.body: IncomingBody | None = None
        self._max_bytes = max_bytes
        self._frames = frames
        self._headers: dict[str, str] = {}
        self._bytes = 0
        self._parser = httptools.HttpResponseParser(self)

    def feed(self, block: bytes) -> None:
        self.begun = True
        self._bytes += len(block)
        try:
            self._parser.feed_data(block)
        except httptools.HttpParserCallbackError as error:
            if isinstance(error.__context__, RemoteModelError):
                raise error.__context__ from None
            raise RemoteModelError(f"{self.url}: {one_line(error)}") from error
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            raise RemoteModelError(f"{self.url}: no HTTP answer ({one_line(error)})") from error
        # Headers, what stands around chunks, and what may come after the last.
        of_body = 0 if self.body is None else self.body.wire_bytes
        if self._bytes - of_body > _HEAD_BYTES + _CHUNK_FACTOR * of_body:
            raise RemoteModelError(f"{self.url}: headers of over {_HEAD_BYTES:,} bytes")

    def end(self) -> None:
        """Take note that the server has closed the connection."""
        if self.body is None or is_delimited(self._headers):
            raise _broken(self, "the connection was closed")

    def whole(self) -> HttpAnswer:
        assert self.body is not None
        return self.body.answer(self._status)

    def on_header(self, name: bytes, value: bytes) -> None:
        if self.body is not None:
            # After the body; nobody reads them.
            return
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        if self.is_whole:
            # A second answer, which nobody asked for.
            self.keeps = False
            return
        self._status = self._parser.get_status_code()
        if self._status >= 200:
            self.body = IncomingBody(self.url, self._headers, self._max_bytes, self._frames)
        else:
            # The server goes on with the request.
            self._headers = {}

    def on_body(self, piece: bytes) -> None:
        if self.body is not None and not self.is_whole:
            self.body.add(piece)

    def on_message_complete(self) -> None:
        if self.body is not None and not self.is_whole:
            self.is_whole = True
            self.keeps = self._parser.should_keep_alive() and is_delimited(self._headers)


def _send(
    line: socket.socket, head: bytes, body: bytes, url: str, deadlines: Deadlines, until: float
) -> None:
    line.settimeout(max(until - time.monotonic(), 1e-3))
    try:
        if len(body) <= _BLOCK_BYTES:
            line.sendall(head + body)
        else:
            line.sendall(head)
            line.sendall(body)
    except TimeoutError as error:
        raise DeadlineError(f"{url}: no whole answer within {deadlines.total:g} s") from error
    except OSError as error:
        raise _UnansweredError(reason_of(error)) from error


def _late(answer: _Answer, deadlines: Deadlines, until: float) -> DeadlineError:
    if time.monotonic() >= until:
        return DeadlineError(f"{answer.url}: no whole answer within {deadlines.total:g} s")
    if answer.body is not None:
        return DeadlineError(
            f"{answer.url}: the answer stalled for {deadlines.read:g} s after "
            f"{answer.body.wire_bytes:,} bytes"
        )
    begin = deadlines.begin or deadlines.read
    return DeadlineError(f"{answer.url}: no answer within {begin:g} s")


def _broken(answer: _Answer, reason: str) -> Exception:
    if not answer.begun:
        return _UnansweredError(reason)
    return BrokenConnectionError(f"{answer.url}: no answer ({reason})")


def _close_all(lines: list[socket.socket]) -> None:
    while lines:
        lines.pop().close()
