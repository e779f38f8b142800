"""The GAME Predictor as an ASGI app: ``/formats``, ``/help`` and ``/predict``."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from genomark.errors import CapabilityError, GenomarkError, UsageError
from genomark.models import Model, Predictor, Trainable
from genomark.protocol import (
    JSON,
    REQUEST_FORMATS,
    RESPONSE_FORMATS,
    BadRequestError,
    GameError,
    PredictionFailedError,
    ServerError,
    decode,
    encode,
    request_format,
    response_format,
    validate_request,
)

logger = logging.getLogger("genomark.serving")

#: Larger request bodies are refused unread.
MAX_BODY_BYTES = 1 << 30

Handler = Callable[[Request], Awaitable[Response]]


def predictor_app(model: Model, *, name: str | None = None) -> Starlette:
    """Make the app that serves a model.

    Parameters
    ----------
    model : Model
        A Predictor, or a Trainable, which is fitted on its default split first.
    name : str, optional
        `predictor_name` in answers; the model's own if left out.

    Returns
    -------
    starlette.applications.Starlette

    Raises
    ------
    CapabilityError
        If the model cannot predict from sequence.
    """
    if isinstance(model, Trainable):
        model = model.fit(model.default_split())
    if not isinstance(model, Predictor):
        raise CapabilityError(
            f"'{model.info.id}' answers by item, not by sequence, so it cannot be served"
        )
    handlers = _Handlers(model, name or str(getattr(model, "predictor_name", "genomark")))
    return Starlette(
        routes=[
            Route("/formats", handlers.formats, methods=["GET"]),
            Route("/help", handlers.help, methods=["GET"]),
            Route("/predict", handlers.predict, methods=["POST"]),
        ],
        exception_handlers={
            GameError: handlers.game_error,
            HTTPException: handlers.http_error,
            ClientDisconnect: handlers.gone,
            Exception: handlers.other_error,
        },
    )


class _Handlers:
    def __init__(self, model: Predictor, name: str) -> None:
        if not name or not name.isprintable():
            raise UsageError(f"predictor name {name!r}: expected text without control characters")
        self.model = model
        self.name = name

    async def formats(self, request: Request) -> Response:
        return self._answer(
            request,
            {
                "predictor_supported_request_formats": list(REQUEST_FORMATS),
                "predictor_supported_response_formats": list(RESPONSE_FORMATS),
            },
        )

    async def help(self, request: Request) -> Response:
        info = self.model.info
        return self._answer(
            request,
            {
                "model": info.id,
                "game_schema_version": "1.0",
                "version": info.version,
                "model_digest": info.digest,
                "supported_readouts": list(getattr(self.model, "readouts", ["point"])),
                "supported_scales": self._scales(),
                "description": "; ".join(info.notes) or f"genomark model {info.id}",
                "documentation": "scale 'log' is log2",
            },
        )

    async def predict(self, request: Request) -> Response:
        content_type = request_format(request.headers.get("content-type"))
        body = await _body(request)
        # A model may compute for minutes: the event loop stays free for other requests.
        return await run_in_threadpool(self._predict, body, content_type, request)

    def _predict(self, body: bytes, content_type: str, request: Request) -> Response:
        asked = validate_request(decode(body, content_type))
        kind = response_format(request.headers.get("accept"))
        try:
            answer = self.model.predict(asked)
            answer = msgspec.structs.replace(answer, predictor_name=self.name)
            return Response(encode(answer, kind), media_type=kind)
        except GameError:
            raise
        except GenomarkError as error:
            raise PredictionFailedError(str(error)) from error
        # A model is foreign code: whatever it raises ends this request and nothing else.
        except Exception as error:
            logger.exception("request failed")
            raise _internal_error(error) from error

    async def game_error(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, GameError)
        return self._error(error)

    async def http_error(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        known = {
            404: f"There is no {request.url.path} here. Known: /formats, /help, /predict",
            405: f"{request.method} is not allowed on {request.url.path}",
        }
        text = known.get(error.status_code, error.detail)
        response = self._error(BadRequestError(text, status=error.status_code))
        response.headers.update(error.headers or {})
        return response

    async def other_error(self, request: Request, error: Exception) -> Response:
        logger.error("request failed", exc_info=error)
        return self._error(_internal_error(error))

    async def gone(self, request: Request, error: Exception) -> Response:
        # Nobody is left to read an answer; a client that hangs up is no fault of the server.
        return Response(status_code=400)

    def _scales(self) -> list[str]:
        readouts = getattr(self.model, "readouts", {})
        scales = {
            scale
            for readout in readouts.values()
            for scale in ({readout.scale} | ({"log", "linear"} if readout.convert else set()))
        }
        return sorted(scales)

    def _answer(self, request: Request, body: dict[str, Any]) -> Response:
        kind = response_format(request.headers.get("accept"))
        return Response(encode({"predictor_name": self.name, **body}, kind), media_type=kind)

    def _error(self, error: GameError) -> Response:
        # Errors are JSON whatever was asked for (GAME 1.0, section 1.3).
        return Response(
            encode(error.body(self.name), JSON), status_code=error.http_status, media_type=JSON
        )


def _internal_error(error: Exception) -> ServerError:
    return ServerError(f"An unexpected internal error occurred: {error}.")


async def _body(request: Request) -> bytes:
    """Read a body, and no more of it than is allowed."""
    declared = request.headers.get("content-length", "0")
    parts, size = [], 0
    if not (declared.isdecimal() and int(declared) > MAX_BODY_BYTES):
        async for part in request.stream():
            parts.append(part)
            size += len(part)
            if size > MAX_BODY_BYTES:
                break
        else:
            return b"".join(parts)
    raise BadRequestError(
        f"The request body is over {MAX_BODY_BYTES:,} bytes; send fewer sequences at once",
        status=413,
    )
