"""The contract of a served Matcher as OpenAPI 3.1, with the title that published ones have."""

from __future__ import annotations

from typing import Any

from genomark.matching import CATEGORIES
from genomark.protocol import JSON
from genomark.serving.matcher_request import ORDER
from genomark.serving.openapi_parts import ERRORS, content, errors, reference, shared_paths

_ERRORS = {
    **ERRORS,
    400: "The body is no text, or nested too deep.",
    422: "The request does not fit: what is wrong, and where.",
    500: "The matching engine failed.",
}
_TEXT = {"type": "string"}
_OPTIONAL = {"type": ["string", "null"]}


def matcher_openapi() -> dict[str, Any]:
    """Describe every endpoint."""
    explain = {
        "name": "explain",
        "in": "query",
        "description": "Also say how sure each answer is, and why.",
        "schema": {"type": "boolean", "default": False},
    }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "GAME Matcher API",
            "version": "1.0",
            "description": "Gives the choice that means the same as a term, or NULL.",
        },
        "paths": {
            "/match": {
                "post": {
                    "summary": "Match terms",
                    "parameters": [explain],
                    "requestBody": {
                        "required": True,
                        "content": content((JSON,), reference("MatchRequest")),
                    },
                    "responses": {
                        "200": {
                            "description": "Matches",
                            "content": content((JSON,), reference("Matches")),
                        },
                        **errors(400, 401, 408, 413, 415, 422, 500, 502, 503, told=_ERRORS),
                    },
                }
            },
            **shared_paths(),
        },
        "components": {"schemas": _schemas()},
    }


def _schemas() -> dict[str, Any]:
    requested: dict[str, Any] = {}
    for category in ORDER:
        requested[f"{category}_requested"] = _OPTIONAL
        requested[f"{category}_list"] = {"type": ["array", "null"], "items": _TEXT}
    explanations = {category: reference("Explanation") for category in CATEGORIES}
    actual = {f"{category}_actual": _OPTIONAL for category in ORDER}
    return {
        "MatchRequest": {
            "type": "object",
            "properties": requested,
            "additionalProperties": False,
            # One category at least, and of each term its list.
            "anyOf": [_asks(category) for category in ORDER],
            "allOf": [{"anyOf": [_asks(category), _leaves(category)]} for category in ORDER],
        },
        "Matches": _closed(
            {
                "matcher_version": _TEXT,
                **actual,
                "explanation": {
                    "type": "object",
                    "properties": explanations,
                    "additionalProperties": False,
                },
            },
            optional=("explanation",),
        ),
        "Explanation": _closed(
            {
                "choice": _OPTIONAL,
                "confidence": _share(),
                "stage": _TEXT,
                "reason": _TEXT,
                "candidates": {"type": "array", "items": reference("Candidate")},
                "calls": {"type": "integer", "minimum": 0},
                "notes": {"type": "array", "items": _TEXT},
            }
        ),
        "Candidate": _closed(
            {"choice": _TEXT, "score": _share(), "stage": _TEXT, "evidence": _TEXT}
        ),
        "Error": {
            "type": "object",
            "required": ["detail"],
            "properties": {
                "error": _TEXT,
                "detail": {"anyOf": [_TEXT, {"type": "array", "items": reference("Fault")}]},
            },
        },
        "Fault": {
            "type": "object",
            "required": ["type", "loc", "msg"],
            "properties": {
                "type": _TEXT,
                "loc": {"type": "array", "items": {"type": ["string", "integer"]}},
                "msg": _TEXT,
            },
        },
    }


def _asks(category: str) -> dict[str, Any]:
    term, choices = f"{category}_requested", f"{category}_list"
    return {
        "required": [term, choices],
        "properties": {
            term: {"type": "string", "minLength": 1},
            choices: {"type": "array", "minItems": 1},
        },
    }


def _leaves(category: str) -> dict[str, Any]:
    return {"properties": {f"{category}_requested": {"enum": ["", None]}}}


def _closed(properties: dict[str, Any], optional: tuple[str, ...] = ()) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": [name for name in properties if name not in optional],
        "additionalProperties": False,
    }


def _share() -> dict[str, Any]:
    return {"type": "number", "minimum": 0, "maximum": 1}
