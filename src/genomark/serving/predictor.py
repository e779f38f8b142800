"""The GAME Predictor as an ASGI app."""

from __future__ import annotations

import logging
from functools import partial
from time import perf_counter
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from genomark.errors import GenomarkError
from genomark.models import Model
from genomark.models.training_data import is_public, named
from genomark.protocol import (
    ANONYMOUS,
    EDITS,
    EXTENSIONS,
    PREDICT_FORMATS,
    PREDICTION_FORMATS,
    TENSOR,
    TENSOR_STREAM,
    ZSTD,
    GameError,
    PredictionFailedError,
    PredictRequest,
    PredictResponse,
    ReadRequest,
    compress,
    decode_request,
    encode,
    encode_tensor_answer,
    ids_of,
    is_streamable,
    prediction_format,
    request_format,
    tensor_frames,
    validate_request,
    value_bytes,
)
from genomark.serving.backend import FEW_VALUES, Backend, BackendSettings
from genomark.serving.computing import Computing, InProcess
from genomark.serving.game_app import internal_error
from genomark.serving.limits import (
    Limits,
    check_depth,
    check_size,
    is_packed,
    read_body,
    takes_zstd,
    unpacked,
)
from genomark.serving.metrics import Metrics
from genomark.serving.name import checked_name, versioned_name
from genomark.serving.openapi import openapi
from genomark.serving.quick_protocol import Answering, Send, head_reader
from genomark.serving.served_model import ServedModel, predictor_of, served_model
from genomark.serving.service_app import ServiceApp

logger = logging.getLogger("genomark.serving")

#: Longer answers of arrays are sent piece by piece, to those who read them so.
_STREAMED_BYTES = 4 << 20
#: Of memory, about, that a sequence takes beside its letters, which are few where all are short.
_SEQUENCE_BYTES = 80
#: Shorter ones gain nothing by being compressed.
_PACKED_BYTES = 1 << 14


