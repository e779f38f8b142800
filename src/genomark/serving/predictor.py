"""The GAME Predictor as an ASGI app."""

from __future__ import annotations

import logging
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from genomark.errors import CapabilityError, GenomarkError
from genomark.models import Model, Predictor, Trainable
from genomark.models.declaration import Declaration
from genomark.models.pieces import predict_in_pieces
from genomark.models.training_data import is_public, named
from genomark.protocol import (
    EDITS,
    EXTENSIONS,
    REQUEST_FORMATS,
    RESPONSE_FORMATS,
    GameError,
    PredictionFailedError,
    decode_request,
    encode,
    request_format,
    response_format,
    validate_request,
)
from genomark.serving.game_app import internal_error
from genomark.serving.limits import Limits, check_depth, check_size, read_body
from genomark.serving.metrics import Metrics
from genomark.serving.name import checked_name, versioned_name
from genomark.serving.openapi import openapi
from genomark.serving.service_app import ServiceApp

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
    return app.served(
        Route("/formats", app.formats, methods=["GET"]),
        Route("/help", app.help, methods=["GET"]),
        Route("/predict", app.predict, methods=["POST"]),
    )


class _App(ServiceApp):
    paths = ("/formats", "/help", "/predict")

    def __init__(
        self, model: Predictor, name: str | None, limits: Limits, token: str | None
    ) -> None:
        super().__init__(limits, token)
        self.model = model
        self.declaration: Declaration = getattr(model, "declaration", None) or Declaration(
            name=getattr(model, "predictor_name", model.info.id),
            description="; ".join(model.info.notes),
        )
        self._name = checked_name(name) if name else versioned_name(self.declaration.name)
        self.measured: Metrics = Metrics(self.turns)

    @property
    def name(self) -> str:
        return self._name

    async def formats(self, request: Request) -> Response:
        self.authorise(request)
        return self.answer(
            request,
            {
                "predictor_supported_request_formats": list(REQUEST_FORMATS),
                "predictor_supported_response_formats": list(RESPONSE_FORMATS),
                EXTENSIONS: [EDITS],
            },
        )

    async def help(self, request: Request) -> Response:
        self.authorise(request)
        return self.answer(request, self._help())

    def contract(self) -> dict[str, Any]:
        return openapi(self.name)

    async def predict(self, request: Request) -> Response:
        self.authorise(request)
        return await self.measure(self._predicted(request))

    async def _predicted(self, request: Request) -> Response:
        content_type = request_format(request.headers.get("content-type"))
        body = await read_body(request, self.limits)
        accept = request.headers.get("accept")
        return await self.turns.run(lambda: self._predict(body, content_type, accept))

    def _predict(self, body: bytes, content_type: str, accept: str | None) -> Response:
        raw = decode_request(body, content_type, self.limits.sequences)
        check_depth(raw, self.limits.depth)
        asked = validate_request(raw)
        check_size(asked, self.limits)
        self.measured.asked(asked)
        kind = response_format(accept)
        try:
            answer = predict_in_pieces(self.model, asked)
            answer = msgspec.structs.replace(answer, predictor_name=self.name)
            return Response(encode(answer, kind), media_type=kind)
        except GameError:
            raise
        except GenomarkError as error:
            raise PredictionFailedError(str(error)) from error
        # A model is foreign code: whatever it raises ends this request and nothing else.
        except Exception as error:
            logger.exception("request failed")
            raise internal_error(error) from error

    def _help(self) -> dict[str, Any]:
        info, declared = self.model.info, self.declaration
        tracks = declared.tracks
        optional = {
            "input_size": declared.input_length,
            "model_authors": list(declared.model_authors),
            "publication": declared.publication,
        }
        if is_public(declared.training_data):
            told = msgspec.to_builtins(declared.training_data)
            if "source" in told:
                told["source"] = named(told["source"])
            optional["training_data"] = told
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
