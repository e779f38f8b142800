"""Serving: any model as a GAME Predictor over HTTP."""

from genomark.serving.limits import Limits
from genomark.serving.predictor import predictor_app
from genomark.serving.server import address_of, listen, read_token, run_app, serve_model

__all__ = [
    "Limits",
    "address_of",
    "listen",
    "predictor_app",
    "read_token",
    "run_app",
    "serve_model",
]
