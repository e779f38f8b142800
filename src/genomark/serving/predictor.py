"""The GAME Predictor as an ASGI app."""

from __future__ import annotations

import hmac
import logging
import time
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from genomark.errors import CapabilityError, GenomarkError
from genomark.models import Model, Predictor, Trainable
from genomark.models.declaration import Declaration
from genomark.protocol import (
    JSON,
    REQUEST_FORMATS,
    RESPONSE_FORMATS,
    BadRequestError,
    GameError,
    PredictionFailedError,
    ServerError,
    decode_request,
    encode,
    request_format,
    response_format,
    validate_request,
)
from genomark.serving.limits import Limits, Turns, check_depth, check_size, read_body
from genomark.serving.metrics import Metrics
from genomark.serving.name import checked_name, versioned_name
from genomark.serving.openapi import openapi

logger = logging.getLogger("genomark.serving")


def predictor_app(
    model: Model,
    *,
    name: str | None = None,
    limits: Limits | None = None,
    token: str | None = None,
) -> Starlette:
    """Make the app that serves a model.

    Parameters
    ----------
    model : Model
        A Predictor, or a Trainable, which is fitted on its default split first.
    name : str, optional
        `predictor_name` in answers; the model's own, with its build, if left out.
    limits : Limits, optional
    token : str, optional
        Asked for as a bearer token, but for health checks.

    Returns
    -------
    starlette.applications.Starlette

    Raises
    ------
    CapabilityError
        If the model cannot predict from sequence.
    UsageError
        If the name is not safe in a file name.
    """
    if isinstance(model, Trainable):
        model = model.fit(model.default_split())
    if not isinstance(model, Predictor):
        raise CapabilityError(
            f"'{model.info.id}' answers by item, not by sequence, so it cannot be served"
        )
    app = _App(model, name, limits or Limits(), token)
    routes = {
        "/formats": app.formats,
        "/help": app.help,
        "/openapi.json": app.openapi,
        "/metrics": app.metrics,
        "/health/live": app.live,
        "/health/ready": app.ready,
    }
    return Starlette(
        routes=[
            *(Route(path, handler, methods=["GET"]) for path, handler in routes.items()),
            Route("/predict", app.predict, methods=["POST"]),
        ],
        exception_handlers={
            GameError: app.game_error,
            HTTPException: app.http_error,
            ClientDisconnect: app.gone,
            Exception: app.other_error,
        },
    )


class _App:
    def __init__(
        self, model: Predictor, name: str | None, limits: Limits, token: str | None
    ) -> None:
        self.model = model
        self.declaration: Declaration = getattr(model, "declaration", None) or Declaration(
            name=getattr(model, "predictor_name", model.info.id),
            description="; ".join(model.info.notes),
        )
        self.name = checked_name(name) if name else versioned_name(self.declaration.name)
        self.limits = limits
        self.token = token
        self.turns = Turns(limits)
        self.measured = Metrics(self.turns)

    async def formats(self, request: Request) -> Response:
        self._authorise(request)
        return self._answer(
            request,
            {
                "predictor_supported_request_formats": list(REQUEST_FORMATS),
                "predictor_supported_response_formats": list(RESPONSE_FORMATS),
            },
        )

    async def help(self, request: Request) -> Response:
        self._authorise(request)
        return self._answer(request, self._help())

    async def predict(self, request: Request) -> Response:
        self._authorise(request)
        began = time.perf_counter()
        status = 500
        try:
            content_type = request_format(request.headers.get("content-type"))
            body = await read_body(request, self.limits)
            accept = request.headers.get("accept")
            response = await self.turns.run(lambda: self._predict(body, content_type, accept))
            status = response.status_code
        except GameError as error:
            status = error.http_status
            raise
        except ClientDisconnect:
            status = 499
            raise
        finally:
            self.measured.request(status, time.perf_counter() - began)
        return response

    def _predict(self, body: bytes, content_type: str, accept: str | None) -> Response:
        raw = decode_request(body, content_type, self.limits.sequences)
        check_depth(raw, self.limits.depth)
        asked = validate_request(raw)
        check_size(asked, self.limits)
        self.measured.asked(asked)
        kind = response_format(accept)
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

    async def openapi(self, request: Request) -> Response:
        self._authorise(request)
        return Response(encode(openapi(self.name), JSON), media_type=JSON)

    async def metrics(self, request: Request) -> Response:
        self._authorise(request)
        return Response(self.measured.text(), media_type="text/plain; version=0.0.4")

    async def live(self, request: Request) -> Response:
        return self._answer(request, {"status": "live"})

    async def ready(self, request: Request) -> Response:
        if self.turns.waiting >= self.limits.queued:
            raise ServerError("Too many requests are waiting", status=503, retry_after=1.0)
        return self._answer(request, {"status": "ready"})

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

    def _authorise(self, request: Request) -> None:
        if self.token is None:
            return
        kind, _, given = request.headers.get("authorization", "").partition(" ")
        # Starlette reads the bytes of headers as Latin-1.
        sent = given.strip().encode("latin-1")
        if kind.lower() != "bearer" or not hmac.compare_digest(sent, self.token.encode()):
            raise BadRequestError("This server asks for a bearer token", status=401)

    def _help(self) -> dict[str, Any]:
        info, declared = self.model.info, self.declaration
        tracks = declared.tracks
        optional = {
            "input_size": declared.input_length,
            "model_authors": list(declared.model_authors),
            "publication": declared.publication,
        }
        return {
            "model": info.id,
            "game_schema_version": "1.0",
            "version": info.version,
            "model_digest": info.digest,
            "features": [track.assay for track in tracks] or ["NA"],
            "cell_types": [track.cell_type for track in tracks] or ["NA"],
            "species": [track.species for track in tracks] or ["NA"],
            "bin_size": declared.bin_size,
            "expression_strand_specific": False,
            "supported_readouts": list(declared.readouts),
            "supported_scales": list(declared.scales),
            "range_mode": declared.range_mode,
            "description": declared.description or f"genomark model {info.id}",
            "documentation": (
                "Scale 'log' is log2. Prediction ranges are 0-based and inclusive, in flanked "
                "coordinates. /openapi.json describes every message."
            ),
            **{key: value for key, value in optional.items() if value},
        }

    def _answer(self, request: Request, body: dict[str, Any]) -> Response:
        kind = response_format(request.headers.get("accept"))
        return Response(encode({"predictor_name": self.name, **body}, kind), media_type=kind)

    def _error(self, error: GameError) -> Response:
        # Errors are JSON whatever was asked for (GAME 1.0, section 1.3).
        response = Response(
            encode(error.body(self.name), JSON), status_code=error.http_status, media_type=JSON
        )
        if isinstance(error, ServerError) and error.retry_after is not None:
            response.headers["Retry-After"] = str(max(1, round(error.retry_after)))
        if error.http_status == 401:
            response.headers["WWW-Authenticate"] = "Bearer"
        if error.http_status == 408:
            # The rest of the body may still come: nothing after it could be understood.
            response.headers["Connection"] = "close"
        return response


def _internal_error(error: Exception) -> ServerError:
    return ServerError(f"An unexpected internal error occurred: {error}.")
