"""A Predictor that does all that is asked of it, made to be spoilt in one place at a time."""

# ruff: noqa: RUF012 - no toy changes what its class says

from __future__ import annotations

import json
import math
from typing import Any

import msgpack_numpy_map
import msgspec

from genomark.protocol import (
    EDITS,
    EXTENSIONS,
    JSON,
    MSGPACK,
    MSGPACK_NUMPY,
    BadRequestError,
    GameError,
    PredictionFailedError,
    PredictRequest,
    ServerError,
    covering_bins,
    decode,
    prepared_sequences,
    request_format,
    validate_request,
)

BIN = 8
Answer = tuple[int, str, bytes]


def activity(sequence: str) -> float:
    """Strand-specific, and of every base."""
    return (2 * sequence.count("CG") + 0.5 * sequence.count("A") + sequence.count("GT")) / len(
        sequence
    )


def as_log(value: Any) -> Any:
    return [as_log(each) for each in value] if isinstance(value, list) else math.log2(value + 1)


class Toy:
    """Points, tracks of 8-bp bins and interaction matrices of 3 x 3; all formats."""

    name: Any = "Toy_dev"
    formats: Any = {
        "predictor_supported_request_formats": [JSON, MSGPACK],
        "predictor_supported_response_formats": [JSON, MSGPACK, MSGPACK_NUMPY],
        EXTENSIONS: [EDITS],
    }
    help: Any = {
        "model": "toy",
        "game_schema_version": "1.0",
        "features": ["ATAC", "CHIP_CTCF"],
        "cell_types": ["K562", "HepG2"],
        "species": ["homo_sapiens"],
        "model_authors": ["A", "B"],
        "input_size": 500,
    }

    def handle(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        try:
            return self.route(method, path, headers, body)
        except GameError as error:
            return self.refuse(error, headers)
        # As a web framework does.
        except Exception as error:  # noqa: BLE001
            return self.refuse(ServerError(str(error)), headers)

    def route(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        if path not in ("/formats", "/help", "/predict"):
            raise BadRequestError("no such path", status=404)
        if (method == "POST") != (path == "/predict"):
            raise BadRequestError("no such method", status=405)
        accept = headers.get("accept", "")
        if path != "/predict":
            known = self.formats if path == "/formats" else self.help
            return self.write({"predictor_name": self.name, **known}, accept)
        return self.predict_route(headers, body, accept)

    def predict_route(self, headers: dict[str, str], body: bytes, accept: str) -> Answer:
        raw = self.read(body, headers.get("content-type"))
        return self.write(self.respond(raw), accept)

    def read(self, body: bytes, content_type: str | None) -> Any:
        return decode(body, request_format(content_type))

    def respond(self, raw: Any) -> Any:
        return self.predict(self.validated(raw))

    def validated(self, raw: Any) -> PredictRequest:
        request = validate_request(raw)
        prepared_sequences(request)
        return request

    def predict(self, request: PredictRequest) -> dict[str, Any]:
        answer: dict[str, Any] = {"predictor_name": self.name}
        if request.readout == "track":
            answer["bin_size"] = BIN
        answer["prediction_tasks"] = [self.task(task, request) for task in request.prediction_tasks]
        return answer

    def task(self, task: Any, request: PredictRequest) -> dict[str, Any]:
        values = self.values(request)
        scale = self.scale(task)
        if scale == "log":
            values = {name: self.as_log(value) for name, value in values.items()}
        answer = {
            "name": task.name,
            "type_requested": task.type,
            "type_actual": ["ATAC"],
            "cell_type_requested": task.cell_type,
            "cell_type_actual": "K562",
            "species_requested": task.species,
            "species_actual": "homo_sapiens",
            "scale_prediction_requested": task.scale or None,
            "scale_prediction_actual": scale,
            "aggregation": {"replicates": "mean"},
            "predictions": values,
        }
        if request.readout == "track":
            answer["trim_upstream"] = {
                name: self.span(flanked, self.limits(request, name)).trim_upstream
                for name, flanked in self.flanked(request).items()
            }
        return answer

    def scale(self, task: Any) -> str:
        return task.scale or "linear"

    def as_log(self, value: Any) -> Any:
        return as_log(value)

    def values(self, request: PredictRequest) -> dict[str, Any]:
        find = getattr(self, request.readout)
        found = {}
        for name, flanked in self.flanked(request).items():
            found[name] = find(flanked, self.limits(request, name))
        return found

    def flanked(self, request: PredictRequest) -> dict[str, str]:
        return {
            name: self.letters(f"{request.upstream_seq or ''}{each}{request.downstream_seq or ''}")
            for name, each in request.sequences.items()
        }

    def letters(self, sequence: str) -> str:
        return sequence.upper()

    def limits(self, request: PredictRequest, name: str) -> list[int]:
        return (request.prediction_ranges or {}).get(name, [])

    def point(self, sequence: str, limits: list[int]) -> Any:
        first, last = limits or (0, len(sequence) - 1)
        return activity(sequence[first : last + 1])

    def track(self, sequence: str, limits: list[int]) -> Any:
        span = self.span(sequence, limits)
        return [
            activity(sequence[index * BIN : (index + 1) * BIN])
            for index in range(span.first, span.last)
        ]

    def interaction_matrix(self, sequence: str, limits: list[int]) -> Any:
        size = len(sequence) // 3
        parts = [activity(sequence[index * size : (index + 1) * size]) for index in range(3)]
        return [[here * there for there in parts] for here in parts]

    def span(self, sequence: str, limits: list[int]) -> Any:
        first, last = limits or (0, len(sequence) - 1)
        return covering_bins(first, last - first + 1, BIN)

    def write(self, body: Any, accept: str) -> Answer:
        for kind in (MSGPACK_NUMPY, MSGPACK):
            if kind in accept and kind in self.written():
                return 200, kind, self.pack(body, kind)
        return 200, JSON, json.dumps(body).encode()

    def written(self) -> Any:
        return self.formats["predictor_supported_response_formats"]

    def pack(self, body: Any, kind: str) -> bytes:
        if kind == MSGPACK_NUMPY:
            body = msgpack_numpy_map.with_arrays(body)
        return msgspec.msgpack.encode(body)

    def refuse(self, error: GameError, headers: dict[str, str]) -> Answer:
        return error.http_status, JSON, json.dumps(self.error(error)).encode()

    def error(self, error: GameError) -> Any:
        return error.body(self.name)


class Overlooking(Toy):
    """Accepts what it should refuse, where all that is wrong is in `overlooked`."""

    overlooked: tuple[str, ...] = ()

    def respond(self, raw: Any) -> Any:
        try:
            return super().respond(raw)
        except (BadRequestError, PredictionFailedError) as error:
            if all(any(each in text for each in self.overlooked) for text in error.messages):
                return {"predictor_name": self.name, "prediction_tasks": []}
            raise
