"""Serving: any model as a GAME Predictor over HTTP."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from genomark.serving.backend import BackendSettings
    from genomark.serving.limits import Limits
    from genomark.serving.predictor import predictor_app
    from genomark.serving.server import (
        address_of,
        listen,
        read_token,
        run_app,
        serve_model,
        serve_replicas,
    )

__all__ = [
    "BackendSettings",
    "Limits",
    "address_of",
    "listen",
    "predictor_app",
    "read_token",
    "run_app",
    "serve_model",
    "serve_replicas",
]

_HOMES = {
    "BackendSettings": "genomark.serving.backend",
    "Limits": "genomark.serving.limits",
    "predictor_app": "genomark.serving.predictor",
}


def __getattr__(name: str) -> Any:
    # Loaded on first use: a process that only computes has no use for an HTTP server.
    if name not in __all__:
        raise AttributeError(f"module 'genomark.serving' has no attribute '{name}'")
    from importlib import import_module

    return getattr(import_module(_HOMES.get(name, "genomark.serving.server")), name)
