"""What a server has done, for Prometheus."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from genomark.protocol import PredictRequest
from genomark.serving.limits import Turns


class Metrics:
    """Counters of one app; not the process's, so that two apps do not add up."""

    def __init__(self, turns: Turns) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "genomark_requests",
            "Prediction requests, by status.",
            ["status"],
            registry=self._registry,
        )
        self._seconds = Histogram(
            "genomark_request_seconds",
            "Time to answer a prediction request.",
            buckets=(0.001, 0.01, 0.1, 1, 10, 60, 600),
            registry=self._registry,
        )
        self._sequences = Counter(
            "genomark_sequences", "Sequences asked about.", registry=self._registry
        )
        self._bases = Counter("genomark_bases", "Bases asked about.", registry=self._registry)
        for name, text, read in (
            ("genomark_computing", "Requests being computed.", lambda: turns.computing),
            ("genomark_waiting", "Requests waiting for their turn.", lambda: turns.waiting),
        ):
            Gauge(name, text, registry=self._registry).set_function(read)

    def request(self, status: int, seconds: float) -> None:
        """Count a request."""
        self._requests.labels(str(status)).inc()
        self._seconds.observe(seconds)

    def asked(self, request: PredictRequest) -> None:
        """Count what a request asks about."""
        self._sequences.inc(len(request.sequences))
        self._bases.inc(sum(map(len, request.sequences.values())))

    def text(self) -> bytes:
        """Everything, in the Prometheus text format."""
        return generate_latest(self._registry)
