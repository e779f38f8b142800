"""The contract of a served Predictor as OpenAPI 3.1, made from the message types themselves."""

from __future__ import annotations

from typing import Any

import msgspec

from genomark.protocol import (
    READOUTS,
    REQUEST_FORMATS,
    RESPONSE_FORMATS,
    SCALES,
    TENSOR,
    TENSOR_STREAM,
    Edit,
    PredictRequest,
    PredictResponse,
)
from genomark.protocol.tensor_schema import tensor_schemas
from genomark.serving.openapi_parts import ERRORS, content, errors, get, reference, shared_paths

_REFERENCE = "#/components/schemas/{name}"

_ERRORS = {
    **ERRORS,
    400: "The request is not well formed.",
    422: "The request is well formed and cannot be answered.",
    500: "The server failed.",
}


def openapi(name: str) -> dict[str, Any]:
    """Describe every endpoint.

    Parameters
    ----------
    name : str
        Title: the server's own name.
    """
    _, schemas = msgspec.json.schema_components(
        [PredictRequest, Edit, PredictResponse], ref_template=_REFERENCE
    )
    schemas["Error"] = _error_schema()
    _state_values(schemas)
    schemas = {**tensor_schemas(_REFERENCE), **schemas}
    asked = {
        **content(REQUEST_FORMATS, reference("PredictRequest")),
        **content((TENSOR,), reference("TensorRequest")),
    }
    predicted = {
        **content(RESPONSE_FORMATS, reference("PredictResponse")),
        **content((TENSOR, TENSOR_STREAM), reference("TensorAnswer")),
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": name, "version": "1.0", "description": "A GAME 1.0 Predictor."},
        "paths": {
            "/predict": {
                "post": {
                    "summary": "Predict activity from sequence",
                    "requestBody": {
                        "required": True,
                        "content": asked,
                    },
                    "responses": {
                        "200": {"description": "Predictions.", "content": predicted},
                        **errors(400, 401, 408, 413, 415, 422, 500, 502, 503, told=_ERRORS),
                    },
                }
            },
            "/formats": {"get": get("Formats of requests and answers", RESPONSE_FORMATS)},
            "/help": {"get": get("What this Predictor offers", RESPONSE_FORMATS)},
            **shared_paths(RESPONSE_FORMATS),
        },
        "components": {"schemas": schemas},
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
    schemas["Edit"]["required"] = ["of", "changes"]
    asked = schemas["PredictRequest"]["properties"]
    asked["sequences"]["additionalProperties"] = {
        "type": "string",
        "pattern": "^[ACGTNacgtn]+$",
    }
    # How `EditedSequences` go over the wire: beside the sequences that are whole.
    # Without edits it is one of the keys that nobody reads.
    asked["references"] = {"description": "An object of names and sequences, which edits are of."}
    asked["edits"] = {
        "type": "object",
        "description": "Sequences by id, as changes of references: start, end (0-based and "
        "half-open, in coordinates of the reference) and the letters that come in its place.",
        "additionalProperties": reference("Edit"),
    }
