"""What a server has done, for Prometheus."""

from __future__ import annotations

from genomark.protocol import PredictRequest, total_letters
from genomark.serving.limits import Turns
from genomark.serving.request_metrics import RequestMetrics


class Metrics(RequestMetrics):
    """Counters of a Predictor."""

    def __init__(self, turns: Turns) -> None:
        super().__init__("genomark", "Prediction requests, by status.")
        buckets = (0.001, 0.01, 0.1, 1, 10, 60, 600)
        self._time("request_seconds", "Time to answer a prediction request.", buckets)
        self._sequences = self._counter("sequences", "Sequences asked about.")
        self._bases = self._counter("bases", "Bases asked about.")
        self._watch(turns, "Requests being computed.", "Requests waiting for their turn.")

    def asked(self, request: PredictRequest) -> None:
        """Count what a request asks about."""
        self._sequences.inc(len(request.sequences))
        self._bases.inc(total_letters(request.sequences))
