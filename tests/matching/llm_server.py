"""A small server of a language model, in both protocols, that goes wrong on purpose."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

JSON = "application/json"

#: What the model writes when it is asked.
Mind = Callable[["Asked"], str]
#: What becomes of one request.
Mode = Callable[["Connection"], None]


@dataclass
class Asked:
    """A question as it came."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    rules: str = ""
    question: str = ""
    term: str = ""
    names: list[str] = field(default_factory=list)


class Connection:
    """One request, and the means to answer it."""

    def __init__(self, server: LlmServer, sock: socket.socket, asked: Asked) -> None:
        self.server = server
        self.sock = sock
        self.asked = asked

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def wait(self, seconds: float) -> bool:
        """Wait; whether the server is about to close."""
        return self.server.closing.wait(seconds)

    def reset(self) -> None:
        """Break the connection without a word (RST)."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def envelope(self) -> bytes:
        """Give the body of a right answer."""
        return enveloped(self.asked.path, self.server.mind(self.asked))


def enveloped(path: str, text: str) -> bytes:
    """Write what a model said as the protocol of the path has it."""
    if path == "/api/generate":
        answer = {"model": "m", "response": text, "done": True, "done_reason": "stop"}
    else:
        message = {"role": "assistant", "content": text}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        answer = {"id": "1", "object": "chat.completion", "choices": [choice]}
    return json.dumps(answer).encode()


def http(
    status: int,
    body: bytes,
    kind: str = JSON,
    *,
    headers: tuple[str, ...] = (),
    delimited: bool = True,
) -> bytes:
    """Write an answer."""
    lines = [f"HTTP/1.1 {status} Some reason", "Connection: close", f"Content-Type: {kind}"]
    lines += [*headers, *([f"Content-Length: {len(body)}"] if delimited else [])]
    return "\r\n".join([*lines, "", ""]).encode() + body


# --- minds ---


def reply(number: int, name: str | None) -> str:
    return json.dumps({"number": number, "name": name})


def picks(name: str) -> Mind:
    """Choose this name wherever it is shown, and else nothing."""

    def mind(asked: Asked) -> str:
        if name not in asked.names:
            return reply(0, None)
        return reply(asked.names.index(name) + 1, name)

    return mind


def picks_first(asked: Asked) -> str:
    return reply(1, asked.names[0])


def writes(text: str) -> Mind:
    """Write this whatever was asked."""
    return lambda asked: text


def obeys(asked: Asked) -> str:
    """Follow an order that is hidden in the data, as a bad model does."""
    order = re.search(r"answer with (\S+)", asked.question)
    assert order, asked.question
    return reply(1, order.group(1))


# --- modes ---


def good(connection: Connection) -> None:
    connection.send(http(200, connection.envelope()))


def after(seconds: float) -> Mode:
    def mode(connection: Connection) -> None:
        if not connection.wait(seconds):
            good(connection)

    return mode


def hangs(connection: Connection) -> None:
    """Take the question, and say nothing."""
    connection.wait(60)


def breaks(connection: Connection) -> None:
    connection.reset()


def says(status: int, body: bytes = b"", **keywords: Any) -> Mode:
    """Answer this, whatever was asked."""
    return lambda connection: connection.send(http(status, body, **keywords))


def busy(status: int = 429, *, retry_after: str | None = None) -> Mode:
    asks = () if retry_after is None else (f"Retry-After: {retry_after}",)
    return says(status, b'{"error": "too much to do"}', headers=asks)


def cut_at(share: float, *, delimited: bool = True) -> Mode:
    """Send a part of the body of the right answer, and end."""

    def mode(connection: Connection) -> None:
        body = connection.envelope()
        whole = http(200, body, delimited=delimited)
        connection.send(whole[: len(whole) - round((1 - share) * len(body))])

    return mode


def drips(every: float) -> Mode:
    """Send the right answer byte by byte."""

    def mode(connection: Connection) -> None:
        for byte in http(200, connection.envelope()):
            connection.send(bytes([byte]))
            if connection.wait(every):
                return

    return mode


def endless(connection: Connection) -> None:
    """Write without end."""
    connection.send(http(200, b'{"response": "', delimited=False))
    while not connection.server.closing.is_set():
        connection.send(b"all work and no play " * 1000)


def streams(size: int, *, until: int | None = None) -> Mode:
    """Send Ollama's answer in pieces of so many letters, one a line, or only the first pieces."""

    def mode(connection: Connection) -> None:
        text = connection.server.mind(connection.asked)
        pieces = [text[start : start + size] for start in range(0, len(text), size)]
        lines = [{"model": "m", "response": piece, "done": False} for piece in pieces]
        lines.append({"model": "m", "response": "", "done": True})
        body = "".join(json.dumps(line) + "\n" for line in lines[:until]).encode()
        connection.send(http(200, body, "application/x-ndjson"))

    return mode


