"""HTTP as uvicorn speaks it, but for short requests that are answered where they are read.

A task, a queue of messages and timers take longer than a quick model does. What is plain and whole
is offered to the app in one piece; all else goes to uvicorn as it came, byte for byte.
"""

from __future__ import annotations

from asyncio import AbstractEventLoop, TimerHandle
from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any, NamedTuple

import httptools
from starlette.requests import Request
from starlette.responses import Response
from uvicorn import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.server import ServerState

#: Sends an answer.
Send = Callable[[Response], None]
#: Has the answer to a body sent, and says whether it has; if not, nothing was done.
Answering = Callable[[memoryview, Send], bool]
#: Gives what answers requests that have a head like this one, which has no body; or None.
AtOnce = Callable[[Request], Answering | None]

#: Gives a head that it has read; None where there is anything special about it.
HeadReader = Callable[[bytes], "_Head | None"]

_BEGIN = b"POST /predict HTTP/1.1\r\n"
_END = b"\r\n\r\n"
#: Longer heads and bodies are uvicorn's.
_HEAD_BYTES = 2048
_BODY_BYTES = 1 << 20
#: The rest of a body is waited for so long before uvicorn has what came.
_PATIENCE_SECONDS = 0.05
#: Clients send the same head again and again.
_HEADS = 128
#: Whoever names one of these wants more than an answer to what was sent.
_SPECIAL = {b"content-encoding", b"expect", b"transfer-encoding", b"upgrade"}


class QuickProtocol(HttpToolsProtocol):
    """One connection to a client.

    Parameters
    ----------
    config : uvicorn.Config
        Of an app with a `head_reader` in ``state.read_head``.
    server_state, app_state, _loop
        As uvicorn gives them.
    """

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._read_head: HeadReader = config.app.state.read_head  # type: ignore[union-attr]
        # What uvicorn does with each request beside answering it.
        self._is_ordinary = self.access_log or self.limit_concurrency is not None
        self._is_within = False
        self._head: _Head | None = None
        self._held: list[bytes] = []
        self._missing = 0
        self._patience: TimerHandle | None = None

    def data_received(self, data: bytes) -> None:
        """Take what came: the beginning or the rest of a plain request, or anything else."""
        if self._head is None:
            self._head = self._begun(data)
            if self._head is None:
                super().data_received(data)
                return
            self._unset_keepalive_if_required()
            self._missing = self._head.size + self._head.length
        self._held.append(data)
        self._missing -= len(data)
        if self._missing > 0:
            if self._patience is None:
                self._patience = self.loop.call_later(_PATIENCE_SECONDS, self._let_go)
        elif self._missing < 0 or not self._answered(self._head):
            self._let_go()

    def connection_lost(self, exc: Exception | None) -> None:
        """Have uvicorn know what came before the end."""
        self._let_go()
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """End when the request that has begun is answered."""
        self._let_go()
        super().shutdown()

    def on_message_begin(self) -> None:
        """Take note that what comes next is uvicorn's."""
        self._is_within = True
        super().on_message_begin()

    def on_message_complete(self) -> None:
        """Take note that what comes next is another request, unless it is no HTTP any more."""
        self._is_within = False
        self._is_ordinary |= bool(self.parser.should_upgrade())
        super().on_message_complete()

    def _begun(self, data: bytes) -> _Head | None:
        """Read the head of a request, if it is one that may be answered at once."""
        if self._is_ordinary or self._is_within or not data.startswith(_BEGIN):
            return None
        is_answering = self.cycle is not None and not self.cycle.response_complete
        if is_answering or self.flow.write_paused or self.transport.is_closing():
            return None
        end = data.find(_END, 0, _HEAD_BYTES)
        return None if end < 0 else self._read_head(data[: end + len(_END)])

    def _answered(self, head: _Head) -> bool:
        data = self._held[0] if len(self._held) == 1 else b"".join(self._held)
        return head.answering(memoryview(data)[head.size :], self._send)

    def _send(self, response: Response) -> None:
        self._forget()
        lines = [STATUS_LINE[response.status_code]]
        for name, value in (*self.server_state.default_headers, *response.raw_headers):
            lines += (name, b": ", value, b"\r\n")
        self.transport.write(b"".join([*lines, b"\r\n", response.body]))
        self.on_response_complete()

    def _let_go(self) -> None:
        """Hand what is held to uvicorn."""
        if self._head is not None:
            data = b"".join(self._held)
            self._forget()
            super().data_received(data)

    def _forget(self) -> None:
        self._head, self._held = None, []
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None


class _Head(NamedTuple):
    """The head of a request that may be answered at once.

    Attributes
    ----------
    answering : Answering
    size : int
        Of the head itself; bytes.
    length : int
        Of the body; bytes.
    """

    answering: Answering
    size: int
    length: int


class _Headers:
    """Gathers what the parser finds, which calls the methods that begin with ``on``."""

    def __init__(self) -> None:
        self.found: list[tuple[bytes, bytes]] = []
        self.are_whole = False

    def on_header(self, name: bytes, value: bytes) -> None:
        self.found.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        self.are_whole = True


def head_reader(at_once: AtOnce) -> HeadReader:
    """Give what reads heads for an app, and each head once."""
    return lru_cache(_HEADS)(partial(_read_head, at_once))


def _read_head(at_once: AtOnce, head: bytes) -> _Head | None:
    """Read a head with uvicorn's parser; None if there is anything special about it."""
    headers = _Headers()
    parser = httptools.HttpRequestParser(headers)
    try:
        parser.feed_data(head)
    except (httptools.HttpParserError, httptools.HttpParserUpgrade):
        return None
    names = [name for name, _ in headers.found]
    lengths = [value for name, value in headers.found if name == b"content-length"]
    is_plain = headers.are_whole and parser.should_keep_alive() and len(lengths) == 1
    if not is_plain or _SPECIAL.intersection(names):
        return None
    if not lengths[0].isdigit() or not 0 < int(lengths[0]) <= _BODY_BYTES:
        return None
    answering = at_once(Request({"type": "http", "headers": headers.found}))
    return answering and _Head(answering, len(head), int(lengths[0]))
