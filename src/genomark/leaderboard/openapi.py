"""The contract of the leaderboard as OpenAPI 3.1, made from the views themselves."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

import genomark
from genomark.leaderboard import views
from genomark.leaderboard.forms import KINDS, MEDIA_TYPES
from genomark.leaderboard.query import ALLOWED, MOST_COMPARED, STANDINGS
from genomark.protocol import JSON
from genomark.serving.openapi_parts import content, reference

_REFERENCE = "#/components/schemas/{name}"
_SCHEMAS: Mapping[str, tuple[str, Any]] = {
    "front": ("Front", views.Front),
    "suite": ("Suite", views.Suite),
    "benchmark": ("Benchmark", views.Benchmark),
    "pairs": ("Pairs", list[views.Pair]),
    "model": ("Model", views.Model),
    "compare": ("Compare", views.Compare),
    "items": ("Items", views.Items),
    "item": ("Item", views.Item),
}
#: Address of each kind of page without its ending, and what it is.
_ADDRESSES: Mapping[str, tuple[str, str]] = {
    "front": ("/index", "All models by all benchmarks"),
    "suite": ("/suites/{slug}", "A suite"),
    "benchmark": ("/benchmarks/{slug}", "A benchmark"),
    "pairs": ("/benchmarks/{slug}/pairs", "Every pair of models on a benchmark"),
    "items": ("/benchmarks/{slug}/items", "Items of a benchmark"),
    "item": ("/benchmarks/{slug}/item", "One item, as all models answered it"),
    "model": ("/models/{slug}", "A model"),
    "compare": ("/compare", "Two to five models side by side"),
}
_TEXT = {"type": "string", "maxLength": 1000}
_PARAMETERS: Mapping[str, dict[str, Any]] = {
    "sort": {"description": "What lines are sorted by.", "schema": _TEXT},
    "order": {"description": "Up or down.", "schema": {"enum": ["asc", "desc", ""]}},
    "standing": {
        "description": "Results of this standing alone, ranked among themselves.",
        "schema": {"enum": [*STANDINGS, ""]},
    },
    "search": {"description": "Part of a name.", "schema": _TEXT},
    "suite": {"description": "Benchmarks of this suite alone.", "schema": _TEXT},
    "metric": {"description": "What is sorted by instead of the metric that ranks.",
               "schema": _TEXT},
    "models": {
        "description": "Slugs of models.",
        "schema": {"type": "array", "items": _TEXT, "maxItems": MOST_COMPARED},
    },
    "benchmark": {"description": "Slug of the benchmark whose items are shown.", "schema": _TEXT},
    "item": {"description": "Id of the item.", "schema": _TEXT, "required": True},
    "start": {
        "description": "First item of the page.",
        "schema": {"type": "integer", "minimum": 0, "maximum": 999_999_999_999},
    },
}  # fmt: skip
_ERRORS = {
    400: "A parameter is not known, or cannot be.",
    404: "There is no such page.",
    405: "This method is not allowed here.",
    500: "The store cannot be read.",
    503: "The server cannot take the request now.",
}
#: What an answer to an unknown path may name.
PATHS = tuple(address for address, _ in _ADDRESSES.values())


def leaderboard_openapi() -> dict[str, Any]:
    """Describe every endpoint."""
    types = [each for _, each in _SCHEMAS.values()]
    found, schemas = msgspec.json.schema_components(
        [*types, views.Problem], ref_template=_REFERENCE
    )
    for (name, _), schema in zip(_SCHEMAS.values(), found, strict=False):
        schemas.setdefault(name, schema)
    for schema in schemas.values():
        if "description" in schema:
            schema["description"] = inspect.cleandoc(schema["description"])
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "genomark leaderboard",
            "version": genomark.__version__,
            "description": "Results of models on benchmarks, as pages and as data.",
        },
        "paths": {**_pages(), **_others()},
        "components": {"schemas": schemas},
    }


def _pages() -> dict[str, Any]:
    paths: dict[str, Any] = {"/": {"get": _get("The first page", _html(), _asked("front"))}}
    for kind, (address, summary) in _ADDRESSES.items():
        for form in KINDS[kind].forms:
            if kind == "front" and form == "html":
                continue
            told = {"json": content((JSON,), reference(_SCHEMAS[kind][0])), "html": _html()}.get(
                form, content((_plain(MEDIA_TYPES[form]),), {})
            )
            path = address if form == "html" else f"{address}.{form}"
            paths[path] = {"get": _get(summary, told, _asked(kind))}
    paths["/statistics"] = {"get": _get("About the statistics", _html(), [])}
    return paths


def _others() -> dict[str, Any]:
    id = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
    parquet = content((MEDIA_TYPES["parquet"],), {})
    plain = content((JSON,), {"type": "object"})
    told = {
        "/results/{id}": ("The document of a result, as it was added", plain, [id]),
        "/predictions/{id}": ("The predictions of a result", parquet, [id]),
        "/openapi.json": ("This document", plain, []),
        "/metrics": ("Counters for Prometheus", content(("text/plain",), {}), []),
        "/health/live": ("Whether the process runs", plain, []),
        "/health/ready": ("Whether a request would be taken", plain, []),
    }
    return {path: {"get": _get(*each)} for path, each in told.items()}


def _get(
    summary: str, told: dict[str, Any], parameters: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    problem = {**content((JSON,), reference("Problem")), **_html()}
    return {
        "summary": summary,
        "parameters": list(parameters),
        "responses": {
            "200": {"description": summary, "content": told},
            "304": {"description": "It is as it was, by its tag."},
            **{
                str(status): {"description": text, "content": problem}
                for status, text in _ERRORS.items()
            },
        },
    }


def _asked(kind: str) -> list[dict[str, Any]]:
    """Parameters of a kind of page."""
    named = [
        {"name": name, "in": "query", "required": False, **_PARAMETERS[name]}
        for name in ALLOWED[kind]
    ]
    if "{slug}" not in _ADDRESSES[kind][0]:
        return named
    return [{"name": "slug", "in": "path", "required": True, "schema": _TEXT}, *named]


def _html() -> dict[str, Any]:
    return content(("text/html",), {"type": "string"})


def _plain(media_type: str) -> str:
    return media_type.partition(";")[0]
