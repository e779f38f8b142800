"""What a Matcher has done, for Prometheus."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from genomark.matching import Match
from genomark.serving.limits import Turns


class MatcherMetrics:
    """Counters of one app; not the process's, so that two apps do not add up."""

    def __init__(self, turns: Turns) -> None:
        self._registry = CollectorRegistry()
        self._requests = self._counter("requests", "Requests to match, by status.", "status")
        self._terms = self._counter(
            "terms", "Terms, by category, stage and outcome.", "category", "stage", "outcome"
        )
        self._calls = self._counter("calls", "Calls of a language model.")
        self._notes = self._counter("notes", "Terms in which something went wrong on the way.")
        self._seconds = Histogram(
            "genomark_match_seconds",
            "Time to answer a request to match.",
            buckets=(0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 60),
            registry=self._registry,
        )
        for name, text, read in (
            ("genomark_match_computing", "Requests in work.", lambda: turns.computing),
            ("genomark_match_waiting", "Requests that wait for a turn.", lambda: turns.waiting),
        ):
            Gauge(name, text, registry=self._registry).set_function(read)

    def request(self, status: int, seconds: float) -> None:
        """Count a request."""
        self._requests.labels(str(status)).inc()
        self._seconds.observe(seconds)

    def matched(self, match: Match) -> None:
        """Count a term."""
        outcome = "none" if match.choice is None else "matched"
        self._terms.labels(match.category, match.stage, outcome).inc()
        self._calls.inc(match.calls)
        self._notes.inc(bool(match.notes))

    def text(self) -> bytes:
        """Everything, in the Prometheus text format."""
        return generate_latest(self._registry)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"genomark_match_{name}", text, labels, registry=self._registry)
