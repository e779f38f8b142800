"""Workers for a distributor: real Predictors in processes, and obedient ones in threads."""

from __future__ import annotations

import contextlib
import json
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import uvicorn
from asking import CLI, process
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from genomark.protocol import JSON, MSGPACK, decode, encode, response_format
from genomark.serving.distributor import LIMITS, distributor_app
from genomark.serving.limits import Limits
from genomark.serving.pool import PoolLimits

#: Looks at workers come quickly, so that nothing here waits for long.
SWIFT = PoolLimits(probe_seconds=(0.02, 0.2), patience_seconds=1.0, refusal_seconds=1.0)

_SLOW = """
import sys, time
import genomark

seconds, port = float(sys.argv[1]), int(sys.argv[2])

def counted(sequences):
    time.sleep(seconds * len(sequences))
    return [sequence.count("C") / len(sequence) for sequence in sequences]

genomark.serve(counted, port=port, name="Slow")
"""


def cpg() -> contextlib.AbstractContextManager[Any]:
    """Serve the CpG model from a process of its own."""
    return process(*CLI, "serve", "model", "cpg", "--port", "0")


def slow(seconds: float, port: int = 0) -> contextlib.AbstractContextManager[Any]:
    """Serve a function that takes its time for each sequence from a process of its own."""
    return process(sys.executable, "-c", _SLOW, str(seconds), str(port))


def answer_to(raw: dict[str, Any], **of_task: Any) -> dict[str, Any]:
    """Answer as a Predictor that gives the length of each sequence."""
    tasks = [
        {
            "name": task["name"],
            "type_requested": task["type"],
            "type_actual": ["NA"],
            "cell_type_requested": task["cell_type"],
            "cell_type_actual": "K562",
            "species_requested": task["species"],
            "species_actual": "homo_sapiens",
            "scale_prediction_requested": task.get("scale"),
            "scale_prediction_actual": "log",
            "predictions": {name: len(each) / 4 for name, each in raw["sequences"].items()},
            **of_task,
        }
        for task in raw["prediction_tasks"]
    ]
    return {"predictor_name": "Toy", "prediction_tasks": tasks}


def plain(raw: dict[str, Any], accept: str | None) -> Response:
    kind = response_format(accept)
    return Response(encode(answer_to(raw), kind), media_type=kind)


def refusal(status: int, *messages: str, key: str = "prediction_request_failed") -> Response:
    body = {"predictor_name": "Toy", "error": [{key: message} for message in messages]}
    return Response(json.dumps(body), status_code=status, media_type=JSON)


class Toy:
    """A worker that does what it is told, and remembers what it was asked."""

    def __init__(
        self,
        does: Callable[[dict[str, Any], str | None], Response] = plain,
        *,
        seconds: float = 0.0,
        name: str = "Toy",
        requests: tuple[str, ...] = (JSON, MSGPACK),
        responses: tuple[str, ...] = (JSON, MSGPACK),
    ) -> None:
        self.does = does
        self.seconds = seconds
        self.name = name
        self.formats = {
            "predictor_name": name,
            "predictor_supported_request_formats": list(requests),
            "predictor_supported_response_formats": list(responses),
        }
        self.asked: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.at_once = self.most_at_once = 0
        self.lock = threading.Lock()
        self.app = Starlette(
            routes=[
                Route("/formats", self.say_formats),
                Route("/help", self.say_help),
                Route("/predict", self.predict, methods=["POST"]),
            ]
        )

    async def say_formats(self, request: Request) -> Response:
        return Response(json.dumps(self.formats), media_type=JSON)

    async def say_help(self, request: Request) -> Response:
        kind = response_format(request.headers.get("accept"))
        body = {"predictor_name": self.name, "model": "toy"}
        return Response(encode(body, kind), media_type=kind)

    async def predict(self, request: Request) -> Response:
        kind = request.headers["content-type"]
        raw = decode(await request.body(), kind)
        return await run_in_threadpool(
            self._predict, raw, request.headers.get("accept"), dict(request.headers)
        )

    def _predict(self, raw: dict[str, Any], accept: str, headers: dict[str, str]) -> Response:
        with self.lock:
            self.asked.append(raw)
            self.headers.append(headers)
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        time.sleep(self.seconds)
        try:
            return self.does(raw, accept)
        finally:
            with self.lock:
                self.at_once -= 1

    @property
    def ids(self) -> list[str]:
        """All sequences it was asked for."""
        return [name for raw in self.asked for name in raw["sequences"]]


@contextlib.contextmanager
def distributing(
    *workers: Toy | str, limits: PoolLimits = SWIFT, request_limits: Limits = LIMITS
) -> Iterator[str]:
    """Serve a distributor for these workers; gives its address."""
    listening = [(each.app, _listener()) for each in workers if isinstance(each, Toy)]
    own = iter(listening)
    urls = [each if isinstance(each, str) else _address(next(own)[1]) for each in workers]
    app = distributor_app(urls, limits=request_limits, pool_limits=limits)
    listening.append((app, _listener()))
    servers = [uvicorn.Server(uvicorn.Config(each, log_config=None)) for each, _ in listening]
    threads = [
        threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        for server, (_, listener) in zip(servers, listening, strict=True)
    ]
    for thread in threads:
        thread.start()
    try:
        yield _address(listening[-1][1])
    finally:
        # All at once: each takes its time to end.
        for server in servers:
            server.should_exit = True
        for thread in threads:
            thread.join(10)


def _listener() -> socket.socket:
    return socket.create_server(("127.0.0.1", 0))


def _address(listener: socket.socket) -> str:
    return f"http://127.0.0.1:{listener.getsockname()[1]}"


def post(address: str, body: Any, accept: str = JSON, timeout: float = 30) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"Content-Type": JSON, "Accept": accept}
    return httpx.post(
        f"{address}/predict", content=content, headers=headers, timeout=timeout, trust_env=False
    )


def get(address: str, path: str, **headers: str) -> httpx.Response:
    return httpx.get(f"{address}{path}", headers=headers, timeout=20, trust_env=False)


def states(address: str) -> list[dict[str, Any]]:
    return get(address, "/workers").json()["workers"]
