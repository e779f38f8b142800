"""What every GAME app does alike: who may ask, how it names itself, and how errors look."""

from __future__ import annotations

import base64
import binascii
import hmac
import logging
import math
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from genomark.protocol import (
    JSON,
    BadRequestError,
    GameError,
    ServerError,
    encode,
    response_format,
)

logger = logging.getLogger("genomark.serving")

ErrorHandler = Callable[[Request, Exception], Awaitable[Response]]


class GameApp(ABC):
    """Handlers that a Predictor and a distributor share.

    Attributes
    ----------
    paths : tuple of str
        What an answer to an unknown path names.
    token : str or None
        Asked for, as a bearer token or a password, where a handler calls `authorise`.
    """

    paths: tuple[str, ...]

    def __init__(self, token: str | None) -> None:
        self.token = token

    @property
    @abstractmethod
    def name(self) -> str:
        """`predictor_name` in every answer."""

    @property
    def exception_handlers(self) -> Mapping[Any, ErrorHandler]:
        """Every error as GAME JSON."""
        return {
            GameError: self.game_error,
            HTTPException: self.http_error,
            ClientDisconnect: self.gone,
            Exception: self.other_error,
        }

    async def game_error(self, request: Request, error: Exception) -> Response:
        """Answer with an error of the protocol."""
        assert isinstance(error, GameError)
        return self._error(error)

    async def http_error(self, request: Request, error: Exception) -> Response:
        """Answer with an error of the framework, in the protocol's shape."""
        assert isinstance(error, HTTPException)
        known = {
            404: f"There is no {request.url.path} here. Known: {', '.join(self.paths)}",
            405: f"{request.method} is not allowed on {request.url.path}",
        }
        text = known.get(error.status_code, error.detail)
        response = self._error(BadRequestError(text, status=error.status_code))
        response.headers.update(error.headers or {})
        return response

    async def other_error(self, request: Request, error: Exception) -> Response:
        """Answer with an error nobody foresaw."""
        logger.error("request failed", exc_info=error)
        return self._error(internal_error(error))

    async def gone(self, request: Request, error: Exception) -> Response:
        """Let go of a client that hung up: no fault of the server, and nobody is left to read."""
        return Response(status_code=400)

    def authorise(self, request: Request) -> None:
        """Refuse a request without the token, where one is asked for.

        Raises
        ------
        BadRequestError
            401.
        """
        if self.token is None:
            return
        if not hmac.compare_digest(_credential(request), self.token.encode()):
            raise BadRequestError(
                "This server asks for its token, as 'Authorization: Bearer TOKEN' or as the "
                "password of its host in ~/.netrc",
                status=401,
            )

    def answer(self, request: Request, body: dict[str, Any]) -> Response:
        """Answer in the format that is accepted."""
        kind = response_format(request.headers.get("accept"))
        return Response(encode({"predictor_name": self.name, **body}, kind), media_type=kind)

    def _error(self, error: GameError) -> Response:
        # Errors are JSON whatever was asked for (GAME 1.0, section 1.3).
        response = Response(
            encode(error.body(self.name), JSON), status_code=error.http_status, media_type=JSON
        )
        if isinstance(error, ServerError) and error.retry_after is not None:
            response.headers["Retry-After"] = str(max(1, math.ceil(error.retry_after)))
        if error.http_status == 401:
            response.headers["WWW-Authenticate"] = 'Bearer, Basic realm="genomark"'
        if error.http_status == 408:
            # The rest of the body may still come: nothing after it could be understood.
            response.headers["Connection"] = "close"
        return response


def internal_error(error: Exception) -> ServerError:
    """Give the error of a server that failed in a way nobody foresaw."""
    return ServerError(f"An unexpected internal error occurred: {error}.")


def _credential(request: Request) -> bytes:
    """Give the token that came: as one, or as a password, whatever the name (RFC 7617)."""
    kind, _, given = request.headers.get("authorization", "").partition(" ")
    # Starlette reads the bytes of headers as Latin-1.
    sent = given.strip().encode("latin-1")
    if kind.lower() == "bearer":
        return sent
    if kind.lower() != "basic":
        return b""
    try:
        return base64.b64decode(sent, validate=True).partition(b":")[2]
    except binascii.Error:
        return b""
