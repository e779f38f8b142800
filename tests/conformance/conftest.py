"""One server for all toys: the first part of a path names the toy."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import uvicorn
from toy_predictor import Toy


class Village:
    """An ASGI app in which each toy has a house number."""

    def __init__(self) -> None:
        self.toys: dict[str, Toy] = {}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        _, number, path = scope["path"].split("/", 2)
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        status, kind, content = self.toys[number].handle(scope["method"], f"/{path}", headers, body)
        named = [(b"content-type", kind.encode())]
        await send({"type": "http.response.start", "status": status, "headers": named})
        await send({"type": "http.response.body", "body": content})


@pytest.fixture(scope="session")
def village() -> Iterator[Callable[[Toy], str]]:
    """``village(toy) -> address``."""
    app = Village()
    with _served(app) as address:

        def settle(toy: Toy) -> str:
            number = str(len(app.toys))
            app.toys[number] = toy
            return f"{address}/{number}"

        yield settle


@pytest.fixture(autouse=True)
def direct(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture(scope="session")
def served() -> Callable[[Any], Any]:
    """``with served(app) as address``."""
    return _served


class _served:  # noqa: N801 - used as a function
    def __init__(self, app: Any) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off")
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run, kwargs={"sockets": [self.listener]})

    def __enter__(self) -> str:
        self.thread.start()
        return f"http://127.0.0.1:{self.listener.getsockname()[1]}"

    def __exit__(self, *_: object) -> None:
        self.server.should_exit = True
        self.thread.join(10)