def predictor_app(
    model: Model,
    *,
    name: str | None = None,
    limits: Limits | None = None,
    token: str | None = None,
    settings: BackendSettings | None = None,
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
    settings : BackendSettings, optional
        How requests are joined, and how many answers are kept.

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
    predictor = predictor_of(model)
    limits = limits or Limits()
    return served_app(
        served_model(predictor),
        InProcess(predictor, limits.concurrent),
        name=name,
        limits=limits,
        token=token,
        settings=settings or BackendSettings(),
    )


def served_app(
    served: ServedModel,
    computing: Computing,
    *,
    name: str | None,
    limits: Limits,
    token: str | None,
    settings: BackendSettings,
) -> Starlette:
    """Make the app that serves what computes somewhere; see `predictor_app`."""
    app = _App(served, Backend(computing, served, limits, settings), name, limits, token)
    routed = app.served(
        Route("/formats", app.formats, methods=["GET"]),
        Route("/help", app.help, methods=["GET"]),
        Route("/predict", app.predict, methods=["POST"]),
    )
    routed.state.read_head = head_reader(app.at_once)
    return routed


def read_request(body: bytes | memoryview, content_type: str, limits: Limits) -> PredictRequest:
    """Decode a body, and check that it is a request that may be asked.

    Raises
    ------
    BadRequestError
    """
    raw = decode_request(body, content_type, limits.sequences)
    if content_type != TENSOR:
        # What has another form than it should is refused there while it is read.
        check_depth(raw, limits.depth)
    asked = validate_request(raw)
    check_size(asked, limits)
    return asked


def write_response(
    answer: PredictResponse, kind: str, asked: list[str], *, takes_zstd: bool = False
) -> Response:
    """Encode an answer in a format that is accepted.

    Parameters
    ----------
    answer : PredictResponse
    kind : str
        Of `PREDICTION_FORMATS`; as one message of tensors where frames are not worth it.
    asked : list of str
        Ids of the request, in its order.
    takes_zstd : bool
        Whether the client unpacks that. Tensors are sent as they are: numbers hardly shrink.
    """
    if kind == TENSOR_STREAM and value_bytes(answer) > _STREAMED_BYTES and is_streamable(answer):
        return StreamingResponse(tensor_frames(answer, asked), media_type=kind)
    if kind in (TENSOR, TENSOR_STREAM):
        return Response(encode_tensor_answer(answer, asked), media_type=TENSOR)
    body = encode(answer, kind)
    if not takes_zstd or len(body) < _PACKED_BYTES:
        return Response(body, media_type=kind)
    return Response(compress(body), media_type=kind, headers={"Content-Encoding": ZSTD})


class _App(ServiceApp):
    paths = ("/formats", "/help", "/predict")

    def __init__(
        self,
        served: ServedModel,
        backend: Backend,
        name: str | None,
        limits: Limits,
        token: str | None,
    ) -> None:
        super().__init__(limits, token)
        self._served = served
        self.backend = backend
        self._name = checked_name(name) if name else versioned_name(served.declaration.name)
        self.measured: Metrics = Metrics(backend)

    @property
    def name(self) -> str:
        return self._name

    async def formats(self, request: Request) -> Response:
        self.authorise(request)
        return self.answer(
            request,
            {
                "predictor_supported_request_formats": list(PREDICT_FORMATS),
                "predictor_supported_response_formats": list(PREDICTION_FORMATS),
                EXTENSIONS: [EDITS, ZSTD, *([ANONYMOUS] if self._served.ignores_ids else [])],
            },
        )

    async def help(self, request: Request) -> Response:
        self.authorise(request)
        return self.answer(request, self._help())

    def takes_more(self) -> bool:
        return self.backend.ready

    def contract(self) -> dict[str, Any]:
        return openapi(self.name)

    async def predict(self, request: Request) -> Response:
        self.authorise(request)
        return await self.measure(self._predicted(request))

    def at_once(self, request: Request) -> Answering | None:
        """Give what answers requests with this head that take no time worth mentioning.

        Points alone, in the tensor format; None for other heads. What it gives leaves a body that
        takes longer, or with which something is wrong, to `predict`.
        """
        try:
            self.authorise(request)
        except GameError:
            return None
        if request.headers.get("content-type") != TENSOR:
            return None
        kind = prediction_format(request.headers.get("accept"))
        return _AtOnce(self, kind, takes_zstd=takes_zstd(request)).answer

    async def _asked(self, request: Request) -> tuple[PredictRequest, int]:
        """Read a request; also the bytes of its body."""
        content_type = request_format(request.headers.get("content-type"), PREDICT_FORMATS)
        body = await read_body(request, self.limits, packed=True)
        if not is_packed(request):
            read = partial(read_request, body, content_type, self.limits)
            return await self.backend.aside(len(body), read), len(body)

        def unfolded() -> tuple[PredictRequest, int]:
            whole = unpacked(body, self.limits)
            return read_request(whole, content_type, self.limits), len(whole)

        # What a body unfolds to is in memory for one or two at a time, however many have come.
        return await self.backend.aside(self.limits.body_bytes, unfolded)

    async def _predicted(self, request: Request) -> Response:
        asked, n_bytes = await self._asked(request)
        n_bytes += _SEQUENCE_BYTES * len(asked.sequences)
        write = partial(
            self.written,
            kind=prediction_format(request.headers.get("accept")),
            asked=ids_of(asked.sequences),
            takes_zstd=takes_zstd(request),
        )
        self.measured.asked(asked)
        try:
            answer = await self.backend.predict(asked, n_bytes, gone=request.receive)
            return await self.backend.aside(value_bytes(answer), partial(write, answer))
        except (GameError, ClientDisconnect):
            raise
        except GenomarkError as error:
            raise PredictionFailedError(str(error)) from error
        # A model is foreign code: whatever it raises ends this request and nothing else.
        except Exception as error:
            logger.exception("request failed")
            raise internal_error(error) from error

    def written(
        self, answer: PredictResponse, kind: str, asked: list[str], *, takes_zstd: bool
    ) -> Response:
        named = msgspec.structs.replace(answer, predictor_name=self.name)
        return write_response(named, kind, asked, takes_zstd=takes_zstd)

    def _help(self) -> dict[str, Any]:
        info, declared = self._served.info, self._served.declaration
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
            "batch_invariant": self._served.batch_invariant,
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
            **({} if self._served.keepable else {"keepable": False}),
        }


class _AtOnce:
    """Answers requests that have one head, where they are read."""

    def __init__(self, app: _App, kind: str, *, takes_zstd: bool) -> None:
        self._app = app
        self._kind = kind
        self._takes_zstd = takes_zstd
        # Of more sequences not even the names are made here.
        few = min(FEW_VALUES, app.limits.sequences)
        self._limits = msgspec.structs.replace(app.limits, sequences=few)
        self._last: ReadRequest | None = None

    def answer(self, body: memoryview, send: Send) -> bool:
        """Have a body answered; False if it is not to be, or cannot be, answered at once."""
        app = self._app
        if not app.backend.is_idle:
            return False
        began = perf_counter()
        known = None if self._last is None else self._last.again(body)
        try:
            asked = known or read_request(body, TENSOR, self._limits)
            # As it came: what a model does to a request stays with it.
            last = self._last if known else ReadRequest.of(body, asked)
            answer = app.backend.answer_at_once(asked) if asked.readout == "point" else None
            if answer is None:
                return False
            names = ids_of(asked.sequences)
            response = app.written(answer, self._kind, names, takes_zstd=self._takes_zstd)
        # Foreign code has had a part in it; `predict` meets the same again, and tells.
        except Exception:  # noqa: BLE001
            return False
        if isinstance(response, StreamingResponse):
            return False
        send(response)
        # What is done from here on, and letting go of the strings, keeps nobody waiting.
        app.backend.batch(1)
        app.measured.asked(asked)
        app.measured.request(response.status_code, perf_counter() - began)
        self._last = last or self._last
        return True