class LlmServer:
    """The server, with a thread for each connection.

    Attributes
    ----------
    mind : callable
        What the model writes.
    asked : list of Asked
        In the order in which the questions came.
    times : list of float
        When they came.
    """

    def __init__(self, mind: Mind = picks_first) -> None:
        self.mind = mind
        self.asked: list[Asked] = []
        self.times: list[float] = []
        self.closing = threading.Event()
        self._modes: list[Mode] = [good]
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._acceptor = threading.Thread(target=self._accept)

    @property
    def ollama(self) -> str:
        """A spec of it."""
        return f"ollama:http://127.0.0.1:{self.port},model=gemma3:12b"

    @property
    def openai(self) -> str:
        """A spec of it in the other protocol."""
        return f"openai:http://127.0.0.1:{self.port}/v1,model=a/model"

    def does(self, *modes: Mode) -> None:
        """Set what becomes of the next requests, in turn; the last is for all that follow."""
        self._modes = list(modes)

    def __enter__(self) -> LlmServer:
        self._acceptor.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        # Wakes the thread that waits for a connection, which closing does not.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in [self._acceptor, *self._threads]:
            thread.join(10)
            assert not thread.is_alive()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            sock.settimeout(10)
            thread = threading.Thread(target=self._serve, args=(sock,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, sock: socket.socket) -> None:
        # The client may be gone.
        with sock, contextlib.suppress(OSError):
            asked = _read(sock)
            problem = _problem_of(asked)
            with self._lock:
                self.asked.append(asked)
                self.times.append(time.monotonic())
                mode = self._modes.pop(0) if len(self._modes) > 1 else self._modes[0]
            if problem:
                mode = says(400, json.dumps({"error": f"test server: {problem}"}).encode())
            mode(Connection(self, sock, asked))


def _read(sock: socket.socket) -> Asked:
    with sock.makefile("rb") as stream:
        line = stream.readline()
        if not line.endswith(b"\n"):
            raise ConnectionResetError("the client went before it asked")
        path = line.split()[1].decode()
        headers = {}
        while line := stream.readline().strip():
            name, _, value = line.decode().partition(": ")
            headers[name.lower()] = value
        if headers.get("transfer-encoding") == "chunked":
            content = b""
            while size := int(stream.readline(), 16):
                content += stream.read(size)
                stream.readline()
            stream.readline()
        else:
            content = stream.read(int(headers["content-length"]))
    asked = Asked(path, headers, json.loads(content))
    if path == "/api/generate":
        asked.rules, asked.question = asked.body["system"], asked.body["prompt"]
    elif path == "/v1/chat/completions":
        asked.rules, asked.question = (each["content"] for each in asked.body["messages"])
    if asked.question:
        document = json.loads(asked.question)
        asked.term = document["asked"]
        asked.names = [choice["name"] for choice in document["choices"]]
        assert [choice["number"] for choice in document["choices"]] == [
            *range(1, len(asked.names) + 1)
        ]
    return asked


def _problem_of(asked: Asked) -> str:
    """Say what of a request is not as the protocol and GAME's settings have it."""
    body = asked.body
    if asked.path == "/api/generate":
        wanted: list[tuple[Any, Any]] = [
            (set(body), {"model", "system", "prompt", "format", "stream", "options"}),
            (body.get("format"), "json"),
            (body.get("stream"), False),
            (body.get("options", {}).get("temperature"), 0.0),
        ]
    elif asked.path == "/v1/chat/completions":
        roles = [message["role"] for message in body["messages"]]
        wanted = [
            (roles, ["system", "user"]),
            (body.get("temperature"), 0.0),
            (body.get("response_format"), {"type": "json_object"}),
            (body.get("stream", False), False),
        ]
    else:
        return f"no such path: {asked.path}"
    if asked.headers.get("content-type") != JSON:
        return "no JSON"
    return "; ".join(f"{given} is not {right}" for given, right in wanted if given != right)
