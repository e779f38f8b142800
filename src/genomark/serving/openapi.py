"""The contract of a served Predictor as OpenAPI 3.1, made from the message types themselves."""

from __future__ import annotations

from typing import Any

import msgspec

from genomark.protocol import (
    JSON,
    READOUTS,
    REQUEST_FORMATS,
    RESPONSE_FORMATS,
    SCALES,
    PredictRequest,
    PredictResponse,
)

_REFERENCE = "#/components/schemas/{name}"

_ERRORS = {
    400: "The request is not well formed.",
    401: "A bearer token is asked for.",
    405: "This method is not allowed here.",
    408: "The request body stopped coming.",
    413: "The request is too large.",
    415: "The request body is compressed.",
    422: "The request is well formed and cannot be answered.",
    500: "The server failed.",
    502: "A service the answer depends on failed.",
    503: "The server cannot take the request now.",
}


def openapi(name: str) -> dict[str, Any]:
    """Describe every endpoint.

    Parameters
    ----------
    name : str
        Title: the server's own name.
    """
    _, schemas = msgspec.json.schema_components(
        [PredictRequest, PredictResponse], ref_template=_REFERENCE
    )
    schemas["Error"] = _error_schema()
    _state_values(schemas)
    predicted = _content(RESPONSE_FORMATS, {"$ref": _REFERENCE.format(name="PredictResponse")})
    return {
        "openapi": "3.1.0",
        "info": {"title": name, "version": "1.0", "description": "A GAME 1.0 Predictor."},
        "paths": {
            "/predict": {
                "post": {
                    "summary": "Predict activity from sequence",
                    "requestBody": {
                        "required": True,
                        "content": _content(
                            REQUEST_FORMATS, {"$ref": _REFERENCE.format(name="PredictRequest")}
                        ),
                    },
                    "responses": {
                        "200": {"description": "Predictions.", "content": predicted},
                        **_errors(400, 401, 408, 413, 415, 422, 500, 502, 503),
                    },
                }
            },
            "/formats": {"get": _get("Formats of requests and answers", RESPONSE_FORMATS)},
            "/help": {"get": _get("What this Predictor offers", RESPONSE_FORMATS)},
            "/openapi.json": {"get": _get("This document", (JSON,))},
            "/metrics": {"get": _get("Counters for Prometheus", ("text/plain",), {})},
            "/health/live": {"get": _get("Whether the process runs", RESPONSE_FORMATS)},
            "/health/ready": {"get": _get("Whether a request would be taken", RESPONSE_FORMATS)},
        },
        "components": {"schemas": schemas},
    }


def _get(
    summary: str, formats: tuple[str, ...], schema: dict[str, Any] | None = None
) -> dict[str, Any]:
    content = _content(formats, {"type": "object"} if schema is None else schema)
    return {
        "summary": summary,
        "responses": {
            "200": {"description": summary, "content": content},
            **_errors(401, 405, 503),
        },
    }


def _content(formats: tuple[str, ...], schema: dict[str, Any]) -> dict[str, Any]:
    return {kind: {"schema": schema} for kind in formats}


def _errors(*statuses: int) -> dict[str, Any]:
    schema = {"$ref": _REFERENCE.format(name="Error")}
    return {
        str(status): {"description": _ERRORS[status], "content": _content((JSON,), schema)}
        for status in statuses
    }


def _error_schema() -> dict[str, Any]:
    return {
        "title": "Error",
        "type": "object",
        "required": ["predictor_name", "error"],
        "properties": {
            "predictor_name": {"type": "string"},
            "error": {
                "type": "array",
                "minItems": 1,
                "items": {
                    "type": "object",
                    "minProperties": 1,
                    "maxProperties": 1,
                    "additionalProperties": {"type": "string"},
                },
            },
        },
    }


def _state_values(schemas: dict[str, Any]) -> None:
    """Say which values a string may have, where the protocol closes the list."""
    schemas["PredictRequest"]["properties"]["readout"]["enum"] = list(READOUTS)
    schemas["PredictionTask"]["properties"]["scale"]["enum"] = list(SCALES)
    schemas["PredictionTask"]["properties"]["type"]["pattern"] = (
        "^(accessibility$|expression$|expression_|binding_|conformation_)"
    )
    schemas["PredictRequest"]["properties"]["sequences"]["additionalProperties"] = {
        "type": "string",
        "pattern": "^[ACGTNacgtn]+$",
    }
