"""What every service counts, for Prometheus: its requests, their time, and who waits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Protocol

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest


class Queue(Protocol):
    """Where requests wait and are computed, such as `Turns`."""

    @property
    def waiting(self) -> int:
        """Requests that wait for their turn."""
        ...

    @property
    def computing(self) -> int:
        """Requests that have it."""
        ...


class RequestMetrics:
    """Counters of one app; not the process's, so that two apps do not add up.

    They are told in the order in which an app makes them.

    Parameters
    ----------
    prefix : str
        Begins all names.
    requests : str
        Says what the counter of requests counts.
    """

    def __init__(self, prefix: str, requests: str) -> None:
        self._prefix = prefix
        self._registry = CollectorRegistry()
        self._requests = self._counter("requests", requests, "status")
        self._by_status = cache(lambda status: self._requests.labels(str(status)))

    def request(self, status: int, seconds: float) -> None:
        """Count a request."""
        self._by_status(status).inc()
        self._seconds.observe(seconds)

    def text(self) -> bytes:
        """Everything, in the Prometheus text format."""
        return generate_latest(self._registry)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"{self._prefix}_{name}", text, labels, registry=self._registry)

    def _time(self, name: str, text: str, buckets: Sequence[float]) -> None:
        self._seconds = Histogram(
            f"{self._prefix}_{name}", text, buckets=buckets, registry=self._registry
        )

    def _watch(self, turns: Queue, computing: str, waiting: str) -> None:
        self._gauge("computing", computing, lambda: turns.computing)
        self._gauge("waiting", waiting, lambda: turns.waiting)

    def _gauge(self, name: str, text: str, read: Callable[[], float]) -> None:
        gauge = Gauge(f"{self._prefix}_{name}", text, registry=self._registry)
        gauge.set_function(read)
