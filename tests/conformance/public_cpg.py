"""A stand-in for the public CpG Predictor, with its strictness and its crashes.

It answers the recorded exchanges as they were recorded; a test holds it to that.
"""

# ruff: noqa: RUF012 - no toy changes what its class says

from __future__ import annotations

import math
from typing import Any

from msgspec import UNSET
from toy_predictor import Answer, Toy

from genomark.protocol import (
    EXTENSIONS,
    JSON,
    MSGPACK,
    BadRequestError,
    PredictionFailedError,
    PredictRequest,
    ServerError,
    decode,
    validate_request,
)


class PublicCpG(Toy):
    name = "CpG Predictor"
    formats = {key: [JSON, MSGPACK] for key in Toy.formats if key != EXTENSIONS}
    help = {"model": "CpG Predictor", "version": "1.0", "container_authors": "Somebody"}

    def route(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        try:
            return super().route(method, path, headers, body)
        except BadRequestError as error:
            if error.http_status in (404, 405):
                return error.http_status, "text/html; charset=utf-8", b"<!doctype html>"
            raise

    def read(self, body: bytes, content_type: str | None) -> Any:
        if content_type is None or content_type.lower() not in (JSON, MSGPACK):
            raise BadRequestError("Unsupported Content-Type")
        return decode(body, content_type.lower())

    def validated(self, raw: Any) -> PredictRequest:
        try:
            request = validate_request(raw)
        except BadRequestError as error:
            crashes = ("must be an", "must be in a list", "should be a string", "must be integers")
            text = str(error)
            if "body must be" in text or "sequence '" in text:
                raise ServerError(text) from error
            if any(each in text for each in crashes) and _crashes(raw):
                raise ServerError(text) from error
            raise
        for name, sequence in request.sequences.items():
            limits = self.limits(request, name)
            # Against the sequence without its flanks.
            if limits and limits[1] >= len(sequence):
                raise BadRequestError(f"Invalid range for '{name}': index is out of bounds.")
            if not sequence:
                raise PredictionFailedError(f"sequence '{name}' is empty")
            if strange := set(sequence.upper()) - set("ACGTN"):
                raise PredictionFailedError(f"invalid character(s): {strange}")
        if request.readout == "interaction_matrix":
            raise BadRequestError(
                "Test Predictor cannot process 'interaction_matrix' readout type."
            )
        return request

    def predict(self, request: PredictRequest) -> dict[str, Any]:
        answer = super().predict(request)
        return {**answer, "bin_size": 1} if "bin_size" in answer else answer

    def task(self, task: Any, request: PredictRequest) -> dict[str, Any]:
        answer = super().task(task, request)
        for key in ("trim_upstream", "aggregation"):
            answer.pop(key, None)
        return {
            **answer,
            "type_actual": ["NA"],
            "cell_type_actual": "NA",
            "species_actual": "NA",
            "scale_prediction_requested": None if task.scale is UNSET else task.scale,
        }

    def point(self, sequence: str, limits: list[int]) -> Any:
        sequence = sequence[limits[0] : limits[1] + 1] if limits else sequence
        return [(sequence.count("CG") + 1e-9) / len(sequence)]

    def track(self, sequence: str, limits: list[int]) -> Any:
        sequence = sequence[limits[0] : limits[1] + 1] if limits else sequence
        windows = [sequence[max(0, i - 25) : i + 25] for i in range(len(sequence))]
        return [100 * window.count("CG") / len(window) for window in windows]

    def as_log(self, value: Any) -> Any:
        small = 0.0 if len(value) == 1 else 1e-9
        return [math.log2(each + small) for each in value]


def _crashes(raw: dict[str, Any]) -> bool:
    """Whether the checks of the public module trip over what they check."""
    ranges = raw.get("prediction_ranges", {})
    if not isinstance(raw["sequences"], dict) or not isinstance(raw["prediction_tasks"], list):
        return True
    if not isinstance(ranges, dict):
        return True
    return any(
        not isinstance(limits, list) or any(isinstance(each, str) for each in limits)
        for limits in ranges.values()
    )
