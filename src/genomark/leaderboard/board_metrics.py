"""What the board's server has done, for Prometheus."""

from __future__ import annotations

from typing import Literal

from genomark.serving.limits import Turns
from genomark.serving.request_metrics import RequestMetrics


class BoardMetrics(RequestMetrics):
    """Counters of a leaderboard."""

    def __init__(self, turns: Turns) -> None:
        super().__init__("genomark_board", "Requests for pages and data, by status.")
        self._answers = self._counter("answers", "Answers, by how they came about.", "how")
        buckets = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10)
        self._time("seconds", "Time to answer a request.", buckets)
        self._watch(turns, "Requests in work.", "Requests that wait for a turn.")

    def answered(self, how: Literal["made", "kept", "unchanged"]) -> None:
        """Count an answer: made anew, kept from before, or known to who asked."""
        self._answers.labels(how).inc()
