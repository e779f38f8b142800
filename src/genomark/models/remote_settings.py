"""How patiently, and in what pieces, a Predictor behind a URL is asked."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from genomark.models.transport import Deadlines


@dataclass(frozen=True)
class RemoteSettings:
    """How a Predictor behind a URL is asked.

    Attributes
    ----------
    max_items, max_bytes : int
        No request holds more sequences, nor is longer unless it holds a single one.
    max_in_flight : int
        Requests under way at a time, at most; how many there are adapts to what the server bears.
    attempts : int
        How often a request is sent if connections break or the server is busy.
    first_pause, max_pause : float
        Seconds between attempts: doubled each time, jittered.
    max_retry_after : float
        Seconds a server may ask for between attempts.
    max_extra_requests : int
        Requests spent on telling sequences the server refuses from those it does not, per call.
    max_answer_bytes : int
        No answer of the protocol comes near it; what is longer is a mistake or an attack.
    deadlines : Deadlines
        For each request; `total` holds for all its attempts together.
    """

    max_items: int = 4096
    max_bytes: int = 64 << 20
    max_in_flight: int = 8
    attempts: int = 6
    first_pause: float = 0.5
    max_pause: float = 30.0
    max_retry_after: float = 120.0
    max_extra_requests: int = 256
    max_answer_bytes: int = 4 << 30
    # Most servers are silent until everything is computed, so only what was begun may not stall.
    deadlines: Deadlines = field(default_factory=lambda: Deadlines(begin=3600.0))

    def pause(self, attempt: int, jitter: random.Random) -> float:
        """Seconds to wait after an attempt, counted from 1."""
        longest = min(self.max_pause, self.first_pause * 2.0 ** (attempt - 1))
        return longest * jitter.uniform(0.5, 1.0)


DEFAULTS = RemoteSettings()
