"""Serving: any model as a GAME Predictor over HTTP."""

from genomark.serving.predictor import predictor_app
from genomark.serving.server import serve_model

__all__ = ["predictor_app", "serve_model"]
