"""What a server has done, for Prometheus."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from prometheus_client import Histogram
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from genomark.protocol import PredictRequest, total_letters
from genomark.serving.backend import Backend
from genomark.serving.request_metrics import RequestMetrics


class Metrics(RequestMetrics):
    """Counters of a Predictor."""

    def __init__(self, backend: Backend) -> None:
        super().__init__("genomark", "Prediction requests, by status.")
        buckets = (0.001, 0.01, 0.1, 1, 10, 60, 600)
        self._time("request_seconds", "Time to answer a prediction request.", buckets)
        self._sequences = self._counter("sequences", "Sequences asked about.")
        self._bases = self._counter("bases", "Bases asked about.")
        self._watch(backend, "Requests being computed.", "Requests waiting for their turn.")
        batches = Histogram(
            "genomark_batch_requests",
            "Requests computed as one.",
            buckets=(1, 2, 4, 8, 16, 32, 64, 128),
            registry=self._registry,
        )
        backend.batch = batches.observe
        batcher, cache, computing = backend.batcher, backend.batcher.cache, backend.computed_by
        self._gauge("cache_bytes", "Memory of the answers kept.", lambda: cache.bytes)
        self._gauge("replicas_alive", "Processes that compute.", lambda: computing.alive)
        self._registry.register(
            _Read(
                {
                    "cache_hits": ("Answers that were kept.", lambda: cache.hits),
                    "cache_misses": ("Answers that were not kept.", lambda: cache.misses),
                    "repeated_sequences": (
                        "Sequences not asked about, as an equal one was in the same batch.",
                        lambda: batcher.saved,
                    ),
                    "replica_restarts": (
                        "Processes started because one had ended.",
                        lambda: computing.restarts,
                    ),
                }
            )
        )

    def asked(self, request: PredictRequest) -> None:
        """Count what a request asks about."""
        self._sequences.inc(len(request.sequences))
        self._bases.inc(total_letters(request.sequences))


class _Read(Collector):
    """Counters that are kept elsewhere, and read when they are told."""

    def __init__(self, counters: dict[str, tuple[str, Callable[[], int]]]) -> None:
        self._counters = counters

    def collect(self) -> Iterator[CounterMetricFamily]:
        for name, (text, read) in self._counters.items():
            yield CounterMetricFamily(f"genomark_{name}", text, read())
