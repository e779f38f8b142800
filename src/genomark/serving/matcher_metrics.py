"""What a Matcher has done, for Prometheus."""

from __future__ import annotations

from genomark.matching import Match
from genomark.serving.limits import Turns
from genomark.serving.request_metrics import RequestMetrics


class MatcherMetrics(RequestMetrics):
    """Counters of a Matcher."""

    def __init__(self, turns: Turns) -> None:
        super().__init__("genomark_match", "Requests to match, by status.")
        self._terms = self._counter(
            "terms", "Terms, by category, stage and outcome.", "category", "stage", "outcome"
        )
        self._calls = self._counter("calls", "Calls of a language model.")
        self._notes = self._counter("notes", "Terms in which something went wrong on the way.")
        buckets = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 60)
        self._time("seconds", "Time to answer a request to match.", buckets)
        self._watch(turns, "Requests in work.", "Requests that wait for a turn.")

    def matched(self, match: Match) -> None:
        """Count a term."""
        outcome = "none" if match.choice is None else "matched"
        self._terms.labels(match.category, match.stage, outcome).inc()
        self._calls.inc(match.calls)
        self._notes.inc(bool(match.notes))
