"""Pieces of which the contracts of all services are put together (OpenAPI 3.1)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from genomark.protocol import JSON

#: What an error means that is the same for every service.
ERRORS: Mapping[int, str] = {
    401: "A token is asked for.",
    405: "This method is not allowed here.",
    408: "The request body stopped coming.",
    413: "The request is too large.",
    415: "The request body is compressed in a way that is not known here.",
    502: "A service the answer depends on failed.",
    503: "The server cannot take the request now.",
}


def reference(name: str) -> dict[str, Any]:
    """Refer to a schema of the document."""
    return {"$ref": f"#/components/schemas/{name}"}


def content(formats: Iterable[str], schema: dict[str, Any]) -> dict[str, Any]:
    """Say that something has this schema, in each of these formats."""
    return {kind: {"schema": schema} for kind in formats}


def errors(*statuses: int, told: Mapping[int, str] = ERRORS) -> dict[str, Any]:
    """Describe errors, which are JSON and have the schema ``Error``."""
    body = content((JSON,), reference("Error"))
    return {str(status): {"description": told[status], "content": body} for status in statuses}


def get(
    summary: str, formats: Iterable[str] = (JSON,), schema: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Describe what is asked for by GET; an object, if no schema is given."""
    told = content(formats, {"type": "object"} if schema is None else schema)
    return {
        "summary": summary,
        "responses": {
            "200": {"description": summary, "content": told},
            **errors(401, 405, 503),
        },
    }


def shared_paths(health: Iterable[str] = (JSON,)) -> dict[str, Any]:
    """Describe the paths that all services have.

    Parameters
    ----------
    health : iterable of str
        Formats of answers about health.
    """
    return {
        "/openapi.json": {"get": get("This document")},
        "/metrics": {"get": get("Counters for Prometheus", ("text/plain",), {})},
        "/health/live": {"get": get("Whether the process runs", health)},
        "/health/ready": {"get": get("Whether a request would be taken", health)},
    }
