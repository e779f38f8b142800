"""A GAME Predictor behind a URL: a model whose `predict` crosses HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property
from typing import Any, TypeVar

import aiohttp

from genomark.digests import digest_of
from genomark.errors import RemoteModelError
from genomark.models.game_response import parse_response
from genomark.protocol import (
    JSON,
    MSGPACK,
    BadRequestError,
    PredictRequest,
    PredictResponse,
    answer_format,
    decode_answer,
    encode,
)
from genomark.scoring import ModelIdentity

T = TypeVar("T")

_BROKEN = (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError, ConnectionError)
_CONNECT_SECONDS = 10.0
_TOTAL_SECONDS = 3600.0
_ATTEMPTS = 4
_FIRST_PAUSE_SECONDS = 0.5
#: No answer of the protocol comes near it; what is longer is a mistake or an attack.
_MAX_ANSWER_BYTES = 4 << 30
#: Of what a server says went wrong; it may say it once for each of a million sequences.
_MAX_MESSAGE = 500


class RemotePredictor:
    """A GAME Predictor behind a URL.

    Parameters
    ----------
    url : str
        ``http://host:port``.

    Notes
    -----
    A server that says what it is (`model_digest` in `/help`) is known by that; any other by its
    URL and the whole of its `/help`.
    """

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self.bytes_sent = 0
        self.bytes_received = 0

    @cached_property
    def info(self) -> ModelIdentity:
        """Identity by what `/help` says.

        Raises
        ------
        RemoteModelError
            If the server cannot be reached.
        """
        answer = self._get_json("/help")
        stated = answer.get("model_digest")
        digest = digest_of(["stated", stated]) if stated else digest_of([self.url, answer])
        return ModelIdentity(
            id=self.url,
            version=str(answer.get("version", "not stated")),
            digest=digest,
            notes=[f"served by {answer.get('predictor_name', 'a Predictor without a name')}"],
        )

    @cached_property
    def formats(self) -> tuple[str, str]:
        """Formats of requests and of answers: MsgPack where both sides know it, else JSON."""
        answer = self._get_json("/formats")
        supported = [
            answer.get(f"predictor_supported_{side}_formats") for side in ("request", "response")
        ]
        sent, received = (
            MSGPACK if isinstance(formats, list | str) and MSGPACK in formats else JSON
            for formats in supported
        )
        return sent, received

    def predict(self, request: PredictRequest) -> PredictResponse:
        """Send a request and read the answer.

        Raises
        ------
        RemoteModelError
            If the server cannot be reached, refuses, or answers something that is no answer.
        """
        sent, received = self.formats
        body = encode(request, sent)
        headers = {"Content-Type": sent, "Accept": received}
        status, content_type, answer = _run(self._exchange("POST", "/predict", body, headers))
        self.bytes_sent += len(body)
        self.bytes_received += len(answer)
        raw = self._decoded(answer, content_type, status)
        if status != 200 or (isinstance(raw, dict) and "error" in raw):
            raise RemoteModelError(f"{self.url}/predict answered {status}: {_messages(raw)}")
        return parse_response(raw, f"{self.url}/predict", RemoteModelError)

    def _get_json(self, path: str) -> dict[str, Any]:
        status, content_type, body = _run(self._exchange("GET", path, b"", {"Accept": JSON}))
        if status != 200:
            return {}
        raw = self._decoded(body, content_type, status)
        return raw if isinstance(raw, dict) else {}

    def _decoded(self, body: bytes, content_type: str, status: int) -> Any:
        try:
            return decode_answer(body, answer_format(content_type))
        except BadRequestError as error:
            raise RemoteModelError(
                f"{self.url} answered {status} with {content_type or 'no type'} that cannot be "
                f"read: {error}"
            ) from error

    async def _exchange(
        self, method: str, path: str, body: bytes, headers: dict[str, str]
    ) -> tuple[int, str, bytes]:
        timeout = aiohttp.ClientTimeout(total=_TOTAL_SECONDS, sock_connect=_CONNECT_SECONDS)
        pause = _FIRST_PAUSE_SECONDS
        async with aiohttp.ClientSession(timeout=timeout, trust_env=True) as session:
            for attempt in range(1, _ATTEMPTS + 1):
                try:
                    return await self._once(session, method, path, body, headers)
                except _BROKEN as error:
                    # Asking is free of side effects, so a broken connection is tried again.
                    if attempt == _ATTEMPTS:
                        raise RemoteModelError(
                            f"{self.url}{path}: no answer ({_line(error)}). Is the server running?"
                        ) from error
                except (aiohttp.InvalidURL, UnicodeError) as error:
                    raise RemoteModelError(
                        f"'{self.url}' is not an address; expected http://HOST:PORT"
                    ) from error
                except (aiohttp.ClientError, TimeoutError) as error:
                    reason = _line(error) or f"nothing within {_TOTAL_SECONDS:.0f} s"
                    raise RemoteModelError(f"{self.url}{path}: {reason}") from error
                await asyncio.sleep(pause)
                pause *= 2
        raise AssertionError("unreachable")

    async def _once(
        self,
        session: aiohttp.ClientSession,
        method: str,
        path: str,
        body: bytes,
        headers: dict[str, str],
    ) -> tuple[int, str, bytes]:
        async with session.request(
            method, self.url + path, data=body or None, headers=headers, allow_redirects=False
        ) as answer:
            received = bytearray()
            async for block in answer.content.iter_chunked(1 << 20):
                received += block
                if len(received) > _MAX_ANSWER_BYTES:
                    raise RemoteModelError(
                        f"{self.url}{path}: the answer is over {_MAX_ANSWER_BYTES:,} bytes"
                    )
            return answer.status, answer.headers.get("Content-Type", ""), bytes(received)


def _messages(raw: Any) -> str:
    errors = raw.get("error") if isinstance(raw, dict) else None
    if not isinstance(errors, list):
        return _line(errors or raw)
    texts = (
        text
        for error in errors
        for text in (error.values() if isinstance(error, dict) else [error])
    )
    return _line("; ".join(map(str, texts)))


def _line(text: object) -> str:
    """One printable line of bounded length: what a server says may hold anything."""
    words = "".join(letter if letter.isprintable() else " " for letter in str(text)).split()
    line = " ".join(words)
    return line if len(line) <= _MAX_MESSAGE else f"{line[:_MAX_MESSAGE]}..."


def _run(exchange: Coroutine[Any, Any, T]) -> T:
    """Run in a loop and a thread of its own: a notebook already has a loop running in this one."""
    started: Future[Callable[[], object]] = Future()

    async def cancellable() -> T:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None
        started.set_result(lambda: loop.call_soon_threadsafe(task.cancel))
        return await exchange

    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(asyncio.run, cancellable())
        try:
            return answer.result()
        except KeyboardInterrupt:
            # Leaving waits for the thread, which may be an hour away from an answer.
            started.result()()
            raise
