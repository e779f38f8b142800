"""What a model takes, measured, to know whether it is worth saving."""

from __future__ import annotations

import math
from collections import deque

#: What it takes to look a sequence up, to ask about it, to keep the answer and to hand it out, as
#: measured: seconds a sequence, and a letter of it.
_HANDLING = (3e-6, 1.5e-9)
#: Computations that are looked at; the quickest counts, as all that disturbs one makes it slower.
_LAST = 16


class ModelCost:
    """Seconds that a model takes for a letter, by readout."""

    def __init__(self) -> None:
        self._seconds: dict[str, deque[float]] = {}

    def observe(self, readout: str, letters: int, seconds: float) -> None:
        """Take note of a computation."""
        if letters:
            seen = self._seconds.setdefault(readout, deque(maxlen=_LAST))
            seen.append(seconds / letters)

    def share(self, readout: str, sequences: int, letters: int) -> float:
        """Give how many times as long the model takes for so much as it takes to handle it.

        Infinite as long as nothing is known.
        """
        seen = self._seconds.get(readout)
        if not seen or not sequences:
            return math.inf
        # Other threads append meanwhile, which a copy does not mind.
        return min(tuple(seen)) * letters / (_HANDLING[0] * sequences + _HANDLING[1] * letters)
