"""A server that goes wrong on purpose: raw sockets, so that nothing of HTTP stands in the way."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import struct
import threading
import time
import zlib
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

JSON = "application/json"
MSGPACK = "application/msgpack"

#: What becomes of one request to /predict.
Mode = Callable[["Connection"], Awaitable[None]]
Change = Callable[[dict[str, Any], dict[str, Any]], Any]


def value_of(name: str) -> float:
    """Give what the model predicts: anything of the name alone, always as long to write."""
    return 1e9 + zlib.crc32(name.encode()) % 10**8 + 0.5


def answer_to(request: dict[str, Any]) -> dict[str, Any]:
    """Give the answer of a server without faults."""
    return {
        "predictor_name": "Faulty",
        "prediction_tasks": [
            {
                "name": task["name"],
                "type_actual": ["ATAC"],
                "cell_type_actual": "K562",
                "species_actual": "homo_sapiens",
                "scale_prediction_actual": "linear",
                "predictions": {name: value_of(name) for name in request["sequences"]},
            }
            for task in request["prediction_tasks"]
        ],
    }


class Connection:
    """One request, and the means to answer it."""

    def __init__(
        self,
        server: Faulty,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        headers: dict[str, str],
        body: bytes,
    ) -> None:
        self.server = server
        self.reader = reader
        self.writer = writer
        self.headers = headers
        kind = headers.get("content-type", JSON)
        decode = msgspec.msgpack.decode if kind == MSGPACK else json.loads
        self.request: dict[str, Any] = decode(body) if body else {}

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def reset(self) -> None:
        """Break the connection without a word (RST)."""
        # What was sent has to be on its way, or the reset would overtake it.
        await asyncio.sleep(0.002)
        linger = struct.pack("ii", 1, 0)
        self.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.writer.transport.abort()

    async def end(self) -> None:
        """End what is sent (FIN), and wait for the client to go."""
        self.writer.write_eof()
        await self.reader.read()

    def whole(self, *, delimited: bool = True) -> bytes:
        """Give the bytes of a right answer in the format asked for."""
        accepts_msgpack = self.headers.get("accept") == MSGPACK
        encode = msgspec.msgpack.encode if accepts_msgpack else msgspec.json.encode
        kind = MSGPACK if accepts_msgpack else JSON
        return http(200, encode(answer_to(self.request)), kind, delimited=delimited)


def http(
    status: int,
    body: bytes,
    kind: str | None = JSON,
    *,
    headers: tuple[str, ...] = (),
    delimited: bool = True,
) -> bytes:
    """Write an answer."""
    lines = [f"HTTP/1.1 {status} Some reason", "Connection: close", *headers]
    lines += [f"Content-Type: {kind}"] if kind else []
    lines += [f"Content-Length: {len(body)}"] if delimited else []
    return "\r\n".join([*lines, "", ""]).encode() + body


# --- modes ---


async def good(connection: Connection) -> None:
    await connection.send(connection.whole())


def after(seconds: float) -> Mode:
    async def mode(connection: Connection) -> None:
        await asyncio.sleep(seconds)
        await good(connection)

    return mode


def says(*arguments: Any, **keywords: Any) -> Mode:
    """Answer what `http` writes, whatever was asked."""

    async def mode(connection: Connection) -> None:
        await connection.send(http(*arguments, **keywords))

    return mode


def changed(change: Change) -> Mode:
    """Answer what ``change(answer, request)`` gives, or the right answer as it left it."""

    async def mode(connection: Connection) -> None:
        answer = answer_to(connection.request)
        result = change(answer, connection.request)
        body = json.dumps(answer if result is None else result).encode()
        await connection.send(http(200, body))

    return mode


def refuses(bad: Callable[[str, str], bool], status: int, text: str = "") -> Mode:
    """Refuse a request that holds a bad item, in words that may name it with ``{name}``."""

    async def mode(connection: Connection) -> None:
        sequences = connection.request["sequences"]
        names = [name for name, sequence in sequences.items() if bad(name, sequence)]
        if not names:
            return await good(connection)
        texts = dict.fromkeys(text.format(name=name) for name in names)
        error = {"error": [{"prediction_request_failed": each} for each in texts]}
        return await connection.send(http(status, json.dumps(error).encode()))

    return mode


def breaks_at(offset: int, *, by_reset: bool = True, delimited: bool = True) -> Mode:
    """Send so many bytes of the right answer, and no more."""

    async def mode(connection: Connection) -> None:
        await connection.send(connection.whole(delimited=delimited)[:offset])
        if by_reset:
            await connection.reset()

    return mode


def dribbles(every: float, *, from_byte: int = 0) -> Mode:
    """Send the right answer byte by byte."""

    async def mode(connection: Connection) -> None:
        whole = connection.whole()
        await connection.send(whole[:from_byte])
        for byte in whole[from_byte:]:
            await connection.send(bytes([byte]))
            await asyncio.sleep(every)

    return mode


def stalls_at(offset: int) -> Mode:
    """Send so many bytes, and keep the connection open."""

    async def mode(connection: Connection) -> None:
        await connection.send(connection.whole()[:offset])
        await connection.reader.read()

    return mode


def half_closes(connection: Connection) -> Awaitable[None]:
    """Say nothing, and end what is sent."""
    return connection.end()


#: Turns of the loop from taking a connection in to its task.
_TURNS = 5


class Faulty:
    """The server, in a thread of its own.

    Attributes
    ----------
    modes : list
        What becomes of the requests to /predict, in turn; the last is for all that follow.
    asked : list of dict
        The requests to /predict.
    most_at_once : int
        Requests to /predict that were under way at a time.
    """

    def __init__(self, formats: Any = None) -> None:
        self.modes: list[Mode] = [good]
        self.pages = {
            "/formats": http(200, json.dumps({} if formats is None else formats).encode()),
            "/help": http(200, b"{}"),
        }
        self.asked: list[dict[str, Any]] = []
        self.times: list[float] = []
        self.most_at_once = 0
        self._at_once = 0
        self._loop = asyncio.new_event_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._socket: socket.socket | None = None
        self._thread = threading.Thread(target=self._loop.run_forever)
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def does(self, *modes: Mode) -> None:
        self.modes = list(modes)

    def asked_for(self) -> list[list[str]]:
        return [list(request["sequences"]) for request in self.asked]

    def __enter__(self) -> Faulty:
        self._thread.start()
        self._call(self._open())
        return self

    def __exit__(self, *_: object) -> None:
        self._call(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def die(self, seconds: float) -> None:
        """Reset all connections, refuse new ones, and come back (to be called by a mode)."""
        assert self._server is not None
        # Whom the loop has taken in already is reset with all others: a connection that meets a
        # server closed meanwhile would be left hanging.
        self._loop.remove_reader(self._server.sockets[0].fileno())
        for _ in range(_TURNS):
            await asyncio.sleep(0)
        self._server.close()
        # Bound all the while, so that nobody else is given the port; not listening, so nobody is
        # connected either.
        self._socket = self._bound()
        this = asyncio.current_task()
        for task in self._tasks - {this}:
            task.cancel()
        later = self._loop.create_task(self._come_back(seconds))
        self._tasks.add(later)
        later.add_done_callback(self._tasks.discard)

    async def _come_back(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        await self._open()

    def _call(self, work: Any) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _open(self) -> None:
        self._socket = self._socket or self._bound()
        self.port = self._socket.getsockname()[1]
        self._server = await asyncio.start_server(self._connected, sock=self._socket)

    def _bound(self) -> socket.socket:
        bound = socket.socket()
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(("127.0.0.1", self.port))
        return bound

    async def _close(self) -> None:
        if self._server is not None:
            self._server.close()
        if self._socket is not None:
            self._socket.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                await self._serve(reader, writer)
        except asyncio.CancelledError:
            writer.transport.abort()
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first, *rest = (await reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in rest)}
        path = first.split()[1]
        if path in self.pages:
            writer.write(self.pages[path])
            await writer.drain()
            return
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        connection = Connection(self, reader, writer, headers, body)
        self.asked.append(connection.request)
        self.times.append(time.monotonic())
        mode = self.modes.pop(0) if len(self.modes) > 1 else self.modes[0]
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            await mode(connection)
        finally:
            self._at_once -= 1

    @property
    def at_once(self) -> int:
        return self._at_once
